// The initial row of a user, which is the same whether an operator or the first sign-in by an external provider creates it.
import { normaliseLoginName } from '../model/login-name.ts'
import type { UserRow } from './users.ts'

/** The user is enabled, has no password, and its login name is its user_id. `subjectRef` is 16 random bytes in base64url. */
export function newUser(userId: string, sub: string, subjectRef: string, now: number): UserRow {
  return {
    user_id: userId,
    login_name: normaliseLoginName(userId),
    sub,
    subject_ref: subjectRef,
    version: 1,
    tenant_id: null,
    name: null,
    given_name: null,
    family_name: null,
    email: null,
    email_verified: false,
    gender: null,
    locale: null,
    zoneinfo: null,
    enabled: true,
    service_account: false,
    password_hash: null,
    not_before: 0,
    claims: {},
    created_at: now,
    updated_at: now,
  }
}
