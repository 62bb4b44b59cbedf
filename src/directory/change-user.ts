// How a user changes: the record's next state, and the order in which D1 and the person's Subject learn of it (DESIGN §3).

import { base64url, randomBytes } from '../crypto/encoding.ts'
import { hashPassword, verifyPassword } from '../crypto/password-hash.ts'
import { Problem } from '../model/errors.ts'
import { changedFields } from '../model/record.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { findGroups } from '../storage/groups.ts'
import { newUser } from '../storage/new-user.ts'
import { findTenant } from '../storage/tenants.ts'
import {
  deleteUser,
  findSubjectOwner,
  findUser,
  insertUser,
  nextVersion,
  personOfRecord,
  setGroupsOfUser,
  type UserRecord,
  type UserRow,
  updateUser,
} from '../storage/users.ts'
import { pushAfter, pushFirst } from './push-person.ts'
import type { UserInput } from './user-input.ts'
import { mergeUser, userFaults } from './user-record.ts'

export interface UserChange {
  /** Undefined: a new user. */
  stored: UserRecord | undefined
  next: UserRecord
  /** Names of what changes. */
  fields: string[]
}

export interface SavedUser {
  record: UserRecord
  isNew: boolean
  /** Whether the person's Subject acknowledged the change. */
  pushed: boolean
}

/**
 * Reads the user, lets `plan` say what it becomes, and writes it. When another writer comes between, once more from the start. `plan`
 * throws a Problem to refuse.
 */
export async function changeUser(
  context: RequestContext,
  userId: string,
  action: string,
  plan: (stored: UserRecord | undefined) => Promise<UserRecord>,
): Promise<SavedUser> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const stored = await read(context, (db) => findUser(db, userId))
    const planned = await plan(stored)
    const fields = differences(stored, planned)
    if (stored && fields.length === 0) return { record: stored, isNew: false, pushed: true }
    const next = renewed(stored, planned, context.now)
    const pushed = await write(context, { stored, next, fields }, action)
    if (pushed !== 'overtaken') return { record: next, isNew: !stored, pushed }
  }
  throw overtaken()
}

const overtaken = () => new Problem(409, 'Somebody else changed this user at the same moment: try again')

function differences(stored: UserRecord | undefined, next: UserRecord): string[] {
  const ids = (record: UserRecord | undefined) => record?.groups.map((group) => group.group_id).sort()
  const groups = JSON.stringify(ids(stored)) === JSON.stringify(ids(next)) ? [] : ['groups']
  return [...changedFields(stored?.row, next.row), ...groups]
}

/** A change that ends what the person has open moves `not_before`: it must not come back when the account does. */
function renewed(stored: UserRecord | undefined, next: UserRecord, now: number): UserRecord {
  if (!stored) return next
  const [before, after] = [stored.row, next.row]
  const endsSessions =
    (before.enabled && !after.enabled) ||
    (!before.service_account && after.service_account) ||
    before.password_hash !== after.password_hash
  const not_before = endsSessions ? Math.max(before.not_before, now) : after.not_before
  return { ...next, row: { ...after, not_before, version: nextVersion(before.version, now), updated_at: now } }
}

/** Rights are taken first where they are used, then in the directory; everything else the other way round. */
async function write(context: RequestContext, change: UserChange, action: string): Promise<boolean | 'overtaken'> {
  const { stored, next, fields } = change
  const person = personOfRecord(next)
  const isTold = stored !== undefined && takesAway(stored, next)
  if (isTold) await pushFirst(context, person)

  const isLinkConcerned = fields.includes('enabled') || fields.includes('tenant_id')
  const outcome = await commit(context, {
    action: stored ? action : 'user.create',
    target: next.row.user_id,
    detail: { fields },
    concerns: stored && isLinkConcerned ? [{ kind: 'linked-clients', user_id: next.row.user_id }] : [],
    statements: (db) => [
      stored ? updateUser(db, next.row, stored.row.version) : insertUser(db, next.row),
      ...(fields.includes('groups')
        ? setGroupsOfUser(
            db,
            next.row.user_id,
            next.groups.map((group) => group.group_id),
          )
        : []),
    ],
  })
  if (outcome === 'overtaken') return outcome
  // Nobody who is new has signed in yet.
  return isTold || !stored || pushAfter(context, person)
}

function takesAway(stored: UserRecord, next: UserRecord): boolean {
  const lostGroup = stored.groups.some((group) => !next.groups.some((kept) => kept.group_id === group.group_id))
  return lostGroup || next.row.not_before > stored.row.not_before || stored.row.tenant_id !== next.row.tenant_id
}

/** The person's Subject keeps a disabled record without claims, the directory the subject identifier, so that nobody inherits it. */
export async function removeUser(context: RequestContext, userId: string): Promise<'removed' | 'unknown'> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const stored = await read(context, (db) => findUser(db, userId))
    if (!stored) return 'unknown'
    const version = nextVersion(stored.row.version, context.now)
    const person = personOfRecord(stored)
    await pushFirst(context, { ...person, enabled: false, not_before: context.now, version, claims: {} })
    const outcome = await commit(context, {
      action: 'user.delete',
      target: userId,
      concerns: [{ kind: 'linked-clients', user_id: userId }],
      statements: (db) => deleteUser(db, stored.row, context.now),
    })
    if (outcome === 'committed') return 'removed'
  }
  throw overtaken()
}

/** The state that a PUT asks for. Throws a Problem that names every faulty field. */
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
  await checkTenant(context, row, faults)
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
    ? `${row.sub} belonged to a deleted user and is never given again: state another sub`
    : `${row.sub} belongs to the user ${owner.user_id}: state another sub`
}

async function checkTenant(context: RequestContext, row: UserRow, faults: Record<string, string>): Promise<void> {
  const { tenant_id } = row
  if (tenant_id !== null && !(await read(context, (db) => findTenant(db, tenant_id)))) {
    faults.tenant_id = 'is not a tenant'
  }
}

/** The same password again is no change: a seed that is applied twice signs nobody out. */
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
