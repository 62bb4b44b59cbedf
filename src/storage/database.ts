// Opens D1 through drizzle.
import type { BatchItem } from 'drizzle-orm/batch'
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'

export type Database = DrizzleD1Database

/** One statement of a batch. D1 runs a batch as one transaction. */
export type Statement = BatchItem<'sqlite'>

/** The cast is needed because drizzle-orm 0.45 has no type for a session, although it works with one. */
export function openDatabase(binding: D1Database | D1DatabaseSession): Database {
  return drizzle(binding as D1Database)
}

/** Runs the statements in one round trip; either all of them take effect or none. */
export async function runBatch(db: Database, statements: Statement[]): Promise<void> {
  const [first, ...rest] = statements
  if (first) await db.batch([first, ...rest])
}
