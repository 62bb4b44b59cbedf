// Validates the ID token of an external provider in full (OIDC Core §3.1.3.7, §3.1.3.8).

import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { BrokeringError, type KnownPerson } from '../../model/login-attempt.ts'
import {
  accessTokenFault,
  type IdTokenExpectation,
  idTokenFault,
  isSubject,
  type TokenFault,
} from '../../protocol/id-token/id-token-checks.ts'
import type { RequestContext } from '../../request/context.ts'
import { acceptsIssuer } from './issuer-template.ts'
import type { Budget } from './provider-fetch.ts'
import type { UpstreamTokens } from './token-request.ts'
import { verifyUpstreamJwt } from './verify-upstream-jwt.ts'

export interface IdTokenClaims extends Record<string, unknown> {
  iss: string
  sub: string
}

export const expectationOf = (
  { now, configuration }: RequestContext,
  { client_id, allow_all_issuers, valid_issuers }: ExternalProvider,
  { issuer }: ProviderMetadata,
): IdTokenExpectation => ({
  client_id,
  issuers: [issuer, ...valid_issuers],
  acceptsIssuer: (claims) => acceptsIssuer({ issuer, allow_all_issuers, valid_issuers }, claims),
  now,
  clock_skew: configuration.settings.clock_skew,
})

/** Returns the claims. Throws BrokeringError, which names the person if the provider did sign the token. */
export async function verifyIdToken(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  { id_token, access_token }: UpstreamTokens,
  nonce: string,
  budget: Budget,
): Promise<IdTokenClaims> {
  if (id_token === undefined) throw refused(missing)
  const verified = await verifyUpstreamJwt(context, provider, id_token, budget)
  if ('fault' in verified) throw refused(verified.fault, verified.isOurOutage)
  const { claims } = verified
  const fault =
    idTokenFault(claims, { ...expectationOf(context, provider, metadata), nonce }) ??
    (await accessTokenFault(claims, verified.alg, access_token))
  if (!fault) return claims as IdTokenClaims
  throw refused(fault).withKnown(knownOf(claims))
}

const missing: TokenFault = {
  check: 'id_token',
  cause: 'The token endpoint sent no ID token.',
  fix: 'Request the scope openid, or choose the kind oauth2 if this is not an OpenID Provider.',
}

/** The facts about the person that an attempt stores. */
export function knownOf(claims: Record<string, unknown>): KnownPerson {
  const { iss, sub } = claims
  return {
    claims,
    ...(typeof iss === 'string' ? { issuer: iss.slice(0, 500) } : {}),
    ...(isSubject(sub) ? { subject: sub } : {}),
  }
}

const refused = (fault: TokenFault, isOutage = false): BrokeringError =>
  isOutage
    ? new BrokeringError({ ...fault, step: 'id_token', publicCause: 'unreachable', outcome: 'failed' })
    : new BrokeringError({ ...fault, step: 'id_token', publicCause: 'invalid_answer' })
