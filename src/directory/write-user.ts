// The one writer of users: an operator's change and an external sign-in go through it, and so must whatever changes users later. It keeps D1
// and the person's Subject in step (DESIGN §3), writes the audit event, and plans again when another writer came between.

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

/** What is to become of one user. With neither `stored` nor `next` there is no such user, and no event. */
export interface UserChange {
  /** As it was read; undefined for a new user. */
  stored: UserRecord | undefined
  /** As it is to be; undefined to delete the user. A row of the stored version is not written: then only groups and `statements` are. */
  next: UserRecord | undefined
  /** The audit event; undefined when nothing changes: then nothing is written. */
  event: { actor: string; action: string; detail?: Record<string, unknown> } | undefined
  /** The external provider that grants and withdraws groups: it takes only what it gave. Null: an operator decides about all of them. */
  grantedBy: string | null
  /** What must be written with the user or not at all, such as an external identity. */
  statements?: (db: Database) => Statement[]
}

export interface UserTask<Change extends UserChange> {
  /** Reads the directory and plans. Called a second time when the first plan was overtaken. Throws to refuse. */
  plan(): Promise<Change>
  /** What a conflict means: another writer came between, nothing can be done, or a smaller change is written instead. */
  onConflict(change: Change, conflict: Conflict): 'plan-again' | 'give-up' | Change
  /**
   * Who hears of the change once D1 has it. `push`: the person's Subject and this isolate's configuration. `sign-in`: neither; the session
   * that begins next brings the record to the Subject.
   */
  afterwards: 'push' | 'sign-in'
}

export type WrittenUser<Change extends UserChange> =
  /** `isPushed`: whether the person's Subject knows of the change. */
  | { outcome: 'written'; change: Change; isPushed: boolean }
  /** By two other writers, one after the other. */
  | { outcome: 'overtaken'; conflict: Conflict }
  | { outcome: 'refused'; change: Change; conflict: Conflict }

const attempts = 2

/** All or nothing in D1. Throws 503 when D1, or a Subject that loses rights, does not answer. */
export async function writeUser<Change extends UserChange>(
  context: RequestContext,
  task: UserTask<Change>,
): Promise<WrittenUser<Change>> {
  for (let attempt = 1; ; attempt++) {
    const change = await task.plan()
    // Rights are taken first where they are used, then in the directory; everything else the other way round.
    const isTold = takesAway(change)
    if (isTold) await pushFirst(context, personAfter(context, change))
    const written = await carryOut(context, task, change, isTold)
    if (written.outcome !== 'overtaken' || attempt === attempts) return written
  }
}

async function carryOut<Change extends UserChange>(
  context: RequestContext,
  task: UserTask<Change>,
  change: Change,
  isTold: boolean,
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
    return carryOut(context, task, decision, isTold)
  }
  if (task.afterwards === 'sign-in') return { outcome: 'written', change, isPushed: isTold }
  if (concerns.length > 0) await refresh(context)
  // A new user has not signed in yet, so there is nothing to correct.
  const isPushed = isTold || !stored || (await pushAfter(context, personAfter(context, change)))
  return { outcome: 'written', change, isPushed }
}

function recordOf({ stored, next }: UserChange): UserRecord {
  const record = next ?? stored
  if (!record) throw new Error('a change of no user')
  return record
}

/** The Subject of a deleted user keeps a disabled record without claims. */
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

/** A client that is linked to the user keeps a copy of these two columns. */
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

/** Ids of the groups of `before` that `after` is without. */
const lostGroups = (before: UserRecord, after: UserRecord): string[] =>
  idsOf(before).filter((groupId) => !idsOf(after).includes(groupId))
