// Tenants: what users and groups may belong to.
import * as z from 'zod/mini'
import { changedFields, merge } from '../../model/record.ts'
import { commit, read } from '../../request/commit.ts'
import { deleteTenant, findTenant, listTenants, saveTenant } from '../../storage/tenants.ts'
import { identifier, line } from '../fields.ts'
import { found, parseKey } from '../record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../route.ts'

export const tenantKey = identifier(100)
export const tenantBody = z.strictObject({ name: z.optional(line(200)) })
const tenant = z.object({ tenant_id: tenantKey, name: line(200) })

export const tenantRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'tenants',
    summary: 'List tenants',
    isPaged: true,
    answer: pageOf(tenant),
    async handle(context, call) {
      const rows = await read(context, (db) => listTenants(db, call.page.after, call.page.limit))
      return page(call.page, rows, (row) => row.tenant_id)
    },
  }),
  route({
    method: 'GET',
    path: 'tenants/{tenant_id}',
    summary: 'Read a tenant',
    answer: tenant,
    async handle(context, call) {
      return ok(found(await read(context, (db) => findTenant(db, call.params.tenant_id))))
    },
  }),
  route({
    method: 'PUT',
    path: 'tenants/{tenant_id}',
    summary: 'Create or update a tenant',
    body: tenantBody,
    answer: tenant,
    async handle(context, call) {
      const tenant_id = parseKey('tenant_id', tenantKey, call.params.tenant_id)
      const stored = await read(context, (db) => findTenant(db, tenant_id))
      const next = merge(stored ?? { tenant_id, name: tenant_id }, call.body)
      const fields = changedFields(stored, next)
      if (fields.length > 0) {
        await commit(context, {
          action: stored ? 'tenant.update' : 'tenant.create',
          target: tenant_id,
          detail: { fields },
          statements: (db) => [saveTenant(db, next)],
        })
      }
      return saved(next, !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'tenants/{tenant_id}',
    summary: 'Delete a tenant',
    description: 'Refused while users or groups belong to it.',
    async handle(context, call) {
      const { tenant_id } = found(await read(context, (db) => findTenant(db, call.params.tenant_id)))
      await commit(context, {
        action: 'tenant.delete',
        target: tenant_id,
        statements: (db) => [deleteTenant(db, tenant_id)],
      })
      return done
    },
  }),
]
