// Protected resources: the audiences of tokens with their scopes, and the clients that may introspect them.
import * as z from 'zod/mini'
import { changeResource, removeResource } from '../../clients/change-resource.ts'
import { read } from '../../request/commit.ts'
import { findResource, listResources } from '../../storage/resources.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { identifier, line, set } from '../fields.ts'
import { doneIfFound, found, parseKey } from '../record-key.ts'
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
      const id = parseKey('identifier', resourceKey, call.params.identifier)
      const { record, isNew } = await changeResource(context, id, call.body)
      return saved(record, isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'resources/{identifier}',
    summary: 'Delete a resource',
    async handle(context, call) {
      return doneIfFound(await removeResource(context, call.params.identifier))
    },
  }),
]
