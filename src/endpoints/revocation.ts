// Token revocation (RFC 7009). Revoking a refresh token revokes its whole grant; revoking an access token revokes that token only.

import { authenticateClient } from '../clients/authentication/client-authentication.ts'
import { openHandle } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { Client } from '../model/client.ts'
import type { OAuthError } from '../model/errors.ts'
import { invalidRequest } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { revokeClientToken } from '../tokens/client-token.ts'
import { readAccessToken } from '../tokens/presented-token.ts'
import { requiredToken } from './required-token.ts'

export async function revocation(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const { client } = await authenticateClient(context, request, parameters)
  const token = requiredToken(parameters)
  const isKnown =
    (await revokeRefreshToken(context, client, token)) || (await revokeAccessToken(context, client, token))
  context.log({ revoked: isKnown })
  // RFC 7009 §2.2: an unknown token is no error, since it is already invalid.
  return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
}

/** Returns false if it is not a refresh token of ours. Throws invalid_request if it was issued to another client. */
async function revokeRefreshToken(context: RequestContext, client: Client, token: string): Promise<boolean> {
  const handle = await openHandle(context, 'refresh-token', token)
  if (!handle) return false
  const isOwner = await askSubject(context, handle.subject_ref, (subject) =>
    subject.revokeFamily(handle.id, client.client_id, context.now),
  )
  if (!isOwner) throw issuedToAnotherClient(client)
  return true
}

/** Returns false if it is not an access token of ours. Throws invalid_request if it was issued to another client. */
async function revokeAccessToken(context: RequestContext, client: Client, text: string): Promise<boolean> {
  const token = await readAccessToken(context, text)
  if (!token || token.owner.kind === 'foreign') return false
  if (token.client_id !== client.client_id) throw issuedToAnotherClient(client)
  if (token.expires_at <= context.now) return true
  const { owner } = token
  if (owner.kind === 'client') await revokeClientToken(context, token.jti, token.expires_at)
  else {
    await askSubject(context, owner.subject_ref, (subject) =>
      subject.revokeToken(token.jti, token.expires_at, context.now),
    )
  }
  return true
}

/** RFC 7009 §2.1: the request is refused and the client is informed. */
function issuedToAnotherClient(client: Client): OAuthError {
  return invalidRequest({
    description: 'the token was issued to another client',
    check: 'client_id',
    expected: 'the client that the token was issued to',
    received: client.client_id,
    fix: 'revoke a token with the credentials of its own client',
  })
}
