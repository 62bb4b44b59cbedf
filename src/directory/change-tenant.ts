// Tenants: what users and groups may belong to.

import { changedFields, merge } from '../model/record.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { deleteTenant, findTenant, saveTenant, type TenantRow } from '../storage/tenants.ts'

/** Creates or updates: a new tenant is named as its id. */
export async function changeTenant(
  context: RequestContext,
  tenantId: string,
  input: { name?: string | undefined },
): Promise<{ record: TenantRow; isNew: boolean }> {
  const stored = await read(context, (db) => findTenant(db, tenantId))
  const record = merge<TenantRow>(stored ?? { tenant_id: tenantId, name: tenantId }, input)
  const fields = changedFields(stored, record)
  if (fields.length > 0) {
    await commit(context, {
      action: stored ? 'tenant.update' : 'tenant.create',
      target: tenantId,
      detail: { fields },
      statements: (db) => [saveTenant(db, record)],
    })
  }
  return { record, isNew: !stored }
}

/** Throws a Problem while users or groups belong to it. */
export async function removeTenant(context: RequestContext, tenantId: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findTenant(db, tenantId)))) return 'unknown'
  await commit(context, {
    action: 'tenant.delete',
    target: tenantId,
    statements: (db) => [deleteTenant(db, tenantId)],
  })
  return 'done'
}

/** Of a record that belongs to a tenant or to none (null). */
export async function tenantFaults(context: RequestContext, tenantId: string | null): Promise<Record<string, string>> {
  const isKnown = tenantId === null || (await read(context, (db) => findTenant(db, tenantId)))
  return isKnown ? {} : { tenant_id: 'is not a tenant' }
}
