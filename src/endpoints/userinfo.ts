// UserInfo endpoint (OIDC Core §5.3), with Bearer tokens (RFC 6750 §2.1, §2.2).

import { OAuthError } from '../model/errors.ts'
import { invalidRequest, refusedToken } from '../model/oauth-errors.ts'
import { selectClaims } from '../protocol/claims.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { getTokenStatus, type PresentedToken, readAccessToken } from '../tokens/presented-token.ts'

export async function userinfo(context: RequestContext, incoming: Incoming): Promise<Response> {
  const token = await readAccessToken(context, presentedToken(incoming))
  if (!token) {
    throw invalidToken({
      description: 'the access token is not valid',
      expected: 'a JWT access token signed by this issuer',
      received: 'something else',
    })
  }
  context.client = { client_id: token.client_id, knownBy: 'access_token' }
  if (!isForThisIssuer(context, token)) {
    throw invalidToken({
      description: 'the access token is for another audience',
      expected: `aud with ${context.issuer.url}`,
      received: token.audience.join(' '),
    })
  }
  const status = await getTokenStatus(context, token, true)
  if (!status.isActive) {
    throw invalidToken({
      description: 'the access token is no longer valid',
      expected: 'an active access token',
      received: status.reason,
    })
  }
  if (!token.scope.includes('openid') || !status.user?.userinfo) throw insufficientScope(token)

  const { sub, userinfo: available } = status.user
  const { scopes } = context.configuration
  const claims = selectClaims(available.claims, scopes, token.scope, 'userinfo', available.single)
  return Response.json({ ...claims, sub }, { headers: { 'cache-control': 'no-store' } })
}

/** Reads the token from the Authorization header or the form body (RFC 6750 §2), never from the query. Throws if both or none have one. */
function presentedToken({ request, parameters }: Incoming): string {
  const header = request.headers.get('authorization')
  const match = header === null ? null : /^bearer +([\w.~+/-]+=*)$/i.exec(header.trim())
  const inBody = request.method === 'POST' ? parameters.get('access_token') : null
  if (match && inBody) {
    throw invalidRequest({
      description: 'the access token must be sent in one way only',
      check: 'access_token',
      expected: 'one access token',
      received: 'one in the header and one in the body',
      fix: 'send it in the Authorization header only',
    })
  }
  const token = match?.[1] ?? inBody
  if (token) return token
  // RFC 6750 §3.1: without authentication information the challenge has no error code.
  const detail = {
    check: 'access_token',
    expected: 'Authorization: Bearer',
    received: 'no bearer token',
    fix: 'send the access token',
  }
  throw new OAuthError('invalid_token', 'an access token is needed', detail, {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** RFC 9068 §4: the audience must include this issuer. */
function isForThisIssuer(context: RequestContext, token: PresentedToken): boolean {
  const { url: issuer } = context.issuer
  return token.audience.includes(issuer) || token.audience.includes(`${issuer}/resources`)
}

function invalidToken(refused: { description: string; expected: string; received: string }): OAuthError {
  return refusedToken('invalid_token', { ...refused, check: 'access_token', fix: 'fetch a new access token' })
}

function insufficientScope(token: PresentedToken): OAuthError {
  return refusedToken('insufficient_scope', {
    description: 'the access token was not issued for openid',
    scope: 'openid',
    check: 'scope',
    expected: 'the scope openid, granted by a person',
    received: token.scope.join(' '),
    fix: 'request the scope openid by the authorization code flow',
  })
}
