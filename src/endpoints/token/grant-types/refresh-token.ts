// grant_type=refresh_token (RFC 6749 §6, RFC 9700 §4.14.2): the token rotates on every use. A client that lost the response can repeat the
// request within the grace window.

import { base64url, concatBytes, fromUtf8, parseBase64url, randomBytes, utf8 } from '../../../crypto/encoding.ts'
import { hashSecret, newSecret, openHandle, sealHandle } from '../../../grants/handles.ts'
import { askSubject } from '../../../grants/subject/ask-subject.ts'
import type { Rotation } from '../../../grants/subject/grants.ts'
import { type Client, isPublicClient } from '../../../model/client.ts'
import { OAuthError } from '../../../model/errors.ts'
import type { Grant } from '../../../model/grant.ts'
import { invalidGrant } from '../../../model/oauth-errors.ts'
import { mayRequestScope, parseScope } from '../../../protocol/authorization-request/scope.ts'
import type { RequestContext } from '../../../request/context.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { newGrantTokenId } from '../../../tokens/token-id.ts'
import { requiredParameter, type TokenRequest } from './grant-handler.ts'
import { requireUsableGrant } from './usable-grant.ts'

/** What the response to a repeated request must repeat. */
interface Successor {
  refresh_token: string
  jti: string
  iat: number
}

export async function refreshToken(context: RequestContext, request: TokenRequest): Promise<Authorization> {
  const { client, parameters } = request
  const presented = requiredParameter(parameters, 'refresh_token')
  const handle = await openHandle(context, 'refresh-token', presented)
  if (!handle) {
    throw invalidGrant({
      description: 'the refresh token is not valid',
      check: 'refresh_token',
      expected: 'a refresh token that this provider issued',
      received: 'something else, or a token that was truncated or changed',
      fix: 'store the whole refresh token, and replace it by the newest one after each use',
    })
  }
  if (!client.offline_access) {
    throw invalidGrant({
      description: 'the client may not use refresh tokens',
      check: 'offline_access',
      expected: 'a client with the Offline setting',
      received: `${client.client_id} without it`,
      fix: 'switch "Offline" on for the client, then sign in again',
    })
  }
  const requested = parseScope(parameters.get('scope'))
  const { subject_ref, id, secret } = handle
  const next = newSecret()
  const proposed: Successor = {
    refresh_token: await sealHandle(context, 'refresh-token', { subject_ref, id, secret: next }),
    jti: await newGrantTokenId(context, subject_ref, id),
    iat: Math.floor(context.now / 1000),
  }
  const rotation = await rotationFor(context, client, secret, next, proposed, requested)
  const result = await askSubject(context, subject_ref, (subject) => subject.refresh(id, rotation, context.now))
  if (result.outcome === 'reused') {
    throw invalidGrant({
      description: 'the refresh token was used before',
      check: 'refresh_token',
      expected: 'the newest refresh token of its family',
      received: 'an older one, after its successor was used or its grace window ended; the whole family was revoked',
      fix: 'store the refresh token of every response before using it; let one process refresh at a time',
    })
  }
  if (result.outcome === 'scope') throw scopeExceeded(result.grant, requested)
  if (result.outcome === 'unknown')
    throw invalidGrant({ description: 'the refresh token is not valid', ...result.detail })

  const { grant, person: user } = result
  requireUsableGrant(context, client, grant, 'refresh token')
  const successor = result.outcome === 'retried' ? await openRetry(result.retry, secret) : proposed
  const isEnabled = (scope: string) => context.configuration.scopes.get(scope)?.enabled === true
  // A scope that the client may no longer request is left out.
  const scope = (requested.length > 0 ? requested : grant.scope).filter(
    (name) => isEnabled(name) && mayRequestScope(client, name),
  )
  return {
    client,
    sub: user.sub,
    scope,
    jti: successor.jti,
    iat: successor.iat,
    sign_in: { user, grant },
    refresh_token: result.outcome === 'kept' ? presented : successor.refresh_token,
  }
}

async function rotationFor(
  context: RequestContext,
  client: Client,
  secret: Uint8Array<ArrayBuffer>,
  next: Uint8Array<ArrayBuffer>,
  successor: Successor,
  scope: string[],
): Promise<Rotation> {
  const { settings } = context.configuration
  const grace = client.refresh_token_grace ?? (isPublicClient(client) ? 10 : 60)
  return {
    client_id: client.client_id,
    scope,
    presented_hash: await hashSecret(secret),
    successor_hash: await hashSecret(next),
    retry: await sealRetry(successor, secret),
    grace: grace * 1000,
    rotates: client.refresh_token_rotation,
    sliding_lifetime: (client.refresh_token_sliding_lifetime ?? settings.refresh_token_sliding_lifetime) * 1000,
  }
}

/** RFC 6749 §6: a refresh may narrow the scope, never widen it. */
function scopeExceeded(grant: Grant, requested: string[]): OAuthError {
  return new OAuthError('invalid_scope', 'scope exceeds what was granted', {
    check: 'scope',
    expected: `some of: ${grant.scope.join(' ')}`,
    received: requested.join(' '),
    fix: 'leave scope out, or start a new authorization request for more',
  })
}

/** The key is derived from the secret of the presented token, so only its holder can read the stored retry. */
async function retryKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const bytes = await crypto.subtle.digest('SHA-256', concatBytes(utf8('countersign retry '), secret))
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
}

async function sealRetry(successor: Successor, secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const iv = randomBytes(12)
  const plaintext = utf8(JSON.stringify(successor))
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await retryKey(secret), plaintext)
  return base64url(concatBytes(iv, new Uint8Array(ciphertext)))
}

async function openRetry(sealed: string, secret: Uint8Array<ArrayBuffer>): Promise<Successor> {
  const bytes = parseBase64url(sealed)
  if (!bytes) throw new Error('a stored retry is not readable')
  const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, 12) }
  const plaintext = await crypto.subtle.decrypt(algorithm, await retryKey(secret), bytes.subarray(12))
  return JSON.parse(fromUtf8(plaintext)) as Successor
}
