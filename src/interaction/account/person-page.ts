// What the pages of a signed-in person share: the displayed name, and the value that binds a form to its page.

import type { SessionCookie } from '../../authentication/sessions.ts'
import { sha256 } from '../../crypto/encoding.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { Person } from '../../model/person.ts'
import { requestedClaims } from '../../protocol/next-step.ts'
import type { OngoingAuthorization } from '../ongoing-authorization.ts'

export function displayName({ claims, user_id }: Person): string {
  return String(claims.name ?? claims.preferred_username ?? user_id)
}

/**
 * Returns a hash that binds a form to the session, client, scopes and claims that its page displayed. A form with another value is not
 * accepted: another user may have signed in in another tab since, or the client may have been given more scopes.
 */
export function formBinding({ proof }: SessionCookie, { request }: OngoingAuthorization): Promise<string> {
  return sha256(JSON.stringify(['shown', proof.id, request.client_id, request.scope, requestedClaims(request)]))
}

/** Throws invalid_request (a page) without an authorization request: consent and account selection exist only within one. */
export function requireRequest<T extends { ongoing: OngoingAuthorization | undefined }>(
  resumed: T,
): T & { ongoing: OngoingAuthorization } {
  const { ongoing } = resumed
  if (ongoing) return { ...resumed, ongoing }
  throw invalidRequest({
    description: 'this page must be reached from an application',
    check: 'interaction',
    expected: 'an authorization request',
    received: 'a sign-in without one',
    fix: 'start from the application',
  })
}
