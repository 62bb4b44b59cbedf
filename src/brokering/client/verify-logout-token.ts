// Verifies a logout token from an external provider (OIDC Back-Channel Logout §2.6): its signature here, its claims in protocol/logout-token.ts.

import type { ExternalProvider } from '../../model/external-provider.ts'
import { type LogoutTokenClaims, validateLogoutTokenClaims } from '../../protocol/logout-token.ts'
import type { RequestContext } from '../../request/context.ts'
import { startBudget } from './provider-fetch.ts'
import { expectationOf } from './verify-id-token.ts'
import { verifyUpstreamJwt } from './verify-upstream-jwt.ts'

/** At most one hop, to fetch keys that are not cached. `fault`: one plain sentence. The caller checks that the `jti` is new. */
export async function verifyLogoutToken(
  context: RequestContext,
  provider: ExternalProvider,
  token: string,
): Promise<LogoutTokenClaims | { fault: string }> {
  const { metadata, kind } = provider
  if (!metadata || kind !== 'openid')
    return { fault: `${provider.name} is not an OpenID Provider whose metadata was read.` }
  const verified = await verifyUpstreamJwt(context, provider, token, startBudget())
  if ('fault' in verified) return { fault: verified.fault.cause }
  return validateLogoutTokenClaims(verified.claims, expectationOf(context, provider, metadata))
}
