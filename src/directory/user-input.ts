// The input for a change of a user: columns of the record, groups, and a password in the clear or hashed elsewhere.
import type { UserRow } from '../storage/users.ts'

type Column =
  | 'login_name'
  | 'sub'
  | 'tenant_id'
  | 'name'
  | 'given_name'
  | 'family_name'
  | 'email'
  | 'email_verified'
  | 'gender'
  | 'locale'
  | 'zoneinfo'
  | 'enabled'
  | 'service_account'
  | 'claims'

/** A field that is left out keeps its value. */
export interface UserInput extends Partial<Pick<UserRow, Column>> {
  /** `null` removes the local password. */
  password?: string | null | undefined
  password_hash?: string | undefined
  /** The ids of all groups of the user. */
  groups?: string[] | undefined
}
