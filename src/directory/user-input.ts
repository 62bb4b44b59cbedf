// What a change of a user may state: the columns of the record, its groups, and a password in the clear or hashed elsewhere.
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
  /** Null: no local password. */
  password?: string | null | undefined
  password_hash?: string | undefined
  /** Ids of the groups, all of them. */
  groups?: string[] | undefined
}
