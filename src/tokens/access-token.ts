// Access tokens: RFC 9068 JWTs, or the shape of IdentityServer where the shared issuer's resource servers expect that (DESIGN §6).

import type { Client } from '../model/client.ts'
import type { Person } from '../model/person.ts'
import { selectClaims } from '../protocol/claims.ts'
import type { RequestContext } from '../request/context.ts'
import { signJwt } from '../signing-keys/signing.ts'

export interface AccessTokenContent {
  client: Client
  sub: string
  scope: string[]
  jti: string
  /** Seconds. */
  iat: number
  /** Whoever signed in; absent for client_credentials. */
  sign_in?: { person: Person; authenticated_at: number; acr: string; amr: string[]; idp: string; sid: string }
}

export interface IssuedToken {
  token: string
  /** Seconds. */
  expires_in: number
}

export async function issueAccessToken(context: RequestContext, content: AccessTokenContent): Promise<IssuedToken> {
  const { settings } = context.configuration
  const expiresIn = content.client.access_token_lifetime ?? settings.access_token_lifetime
  const isIdentityServer = settings.token_profile === 'identityserver'
  const claims: Record<string, unknown> = {
    ...customClaims(context, content),
    iss: context.issuer.url,
    sub: content.sub,
    aud: audienceOf(context, content.scope),
    client_id: content.client.client_id,
    scope: isIdentityServer ? content.scope : content.scope.join(' '),
    jti: content.jti,
    iat: content.iat,
    exp: content.iat + expiresIn,
  }
  if (isIdentityServer) claims.nbf = content.iat
  if (content.sign_in) {
    const { authenticated_at } = content.sign_in
    // An external provider need not say when it was.
    if (authenticated_at > 0) claims.auth_time = Math.floor(authenticated_at / 1000)
    claims.acr = content.sign_in.acr
    claims.amr = content.sign_in.amr
    if (isIdentityServer) {
      claims.idp = content.sign_in.idp
      claims.sid = content.sign_in.sid
    }
  }
  const token = await signJwt(context, { alg: settings.access_token_signing_alg, typ: 'at+jwt', claims })
  return { token, expires_in: expiresIn }
}

function customClaims(context: RequestContext, content: AccessTokenContent): Record<string, unknown> {
  if (!content.sign_in) return {}
  return selectClaims(content.sign_in.person.claims, context.configuration.scopes, content.scope, 'access_token')
}

/**
 * RFC 9068 §3: the resources whose scopes were granted; without any, the configured default. A token that may be used at userinfo is also for
 * the issuer.
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
