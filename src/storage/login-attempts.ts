// The log of sign-ins by external providers.
import { and, desc, eq, getTableColumns, gte, isNotNull, lt, type SQL, sql } from 'drizzle-orm'
import type { ExternalProvider } from '../model/external-provider.ts'
import type { LoginAttempt } from '../model/login-attempt.ts'
import type { Database, Statement } from './database.ts'
import { loginAttempts } from './schema.ts'

export type LoginAttemptRow = typeof loginAttempts.$inferSelect
/** A list leaves out the claims of the person. Only the view of a single attempt shows them. */
export type ListedAttempt = Omit<LoginAttemptRow, 'claims'>

export interface AttemptFilter {
  provider_id?: string | undefined
  user_id?: string | undefined
  outcome?: LoginAttempt['outcome'] | undefined
  request_id?: string | undefined
  /** Milliseconds, inclusive. */
  from?: number
  /** Milliseconds, exclusive. */
  to?: number
}

export function insertLoginAttempt(db: Database, attempt: LoginAttempt): Statement {
  return db.insert(loginAttempts).values(attempt)
}

/** Returns the attempts older than attempt number `before`, newest first. */
export function listLoginAttempts(
  db: Database,
  filter: AttemptFilter,
  before: number,
  limit: number,
): Promise<ListedAttempt[]> {
  const { claims, ...columns } = getTableColumns(loginAttempts)
  return db
    .select(columns)
    .from(loginAttempts)
    .where(and(lt(loginAttempts.id, before), ...conditionsOf(filter)))
    .orderBy(desc(loginAttempts.id))
    .limit(limit)
}

function conditionsOf({ from, to, ...exact }: AttemptFilter): (SQL | undefined)[] {
  const { provider_id, user_id, outcome, request_id } = exact
  return [
    provider_id === undefined ? undefined : eq(loginAttempts.provider_id, provider_id),
    user_id === undefined ? undefined : eq(loginAttempts.user_id, user_id),
    outcome === undefined ? undefined : eq(loginAttempts.outcome, outcome),
    request_id === undefined ? undefined : eq(loginAttempts.request_id, request_id),
    from === undefined ? undefined : gte(loginAttempts.at, from),
    to === undefined ? undefined : lt(loginAttempts.at, to),
  ]
}

export async function findLoginAttempt(db: Database, id: number): Promise<LoginAttemptRow | undefined> {
  const [row] = await db.select().from(loginAttempts).where(eq(loginAttempts.id, id))
  return row
}

/** Leaves out attempts by a deleted provider that had the same id. */
const ofProvider = ({ provider_id, created_at }: Pick<ExternalProvider, 'provider_id' | 'created_at'>) =>
  and(eq(loginAttempts.provider_id, provider_id), gte(loginAttempts.at, created_at))

/** Returns the last attempt that brought claims, whatever its outcome. */
export async function findLastClaims(db: Database, provider: ExternalProvider): Promise<LoginAttemptRow | undefined> {
  const [row] = await db
    .select()
    .from(loginAttempts)
    .where(and(ofProvider(provider), isNotNull(loginAttempts.claims)))
    .orderBy(desc(loginAttempts.id))
    .limit(1)
  return row
}

export async function hasSignedIn(db: Database, provider: ExternalProvider): Promise<boolean> {
  const [row] = await db
    .select({ id: loginAttempts.id })
    .from(loginAttempts)
    .where(and(ofProvider(provider), eq(loginAttempts.outcome, 'signed_in')))
    .limit(1)
  return row !== undefined
}

/** Deletes the oldest attempts before `before` (milliseconds), at most `most`. Returns the number of deleted attempts. */
export async function purgeLoginAttempts(db: Database, before: number, most: number): Promise<number> {
  const old = sql`(select id from login_attempts where at < ${before} order by at limit ${most})`
  const gone = await db
    .delete(loginAttempts)
    .where(sql`${loginAttempts.id} in ${old}`)
    .returning({ id: loginAttempts.id })
  return gone.length
}
