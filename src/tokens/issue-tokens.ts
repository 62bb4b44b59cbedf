// The shared phase of the token endpoint: an authorization becomes tokens and the token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).

import type { RequestContext } from '../request/context.ts'
import { issueAccessToken } from './access-token.ts'
import type { Authorization } from './authorization.ts'
import { issueIdToken } from './id-token.ts'

export interface TokenResponse {
  access_token: string
  /** RFC 6749 §7.1: how the client presents the access token. */
  token_type: string
  /** Seconds. */
  expires_in: number
  scope: string
  id_token?: string
  refresh_token?: string
}

export async function issueTokens(context: RequestContext, authorization: Authorization): Promise<TokenResponse> {
  const { client, iat, scope, sign_in, refresh_token } = authorization
  const { access_token, expires_in } = await issueAccessToken(context, authorization)
  const response: TokenResponse = { access_token, token_type: 'Bearer', expires_in, scope: scope.join(' ') }
  if (sign_in?.grant.scope.includes('openid')) {
    response.id_token = await issueIdToken(context, { client, sign_in, iat, access_token })
  }
  if (refresh_token !== undefined) response.refresh_token = refresh_token
  return response
}
