// What the pages of a signed-in person share.
import { OAuthError } from '../protocol/errors.ts'
import type { Person } from '../protocol/person.ts'
import type { Judged } from './authorization.ts'

export function displayName({ claims, user_id }: Person): string {
  return String(claims.name ?? claims.preferred_username ?? user_id)
}

/** Consent and account choice exist only within an authorization request. Throws invalid_request (a page). */
export function requireRequest<T extends { judged: Judged | undefined }>(resumed: T): T & { judged: Judged } {
  const { judged } = resumed
  if (judged) return { ...resumed, judged }
  const detail = {
    check: 'interaction',
    expected: 'an authorization request',
    received: 'a sign-in without one',
    fix: 'start from the application',
  }
  throw new OAuthError('invalid_request', 'this page must be reached from an application', detail)
}
