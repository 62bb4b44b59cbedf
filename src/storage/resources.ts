// Protected resources. Their identifiers are the audiences of access tokens (RFC 9068 §3).
import { asc, eq, gt } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { resources } from './schema.ts'

export type ResourceRow = typeof resources.$inferSelect

export async function findResource(db: Database, identifier: string): Promise<ResourceRow | undefined> {
  const [row] = await db.select().from(resources).where(eq(resources.identifier, identifier))
  return row
}

/** Returns the records after identifier `after`, sorted by identifier. */
export function listResources(db: Database, after: string, limit: number): Promise<ResourceRow[]> {
  return db
    .select()
    .from(resources)
    .where(gt(resources.identifier, after))
    .orderBy(asc(resources.identifier))
    .limit(limit)
}

export function saveResource(db: Database, row: ResourceRow): Statement {
  return db.insert(resources).values(row).onConflictDoUpdate({ target: resources.identifier, set: row })
}

export function deleteResource(db: Database, identifier: string): Statement {
  return db.delete(resources).where(eq(resources.identifier, identifier))
}
