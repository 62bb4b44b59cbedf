// The state that a PUT of the administration API gives a user: defaults, fields, groups and password, validated with the records they refer to.

import { base64url, randomBytes } from '../crypto/encoding.ts'
import { hashPassword, verifyPassword } from '../crypto/password-hash.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { findGroups } from '../storage/groups.ts'
import { newUser } from '../storage/new-user.ts'
import { findSubjectOwner, type UserRecord, type UserRow } from '../storage/users.ts'
import { tenantFaults } from './change-tenant.ts'
import type { UserInput } from './user-input.ts'
import { mergeUser, userFaults } from './user-record.ts'

/** The planned record. Throws a Problem that names every faulty field. */
export async function planUser(
  context: RequestContext,
  userId: string,
  body: UserInput,
  stored: UserRecord | undefined,
): Promise<UserRecord> {
  const base = stored?.row ?? newUser(userId, body.sub ?? userId, base64url(randomBytes(16)), context.now)
  const row = mergeUser(base, body)
  const faults = userFaults(row, body)
  const groups = body.groups ? await namedGroups(context, body.groups, faults) : (stored?.groups ?? [])
  if (!stored) await checkSubject(context, row, faults)
  Object.assign(faults, await tenantFaults(context, row.tenant_id))
  refuseFaults(faults)

  row.password_hash = await passwordHash(context, body, base.password_hash)
  return { row, groups }
}

async function namedGroups(
  context: RequestContext,
  groupIds: string[],
  faults: Record<string, string>,
): Promise<UserRecord['groups']> {
  const rows = groupIds.length > 0 ? await read(context, (db) => findGroups(db, groupIds)) : []
  const missing = groupIds.filter((groupId) => !rows.some((row) => row.group_id === groupId))
  if (missing.length > 0) faults.groups = `are not groups: ${missing.join(' ')}`
  return rows.map(({ group_id, name }) => ({ group_id, name })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function checkSubject(context: RequestContext, row: UserRow, faults: Record<string, string>): Promise<void> {
  const owner = await read(context, (db) => findSubjectOwner(db, row.sub))
  if (!owner) return
  faults.sub = owner.deleted
    ? `${row.sub} belonged to a deleted user and is never assigned again: state another sub`
    : `${row.sub} belongs to the user ${owner.user_id}: state another sub`
}

/** The same password again is not a change, so applying a seed twice ends no sessions. `null`: no local password. */
async function passwordHash(context: RequestContext, body: UserInput, stored: string | null): Promise<string | null> {
  const { pepper } = context.deployment
  const { password, password_hash } = body
  if (password === null) return null
  if (password !== undefined) {
    const verdict = stored === null ? 'mismatch' : await verifyPassword(password, stored, pepper)
    return verdict === 'match' || verdict === 'match-rehash' ? stored : hashPassword(password, pepper)
  }
  if (password_hash === undefined || password_hash === stored) return stored
  if ((await verifyPassword('', password_hash, pepper)) === 'unreadable') {
    refuseFaults({
      password_hash: 'is not a hash that can be verified here: $scrypt$… or $pbkdf2-sha256$… (docs/operations.md)',
    })
  }
  return password_hash
}
