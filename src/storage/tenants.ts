// Tenants. A tenant is an attribute of users and groups.
import { asc, eq, gt, inArray, sql } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { tenants } from './schema.ts'

export type TenantRow = typeof tenants.$inferSelect

export async function findTenant(db: Database, tenantId: string): Promise<TenantRow | undefined> {
  const [row] = await db.select().from(tenants).where(eq(tenants.tenant_id, tenantId))
  return row
}

/** Returns those of the named tenants that exist. */
export function findTenants(db: Database, tenantIds: string[]): Promise<TenantRow[]> {
  const named = sql`(select value from json_each(${JSON.stringify(tenantIds)}))`
  return db.select().from(tenants).where(inArray(tenants.tenant_id, named))
}

/** Returns the records after tenant_id `after`, sorted by tenant_id. */
export function listTenants(db: Database, after: string, limit: number): Promise<TenantRow[]> {
  return db.select().from(tenants).where(gt(tenants.tenant_id, after)).orderBy(asc(tenants.tenant_id)).limit(limit)
}

export function saveTenant(db: Database, row: TenantRow): Statement {
  return db.insert(tenants).values(row).onConflictDoUpdate({ target: tenants.tenant_id, set: row })
}

/** Fails the batch if users or groups still belong to the tenant. */
export function deleteTenant(db: Database, tenantId: string): Statement {
  return db.delete(tenants).where(eq(tenants.tenant_id, tenantId))
}
