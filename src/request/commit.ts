// The one way from the operators' interface to D1: a change, what isolates must hear of it, and its audit event, all or nothing.

import { Problem } from '../model/errors.ts'
import { recordAuditEvent } from '../storage/audit-events.ts'
import { type Concern, recordChange } from '../storage/changes.ts'
import { type Database, openDatabase, runBatch, type Statement } from '../storage/database.ts'
import { hop, type RequestContext } from './context.ts'

export interface Change {
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

/** One read of D1's primary: an operator sees what was written a moment ago. */
export function read<T>(context: RequestContext, query: (db: Database) => Promise<T>): Promise<T> {
  return hop(context, 'D1', () => query(openDatabase(context.env.DB.withSession('first-primary'))))
}

/**
 * `overtaken`: another writer changed the record since it was read, nothing was written. Throws a Problem when the change contradicts the
 * rest of the directory.
 */
export async function commit(context: RequestContext, change: Change): Promise<'committed' | 'overtaken'> {
  const outcome = await hop(context, 'D1', () => write(context, change))
  if (outcome === 'overtaken') return outcome
  if (outcome !== 'committed') throw new Problem(409, outcome)
  context.log.action = change.action
  context.log.target = change.target
  if (change.concerns?.length) await refresh(context)
  return outcome
}

async function write(context: RequestContext, change: Change): Promise<'committed' | 'overtaken' | string> {
  const db = openDatabase(context.env.DB.withSession('first-primary'))
  const { action, target, detail = {}, concerns = [] } = change
  const event = { at: context.now, actor: 'operator', action, target, request_id: context.requestId, detail }
  try {
    await runBatch(db, [
      // Before the change: a deleted user is linked to no client any more.
      ...concerns.map((concern) => recordChange(db, concern, context.now)),
      ...change.statements(db),
      recordAuditEvent(db, event),
    ])
    return 'committed'
  } catch (fault) {
    const refusal = refusalOf(fault)
    if (refusal) return refusal
    throw fault
  }
}

/** What a constraint of the schema says, in words; undefined: D1 itself failed. */
function refusalOf(fault: unknown): string | undefined {
  const text = messagesOf(fault)
  if (text.includes('NOT NULL constraint failed: users.version')) return 'overtaken'
  const unique = /UNIQUE constraint failed: ([\w., ]+)/.exec(text)?.[1]
  if (unique) return `Another record has this value already: ${unique}`
  if (text.includes('FOREIGN KEY constraint failed')) {
    return 'Other records refer to this one, or it refers to one that does not exist'
  }
  return undefined
}

function messagesOf(fault: unknown): string {
  return fault instanceof Error ? `${fault.message} ${messagesOf(fault.cause)}` : ''
}

/** This isolate follows at once; the others within ten seconds. The change is made, whether or not this read succeeds. */
async function refresh(context: RequestContext): Promise<void> {
  await context.configuration.refresh().catch(() => undefined)
}
