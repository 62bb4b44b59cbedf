// Token response (RFC 6749 §5.1, OIDC Core §3.1.3.3) for tokens of a person: access token, ID token, refresh token.

import { clientSessionId } from '../authentication/sessions.ts'
import { newSecret, sealHandle } from '../grants/handles.ts'
import type { Client } from '../model/client.ts'
import { OAuthError } from '../model/errors.ts'
import type { Grant } from '../model/grant.ts'
import type { Person } from '../model/person.ts'
import { acceptedIdps, isAcceptedIdp } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'
import { issueAccessToken } from './access-token.ts'
import { issueIdToken } from './id-token.ts'

export interface TokenResponse {
  access_token: string
  token_type: 'Bearer'
  /** Seconds. */
  expires_in: number
  scope: string
  id_token?: string
  refresh_token?: string
}

export interface PersonTokens {
  client: Client
  person: Person
  grant: Grant
  /** What this answer is for: the grant's scope or less. */
  scope: string[]
  jti: string
  /** Seconds. */
  iat: number
  refresh_token: string | undefined
  nonce: string | undefined
}

/** A fresh `jti`: it leads userinfo and introspection to the Subject and the grant, and nobody else. */
export const newTokenId = (context: RequestContext, subjectRef: string, grantId: string): Promise<string> =>
  sealHandle(context, 'token-id', { subject_ref: subjectRef, id: grantId, secret: newSecret().subarray(0, 16) })

/** Throws invalid_grant when the grant came from an external provider that is switched off or gone (DESIGN principle 5). */
export async function respondWithTokens(context: RequestContext, tokens: PersonTokens): Promise<TokenResponse> {
  const { client, person, grant, scope, jti, iat } = tokens
  requireAcceptedIdp(context, grant)
  const sid = await clientSessionId(grant.session_id, client.client_id)
  const { authenticated_at, acr, amr, idp } = grant
  const sign_in = { person, authenticated_at, acr, amr, idp, sid }
  const { token, expires_in } = await issueAccessToken(context, { client, sub: person.sub, scope, jti, iat, sign_in })
  const response: TokenResponse = { access_token: token, token_type: 'Bearer', expires_in, scope: scope.join(' ') }
  if (grant.scope.includes('openid')) {
    const { nonce } = tokens
    response.id_token = await issueIdToken(context, { client, person, grant, sid, access_token: token, nonce, iat })
  }
  if (tokens.refresh_token !== undefined) response.refresh_token = tokens.refresh_token
  return response
}

function requireAcceptedIdp(context: RequestContext, { idp, created_at }: Grant): void {
  if (isAcceptedIdp(acceptedIdps(context.configuration.identityProviders), idp, created_at)) return
  throw new OAuthError('invalid_grant', 'the person must sign in again', {
    check: 'identity_provider',
    expected: 'a sign-in by a provider that is enabled',
    received: `one by ${idp}, which is disabled or deleted`,
    fix: 'enable the provider, or let the person sign in another way',
  })
}
