// Scopes and the claims they release (IAM's "OpenID resources").
import * as z from 'zod/mini'
import { changeScope, removeScope, withSortedClaims } from '../../clients/change-scope.ts'
import { claimNameFault } from '../../model/directory-claims.ts'
import { read } from '../../request/commit.ts'
import { findScope, listScopes } from '../../storage/scopes.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { localised, validatedBy } from '../fields.ts'
import { doneIfFound, found, parseKey } from '../record-key.ts'

/** RFC 6749 §3.3 */
export const scopeName = z
  .string()
  .check(
    z.maxLength(100),
    z.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be printable ASCII without blanks, " and \\' }),
  )

const destination = z.enum(['userinfo', 'id_token', 'access_token'])
const scope = z.object({
  name: scopeName,
  title: z.nullable(localised(200)),
  description: z.nullable(localised(500)),
  enabled: z.boolean(),
  published: z.boolean(),
  claims: z.array(z.object({ claim: z.string(), destination })),
})

export const scopeBody = z.strictObject({
  title: z.optional(z.nullable(localised(200))),
  description: z.optional(z.nullable(localised(500))),
  enabled: z.optional(z.boolean()),
  published: z.optional(z.boolean()),
  claims: z.optional(
    z
      .array(
        z.strictObject({
          claim: z.string().check(validatedBy(claimNameFault)),
          destination: z._default(destination, 'userinfo'),
        }),
      )
      .check(z.maxLength(200)),
  ),
})

export const scopeRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'scopes',
    summary: 'List scopes',
    isPaged: true,
    answer: pageOf(scope),
    async handle(context, call) {
      const records = await read(context, (db) => listScopes(db, call.page.after, call.page.limit))
      return page(call.page, records.map(withSortedClaims), (record) => record.name)
    },
  }),
  route({
    method: 'GET',
    path: 'scopes/{name}',
    summary: 'Read a scope',
    answer: scope,
    async handle(context, call) {
      return ok(withSortedClaims(found(await read(context, (db) => findScope(db, call.params.name)))))
    },
  }),
  route({
    method: 'PUT',
    path: 'scopes/{name}',
    summary: 'Create or update a scope',
    description: 'Each claim goes to `userinfo`, `id_token` or `access_token`; it may be listed once for each.',
    body: scopeBody,
    answer: scope,
    async handle(context, call) {
      const name = parseKey('name', scopeName, call.params.name)
      const { record, isNew } = await changeScope(context, name, call.body)
      return saved(record, isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'scopes/{name}',
    summary: 'Delete a scope',
    description: 'Clients and resources lose it too.',
    async handle(context, call) {
      return doneIfFound(await removeScope(context, call.params.name))
    },
  }),
]
