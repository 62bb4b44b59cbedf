// The one way a change reaches D1: its statements, what isolates must hear of it, and its audit event, all or nothing.

import { conflict } from '../model/problems.ts'
import { recordAuditEvent } from '../storage/audit-events.ts'
import { type Concern, recordChange } from '../storage/changes.ts'
import { type Database, openDatabase, runBatch, type Statement } from '../storage/database.ts'
import { actorOf, hop, innermost, type RequestContext, unanswered } from './context.ts'

export interface Change {
  /** Who changes it, as the audit event names it; an operator unless stated. */
  actor?: string
  /** `client.update`, `user.sign-out`, … */
  action: string
  /** Key of the record. */
  target: string
  /** What else the audit event tells: names of changed fields, never a secret. */
  detail?: Record<string, unknown>
  /** Whose cached copies are out of date. */
  concerns?: Concern[]
  statements: (db: Database) => Statement[]
}

/** A constraint of the schema that a change broke, so that nothing was written. */
export interface Conflict {
  /** `version`: another writer changed the user since it was read. `reference`: a record that is missing or still referred to. */
  constraint: 'version' | 'unique' | 'reference' | 'other'
  /** The words of D1, which name columns and no values. */
  fault: string
}

/** One read of D1's primary: an operator sees what was written a moment ago. */
export function read<T>(context: RequestContext, query: (db: Database) => Promise<T>): Promise<T> {
  return hop(context, 'D1', () => query(openDatabase(context.env.DB.withSession('first-primary'))))
}

/** One round trip. Throws 503 when D1 does not answer; the caller decides what a conflict means and how to say it. */
export async function tryCommit(
  context: RequestContext,
  change: Change,
): Promise<{ outcome: 'committed' } | { outcome: 'conflict'; conflict: Conflict }> {
  const conflict = await hop(context, 'D1', () => write(context, change))
  if (conflict) return { outcome: 'conflict', conflict }
  context.log({ action: change.action, target: change.target })
  return { outcome: 'committed' }
}

/** For an operator's change: throws a Problem when it contradicts the rest of the directory. */
export async function commit(context: RequestContext, change: Change): Promise<void> {
  const result = await tryCommit(context, change)
  if (result.outcome === 'conflict') throw problemOf(context, result.conflict)
  if (change.concerns?.length) await refresh(context)
}

/** This isolate follows at once; the others within ten seconds. The change is made, whether or not this read succeeds. */
export async function refresh(context: RequestContext): Promise<void> {
  await context.configuration.refresh().catch(() => undefined)
}

/** What an operator is told of a conflict. */
export function problemOf(context: RequestContext, { constraint, fault }: Conflict): Error {
  switch (constraint) {
    case 'version':
      return conflict('Somebody else changed this user at the same moment: try again')
    case 'unique':
      return conflict(`Another record has this value already: ${uniqueColumns.exec(fault)?.[1]}`)
    case 'reference':
      return conflict('Other records refer to this one, or it refers to one that does not exist')
    case 'other':
      return unanswered(context, 'D1', fault)
  }
}

async function write(context: RequestContext, change: Change): Promise<Conflict | undefined> {
  const db = openDatabase(context.env.DB.withSession('first-primary'))
  const { actor = actorOf(context), action, target, detail = {}, concerns = [] } = change
  const event = { at: context.now, actor, action, target, request_id: context.requestId, detail }
  try {
    await runBatch(db, [
      // Before the change: a deleted user is linked to no client any more.
      ...concerns.map((concern) => recordChange(db, concern, context.now)),
      ...change.statements(db),
      recordAuditEvent(db, event),
    ])
    return undefined
  } catch (error) {
    const fault = innermost(error)
    const constraint = constraintOf(fault)
    if (!constraint) throw error
    return { constraint, fault }
  }
}

const uniqueColumns = /UNIQUE constraint failed: ([\w., ]+)/

/** Undefined: no constraint was broken, D1 itself failed. */
function constraintOf(fault: string): Conflict['constraint'] | undefined {
  if (fault.includes('NOT NULL constraint failed: users.version')) return 'version'
  if (uniqueColumns.test(fault)) return 'unique'
  if (fault.includes('FOREIGN KEY constraint failed')) return 'reference'
  return fault.includes('SQLITE_') ? 'other' : undefined
}
