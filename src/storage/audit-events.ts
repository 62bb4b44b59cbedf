// The audit trail: who changed what. Rows are only added, in the same batch as the change, so that no change goes unrecorded.
import { desc, lt } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { auditEvents } from './schema.ts'

export type AuditEventRow = typeof auditEvents.$inferSelect

export function recordAuditEvent(db: Database, event: Omit<AuditEventRow, 'id'>): Statement {
  return db.insert(auditEvents).values(event)
}

/** Returns the events older than event number `before`, newest first. */
export function listAuditEvents(db: Database, before: number, limit: number): Promise<AuditEventRow[]> {
  return db.select().from(auditEvents).where(lt(auditEvents.id, before)).orderBy(desc(auditEvents.id)).limit(limit)
}
