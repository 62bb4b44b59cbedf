// Tenants, to which users and groups may belong.
import * as z from 'zod/mini'
import { changeTenant, removeTenant } from '../../directory/change-tenant.ts'
import { read } from '../../request/commit.ts'
import { findTenant, listTenants } from '../../storage/tenants.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { identifier, line } from '../fields.ts'
import { doneIfFound, found, parseKey } from '../record-key.ts'

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
      const { record, isNew } = await changeTenant(context, tenant_id, call.body)
      return saved(record, isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'tenants/{tenant_id}',
    summary: 'Delete a tenant',
    description: 'Refused while users or groups belong to it.',
    async handle(context, call) {
      return doneIfFound(await removeTenant(context, call.params.tenant_id))
    },
  }),
]
