// The one way in which a change reaches D1: its statements, the notice to isolates and its audit event, in one transaction.

import { conflict } from '../model/problems.ts'
import { recordAuditEvent } from '../storage/audit-events.ts'
import { type Concern, recordChange } from '../storage/changes.ts'
import { type Database, openDatabase, runBatch, type Statement } from '../storage/database.ts'
import { actorOf, hop, innermost, type RequestContext, unanswered } from './context.ts'

export interface Change {
  /** Who makes the change, for the audit event; the actor of the request unless stated. */
  actor?: string
  /** `client.update`, `user.sign-out`, … */
  action: string
  /** Key of the record. */
  target: string
  /** Further content of the audit event: names of changed fields, never a secret. */
  detail?: Record<string, unknown>
  /** Which cached records this change invalidates. */
  concerns?: Concern[]
  statements: (db: Database) => Statement[]
}

/** A constraint of the schema that a change broke, so that nothing was written. */
export interface Conflict {
  /** `version`: another writer changed the user since it was read. `reference`: a record that is missing or still referred to. */
  constraint: 'version' | 'unique' | 'reference' | 'other'
  /** The message of D1, which names columns and no values. */
  fault: string
}

/** One read of D1's primary, so that an operator sees what was written a moment ago. */
export function read<T>(context: RequestContext, query: (db: Database) => Promise<T>): Promise<T> {
  return hop(context, 'D1', () => query(openDatabase(context.env.DB.withSession('first-primary'))))
}

/** One round trip. Throws 503 if D1 does not answer. The caller decides what a conflict means. */
export async function tryCommit(
  context: RequestContext,
  change: Change,
): Promise<{ outcome: 'committed' } | { outcome: 'conflict'; conflict: Conflict }> {
  const conflict = await hop(context, 'D1', () => write(context, change))
  if (conflict) return { outcome: 'conflict', conflict }
  context.log({ action: change.action, target: change.target })
  return { outcome: 'committed' }
}

/** Commits an operator's change. Throws a Problem if it conflicts with other records. */
export async function commit(context: RequestContext, change: Change): Promise<void> {
  const result = await tryCommit(context, change)
  if (result.outcome === 'conflict') throw problemOf(context, result.conflict)
  if (change.concerns?.length) await refresh(context)
}

/** Lets this isolate see the change at once; the others see it within ten seconds. The change is committed whether or not this read succeeds. */
export async function refresh(context: RequestContext): Promise<void> {
  await context.configuration.refresh().catch(() => undefined)
}

/** The Problem that tells an operator of a conflict. */
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
      // Recorded before the change, because afterwards a deleted user is linked to no client.
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

/** Returns undefined if no constraint was violated, which means that D1 itself failed. */
function constraintOf(fault: string): Conflict['constraint'] | undefined {
  if (fault.includes('NOT NULL constraint failed: users.version')) return 'version'
  if (uniqueColumns.test(fault)) return 'unique'
  if (fault.includes('FOREIGN KEY constraint failed')) return 'reference'
  return fault.includes('SQLITE_') ? 'other' : undefined
}
