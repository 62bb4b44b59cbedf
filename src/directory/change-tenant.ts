// Tenants, to which users and groups may belong.

import { changedFields, merge } from '../model/record.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { deleteTenant, findTenant, saveTenant, type TenantRow } from '../storage/tenants.ts'

/** Creates or updates. By default, a new tenant has its id as name. */
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

/** Throws a Problem if users or groups still belong to the tenant. */
export async function removeTenant(context: RequestContext, tenantId: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findTenant(db, tenantId)))) return 'unknown'
  await commit(context, {
    action: 'tenant.delete',
    target: tenantId,
    statements: (db) => [deleteTenant(db, tenantId)],
  })
  return 'done'
}

/** The faults of a record's tenant. `null` means no tenant, which is valid. */
export async function tenantFaults(context: RequestContext, tenantId: string | null): Promise<Record<string, string>> {
  const isKnown = tenantId === null || (await read(context, (db) => findTenant(db, tenantId)))
  return isKnown ? {} : { tenant_id: 'is not a tenant' }
}
