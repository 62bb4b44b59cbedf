// The record of a user: a change merged into it, and its rules.
import { directoryClaimFaults } from '../model/directory-claims.ts'
import { loginNameFault, normaliseLoginName } from '../model/login-name.ts'
import { merge } from '../model/record.ts'
import type { UserRow } from '../storage/users.ts'
import type { UserInput } from './user-input.ts'

/** Does not merge groups and password, which need the directory and the pepper. */
export function mergeUser(stored: UserRow, body: UserInput): UserRow {
  const { login_name, sub, password, password_hash, groups, ...attributes } = body
  const row = merge<UserRow>(stored, attributes)
  if (login_name !== undefined) row.login_name = normaliseLoginName(login_name)
  // A new address is unverified unless the change states otherwise.
  if (row.email !== stored.email && body.email_verified === undefined) row.email_verified = false
  return row
}

/** Field → fault. References to other records are checked in plan-user.ts. */
export function userFaults(row: UserRow, body: UserInput): Record<string, string> {
  const faults: Record<string, string> = {}
  const loginFault = loginNameFault(row.login_name)
  if (loginFault) faults.login_name = loginFault
  if (body.sub !== undefined && body.sub !== row.sub) faults.sub = `is fixed at creation: ${row.sub}`
  for (const [claim, fault] of Object.entries(directoryClaimFaults(row.claims))) faults[`claims.${claim}`] = fault
  if (body.password !== undefined && body.password_hash !== undefined) faults.password_hash = 'excludes password'
  return faults
}
