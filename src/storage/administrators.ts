// The users who administer the provider.
import { asc, eq, gt } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { administrators } from './schema.ts'

export type AdministratorRow = typeof administrators.$inferSelect

export async function findAdministrator(db: Database, userId: string): Promise<AdministratorRow | undefined> {
  const [row] = await db.select().from(administrators).where(eq(administrators.user_id, userId))
  return row
}

/** Returns the records after user_id `after`, sorted by user_id. */
export function listAdministrators(db: Database, after: string, limit: number): Promise<AdministratorRow[]> {
  return db
    .select()
    .from(administrators)
    .where(gt(administrators.user_id, after))
    .orderBy(asc(administrators.user_id))
    .limit(limit)
}

export function saveAdministrator(db: Database, row: AdministratorRow): Statement {
  return db.insert(administrators).values(row).onConflictDoUpdate({ target: administrators.user_id, set: row })
}

export function deleteAdministrator(db: Database, userId: string): Statement {
  return db.delete(administrators).where(eq(administrators.user_id, userId))
}
