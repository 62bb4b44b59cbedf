// The one writer of users, for the administration API, external sign-ins and every later source of changes. It keeps D1 and the user's Subject
// consistent (DESIGN §3), writes the audit event, and plans again if another writer changed the user meanwhile.

import type { Person } from '../model/person.ts'
import { type Conflict, refresh, tryCommit } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import type { Concern } from '../storage/changes.ts'
import type { Database, Statement } from '../storage/database.ts'
import {
  deleteUser,
  grantGroups,
  insertUser,
  nextVersion,
  personOfRecord,
  setGroupsOfUser,
  type UserRecord,
  updateUser,
  withdrawGroups,
} from '../storage/users.ts'
import { pushAfter, pushFirst } from './push-person.ts'

/** A planned change of one user. Without `stored` and `next` the user does not exist, and there is no event. */
export interface UserChange {
  /** The record as it was read; undefined for a new user. */
  stored: UserRecord | undefined
  /** The planned record; undefined to delete the user. If its version is the stored one, only groups and `statements` are written. */
  next: UserRecord | undefined
  /** The audit event. If undefined, nothing changes and nothing is written. */
  event: { actor: string; action: string; detail?: Record<string, unknown> } | undefined
  /** The external provider that grants and withdraws groups, and may withdraw only those it granted. `null`: an administrator, for all groups. */
  grantedBy: string | null
  /** Statements of the same transaction, such as inserting an external identity. */
  statements?: (db: Database) => Statement[]
}

export interface UserTask<Change extends UserChange> {
  /** Reads the directory and plans. Called again if another writer changed the user meanwhile. Throws to refuse. */
  plan(): Promise<Change>
  /** Decides about a conflict: plan again, give up, or write the returned smaller change instead. */
  onConflict(change: Change, conflict: Conflict): 'plan-again' | 'give-up' | Change
  /**
   * What happens after D1 is written. `push`: the record is pushed to the user's Subject, and this isolate refreshes its configuration.
   * `sign-in`: neither, because the session that begins next brings the record to the Subject.
   */
  afterwards: 'push' | 'sign-in'
}

export type WrittenUser<Change extends UserChange> =
  /** `isPushed`: true if the user's Subject acknowledged the change. */
  | { outcome: 'written'; change: Change; isPushed: boolean }
  /** Other writers changed the user during both attempts. */
  | { outcome: 'overtaken'; conflict: Conflict }
  | { outcome: 'refused'; change: Change; conflict: Conflict }

const attempts = 2

/** Writes all or nothing to D1. Throws 503 if D1 does not answer, or the Subject of a user who loses rights. */
export async function writeUser<Change extends UserChange>(
  context: RequestContext,
  task: UserTask<Change>,
): Promise<WrittenUser<Change>> {
  for (let attempt = 1; ; attempt++) {
    const change = await task.plan()
    // A change that takes rights away reaches the Subject before D1, so that no token is issued with them; any other change reaches D1 first.
    const isPushedFirst = takesAway(change)
    if (isPushedFirst) await pushFirst(context, personAfter(context, change))
    const written = await carryOut(context, task, change, isPushedFirst)
    if (written.outcome !== 'overtaken' || attempt === attempts) return written
  }
}

async function carryOut<Change extends UserChange>(
  context: RequestContext,
  task: UserTask<Change>,
  change: Change,
  isPushedFirst: boolean,
): Promise<WrittenUser<Change>> {
  const { event, stored } = change
  if (!event) return { outcome: 'written', change, isPushed: true }
  const concerns = concernsOf(change)
  const statements = (db: Database) => statementsOf(context, db, change)
  const result = await tryCommit(context, { ...event, target: recordOf(change).row.user_id, concerns, statements })
  if (result.outcome === 'conflict') {
    const { conflict } = result
    const decision = task.onConflict(change, conflict)
    if (decision === 'plan-again') return { outcome: 'overtaken', conflict }
    if (decision === 'give-up') return { outcome: 'refused', change, conflict }
    return carryOut(context, task, decision, isPushedFirst)
  }
  if (task.afterwards === 'sign-in') return { outcome: 'written', change, isPushed: isPushedFirst }
  if (concerns.length > 0) await refresh(context)
  // A new user has not signed in yet, so the Subject holds no record to correct.
  const isPushed = isPushedFirst || !stored || (await pushAfter(context, personAfter(context, change)))
  return { outcome: 'written', change, isPushed }
}

function recordOf({ stored, next }: UserChange): UserRecord {
  const record = next ?? stored
  if (!record) throw new Error('a change of no user')
  return record
}

/** The record for the Subject. The Subject of a deleted user keeps a disabled record without claims. */
function personAfter(context: RequestContext, change: UserChange): Person {
  const person = personOfRecord(recordOf(change))
  if (change.next) return person
  const version = nextVersion(person.version, context.now)
  return { ...person, enabled: false, not_before: context.now, version, claims: {} }
}

function takesAway({ stored, next }: UserChange): boolean {
  if (!stored) return false
  if (!next || lostGroups(stored, next).length > 0) return true
  return next.row.not_before > stored.row.not_before || stored.row.tenant_id !== next.row.tenant_id
}

/** Clients that are linked to the user cache `enabled` and `tenant_id`. */
function concernsOf({ stored, next }: UserChange): Concern[] {
  if (!stored) return []
  const [before, after] = [stored.row, next?.row]
  if (before.enabled === after?.enabled && before.tenant_id === after.tenant_id) return []
  return [{ kind: 'linked-clients', user_id: before.user_id }]
}

function statementsOf(context: RequestContext, db: Database, change: UserChange): Statement[] {
  const { stored, next, statements } = change
  if (!next) return stored ? deleteUser(db, stored.row, context.now) : []
  const isRowChanged = stored && stored.row.version !== next.row.version
  return [
    ...(stored ? [] : [insertUser(db, next.row)]),
    ...(isRowChanged ? [updateUser(db, next.row, stored.row.version)] : []),
    ...(statements?.(db) ?? []),
    ...groupStatements(db, next, stored, change.grantedBy),
  ]
}

function groupStatements(
  db: Database,
  next: UserRecord,
  stored: UserRecord | undefined,
  grantedBy: string | null,
): Statement[] {
  const { user_id } = next.row
  const withdrawn = stored ? lostGroups(stored, next) : []
  const granted = stored ? lostGroups(next, stored) : idsOf(next)
  if (withdrawn.length + granted.length === 0) return []
  if (grantedBy === null) return setGroupsOfUser(db, user_id, idsOf(next))
  return [
    ...(withdrawn.length > 0 ? [withdrawGroups(db, user_id, withdrawn, grantedBy)] : []),
    ...(granted.length > 0 ? [grantGroups(db, user_id, granted, grantedBy)] : []),
  ]
}

const idsOf = ({ groups }: UserRecord): string[] => groups.map((group) => group.group_id)

/** The ids of the groups that `before` has and `after` has not. */
const lostGroups = (before: UserRecord, after: UserRecord): string[] =>
  idsOf(before).filter((groupId) => !idsOf(after).includes(groupId))
