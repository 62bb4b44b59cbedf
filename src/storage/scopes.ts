// Scopes and the claims that each scope releases ("OpenID resources").
import { asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import type { ScopeRecord } from '../model/scope.ts'
import type { Database, Statement } from './database.ts'
import { clientScopes, resources, scopeClaims, scopes } from './schema.ts'

const claimsOfScope = sql<string>`(
  select json_group_array(json_object('claim', c.claim, 'destination', c.destination)) from scope_claims c where c.scope = scopes.name)`

async function select(db: Database, condition: SQL, limit: number): Promise<ScopeRecord[]> {
  const found = await db
    .select({ row: scopes, claims: claimsOfScope })
    .from(scopes)
    .where(condition)
    .orderBy(asc(scopes.name))
    .limit(limit)
  return found.map(({ row, claims }) => ({ ...row, claims: JSON.parse(claims) as ScopeRecord['claims'] }))
}

export async function findScope(db: Database, name: string): Promise<ScopeRecord | undefined> {
  const [record] = await select(db, eq(scopes.name, name), 1)
  return record
}

/** Returns the records after name `after`, sorted by name. */
export function listScopes(db: Database, after: string, limit: number): Promise<ScopeRecord[]> {
  return select(db, gt(scopes.name, after), limit)
}

export function saveScope(db: Database, record: ScopeRecord): Statement[] {
  const { claims, ...row } = record
  return [
    db.insert(scopes).values(row).onConflictDoUpdate({ target: scopes.name, set: row }),
    db.delete(scopeClaims).where(eq(scopeClaims.scope, record.name)),
    db
      .insert(scopeClaims)
      .select(
        sql`select ${record.name}, value ->> 'claim', value ->> 'destination' from json_each(${JSON.stringify(claims)})`,
      ),
  ]
}

/** Also removes the scope from clients and resources, so that they do not get a later scope of the same name without a decision to grant it. */
export function deleteScope(db: Database, name: string): Statement[] {
  return [
    db.delete(clientScopes).where(eq(clientScopes.scope, name)),
    db
      .update(resources)
      .set({ scopes: sql`(select json_group_array(value) from json_each(scopes) where value <> ${name})` })
      .where(sql`exists (select 1 from json_each(scopes) where value = ${name})`),
    db.delete(scopes).where(eq(scopes.name, name)),
  ]
}

/** Returns those of the named scopes that do not exist. */
export async function findMissingScopes(db: Database, names: string[]): Promise<string[]> {
  const named = sql`(select value from json_each(${JSON.stringify(names)}))`
  const rows = await db.select({ name: scopes.name }).from(scopes).where(inArray(scopes.name, named))
  return names.filter((name) => !rows.some((row) => row.name === name))
}
