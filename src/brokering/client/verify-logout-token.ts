// A logout token from an external provider (OIDC Back-Channel Logout §2.4, §2.6). That its jti is new is the caller's to see.

import type { ExternalProvider } from '../../model/external-provider.ts'
import {
  checkAudience,
  checkExpiry,
  checkIssuedAt,
  checkIssuer,
  checkSubject,
  firstFault,
  type TokenCheck,
} from '../../protocol/id-token/id-token-checks.ts'
import type { RequestContext } from '../../request/context.ts'
import { startBudget } from './provider-fetch.ts'
import { expectationOf } from './verify-id-token.ts'
import { verifyUpstreamJwt } from './verify-upstream-jwt.ts'

export type VerifiedLogoutToken = { issuer: string; sub?: string; sid?: string; jti: string; iat: number }

/** At most one hop, for keys that are not known. `fault`: one plain sentence. */
export async function verifyLogoutToken(
  context: RequestContext,
  provider: ExternalProvider,
  token: string,
): Promise<VerifiedLogoutToken | { fault: string }> {
  const { metadata, kind } = provider
  if (!metadata || kind !== 'openid')
    return { fault: `${provider.name} is no OpenID Provider whose metadata was read.` }
  const verified = await verifyUpstreamJwt(context, provider, token, startBudget())
  if ('fault' in verified) return { fault: verified.fault.cause }
  const { claims } = verified
  const fault = firstFault(logoutChecks, claims, expectationOf(context, provider, metadata))
  return fault ? { fault: fault.cause } : parsed(claims)
}

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** Logout tokens end no attempt, so a cause is all that is said of them. */
const logoutChecks: TokenCheck<{ cause: string }>[] = [
  checkIssuer,
  checkAudience,
  checkIssuedAt,
  // §2.4 requires exp since 2022; older providers leave it out.
  (claims, expected) => (claims.exp === undefined ? undefined : checkExpiry(claims, expected)),
  ({ events }) =>
    isObject(events) && isObject(events[event]) ? undefined : { cause: 'The token is not a logout token.' },
  // §2.4: so that no ID token passes for a logout token.
  ({ nonce }) => (nonce === undefined ? undefined : { cause: 'A logout token must not have a nonce.' }),
  ({ jti }) => (isText(jti) ? undefined : { cause: 'The logout token has no jti.' }),
  ({ sub, sid }) =>
    sub === undefined && sid === undefined ? { cause: 'The logout token names neither sub nor sid.' } : undefined,
  (claims) => (claims.sub === undefined ? undefined : checkSubject(claims)),
  ({ sid }) => (sid === undefined || isText(sid) ? undefined : { cause: "The logout token's sid is no text." }),
]

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 512

function parsed({ iss, sub, sid, jti, iat }: Record<string, unknown>): VerifiedLogoutToken {
  return {
    issuer: String(iss),
    jti: String(jti),
    iat: Number(iat),
    ...(sub === undefined ? {} : { sub: String(sub) }),
    ...(sid === undefined ? {} : { sid: String(sid) }),
  }
}
