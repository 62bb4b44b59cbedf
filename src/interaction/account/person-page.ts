// What the pages of a signed-in person share.

import type { SessionCookie } from '../../authentication/sessions.ts'
import { sha256 } from '../../crypto/encoding.ts'
import { OAuthError } from '../../model/errors.ts'
import type { Person } from '../../model/person.ts'
import { requestedClaims } from '../../protocol/next-step.ts'
import type { OngoingAuthorization } from '../continue.ts'

export function displayName({ claims, user_id }: Person): string {
  return String(claims.name ?? claims.preferred_username ?? user_id)
}

/**
 * What a page says and to whom, as a field of its form: an answer counts for that alone. In another tab somebody else may have signed in
 * since, and the client may have been given more scopes.
 */
export function shownTo({ proof }: SessionCookie, { request }: OngoingAuthorization): Promise<string> {
  return sha256(JSON.stringify(['shown', proof.id, request.client_id, request.scope, requestedClaims(request)]))
}

/** Consent and account choice exist only within an authorization request. Throws invalid_request (a page). */
export function requireRequest<T extends { ongoing: OngoingAuthorization | undefined }>(
  resumed: T,
): T & { ongoing: OngoingAuthorization } {
  const { ongoing } = resumed
  if (ongoing) return { ...resumed, ongoing }
  const detail = {
    check: 'interaction',
    expected: 'an authorization request',
    received: 'a sign-in without one',
    fix: 'start from the application',
  }
  throw new OAuthError('invalid_request', 'this page must be reached from an application', detail)
}
