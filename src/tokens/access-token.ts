// Access tokens: JWTs of RFC 9068, or of IdentityServer's form if the resource servers of a shared issuer expect that (token_profile).

import { clientSessionId } from '../authentication/sessions.ts'
import { selectClaims } from '../protocol/claims.ts'
import { authenticationClaims } from '../protocol/id-token/id-token-claims.ts'
import type { RequestContext } from '../request/context.ts'
import { signJwt } from '../signing-keys/signing.ts'
import type { Authorization, SignIn } from './authorization.ts'

export interface IssuedAccessToken {
  access_token: string
  /** Seconds. */
  expires_in: number
}

export async function issueAccessToken(
  context: RequestContext,
  authorization: Authorization,
): Promise<IssuedAccessToken> {
  const { client, sub, scope, jti, iat, sign_in } = authorization
  const { settings } = context.configuration
  const expiresIn = client.access_token_lifetime ?? settings.access_token_lifetime
  const isIdentityServer = settings.token_profile === 'identityserver'
  const claims = {
    ...userClaims(context, authorization),
    iss: context.issuer.url,
    sub,
    aud: audienceOf(context, scope),
    client_id: client.client_id,
    scope: isIdentityServer ? scope : scope.join(' '),
    jti,
    iat,
    exp: iat + expiresIn,
    ...(isIdentityServer ? { nbf: iat } : {}),
    ...(sign_in ? authenticationClaims(sign_in.grant) : {}),
    ...(sign_in && isIdentityServer ? await identityServerClaims(authorization, sign_in) : {}),
  }
  const token = await signJwt(context, { alg: settings.access_token_signing_alg, typ: 'at+jwt', claims })
  return { access_token: token, expires_in: expiresIn }
}

/** Claims whose scopes put them into access tokens. */
function userClaims(context: RequestContext, { scope, sign_in }: Authorization): Record<string, unknown> {
  if (!sign_in) return {}
  return selectClaims(sign_in.user.claims, context.configuration.scopes, scope, 'access_token')
}

const identityServerClaims = async (
  { client }: Authorization,
  { grant }: SignIn,
): Promise<Record<string, unknown>> => ({
  idp: grant.idp,
  sid: await clientSessionId(grant.session_id, client.client_id),
})

/**
 * RFC 9068 §3: the resources whose scopes were granted, or the configured default if there are none. A token for userinfo also has the issuer
 * as audience. Returns a string if there is one audience.
 */
export function audienceOf(context: RequestContext, scope: readonly string[]): string | string[] {
  const { resources, settings } = context.configuration
  const audience = resources
    .filter((each) => each.scopes.some((name) => scope.includes(name)))
    .map((each) => each.identifier)
  if (settings.token_profile === 'identityserver') audience.push(`${context.issuer.url}/resources`)
  if (audience.length === 0) audience.push(...settings.default_audience)
  if (audience.length === 0 || scope.includes('openid')) audience.push(context.issuer.url)
  const [only] = audience
  return audience.length === 1 && only !== undefined ? only : [...new Set(audience)]
}
