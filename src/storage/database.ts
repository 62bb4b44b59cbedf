// D1 through drizzle.
import type { BatchItem } from 'drizzle-orm/batch'
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'

export type Database = DrizzleD1Database

/** One statement of a batch, which is the transaction of D1. */
export type Statement = BatchItem<'sqlite'>

/** drizzle-orm 0.45 has no type for a session, yet runs on one. */
export function openDatabase(binding: D1Database | D1DatabaseSession): Database {
  return drizzle(binding as D1Database)
}

/** All or nothing, in one round trip. */
export async function runBatch(db: Database, statements: Statement[]): Promise<void> {
  const [first, ...rest] = statements
  if (first) await db.batch([first, ...rest])
}
