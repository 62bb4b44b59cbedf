// Protected resources: who tokens with their scopes are for, and who may introspect them.
import * as z from 'zod/mini'
import { changedFields, merge } from '../../model/record.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { commit, read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { findClientRecord } from '../../storage/clients.ts'
import { deleteResource, findResource, listResources, type ResourceRow, saveResource } from '../../storage/resources.ts'
import { findMissingScopes } from '../../storage/scopes.ts'
import { identifier, line, set } from '../fields.ts'
import { found, parseKey } from '../record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../route.ts'
import { scopeName } from './scopes.ts'

export const resourceKey = identifier(255)
const resource = z.object({
  identifier: resourceKey,
  name: line(200),
  scopes: z.array(z.string()),
  introspection_client_id: z.nullable(z.string()),
})

export const resourceBody = z.strictObject({
  name: z.optional(line(200)),
  scopes: z.optional(set(scopeName, 100)),
  introspection_client_id: z.optional(z.nullable(z.string())),
})

export const resourceRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'resources',
    summary: 'List resources',
    isPaged: true,
    answer: pageOf(resource),
    async handle(context, call) {
      const rows = await read(context, (db) => listResources(db, call.page.after, call.page.limit))
      return page(call.page, rows, (row) => row.identifier)
    },
  }),
  route({
    method: 'GET',
    path: 'resources/{identifier}',
    summary: 'Read a resource',
    answer: resource,
    async handle(context, call) {
      return ok(found(await read(context, (db) => findResource(db, call.params.identifier))))
    },
  }),
  route({
    method: 'PUT',
    path: 'resources/{identifier}',
    summary: 'Create or update a resource',
    description:
      'The identifier becomes the `aud` of access tokens with one of its scopes. In the path it is URL-encoded.',
    body: resourceBody,
    answer: resource,
    async handle(context, call) {
      const resourceIdentifier = parseKey('identifier', resourceKey, call.params.identifier)
      const stored = await read(context, (db) => findResource(db, resourceIdentifier))
      const fresh = {
        identifier: resourceIdentifier,
        name: resourceIdentifier,
        scopes: [],
        introspection_client_id: null,
      }
      const next = merge<ResourceRow>(stored ?? fresh, call.body)
      const fields = changedFields(stored, next)
      if (fields.length > 0) {
        await checkReferences(context, next)
        await commit(context, {
          action: stored ? 'resource.update' : 'resource.create',
          target: resourceIdentifier,
          detail: { fields },
          concerns: [{ kind: 'resource' }],
          statements: (db) => [saveResource(db, next)],
        })
      }
      return saved(next, !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'resources/{identifier}',
    summary: 'Delete a resource',
    async handle(context, call) {
      const row = found(await read(context, (db) => findResource(db, call.params.identifier)))
      await commit(context, {
        action: 'resource.delete',
        target: row.identifier,
        concerns: [{ kind: 'resource' }],
        statements: (db) => [deleteResource(db, row.identifier)],
      })
      return done
    },
  }),
]

async function checkReferences(context: RequestContext, next: ResourceRow): Promise<void> {
  const faults: Record<string, string> = {}
  const missing = await read(context, (db) => findMissingScopes(db, next.scopes))
  if (missing.length > 0) faults.scopes = `are not scopes: ${missing.join(' ')}`
  const clientId = next.introspection_client_id
  if (clientId !== null && !(await read(context, (db) => findClientRecord(db, clientId)))) {
    faults.introspection_client_id = 'is not a client'
  }
  refuseFaults(faults)
}
