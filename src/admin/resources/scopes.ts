// Scopes and the claims they release (IAM's "OpenID resources").
import * as z from 'zod/mini'
import { claimNameFault } from '../../model/directory-claims.ts'
import { Problem } from '../../model/errors.ts'
import { changedFields, merge } from '../../model/record.ts'
import type { ScopeRecord } from '../../model/scope.ts'
import { commit, read } from '../../request/commit.ts'
import { deleteScope, findScope, listScopes, saveScope } from '../../storage/scopes.ts'
import { judgedBy, localised } from '../fields.ts'
import { found, parseKey } from '../record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../route.ts'

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
          claim: z.string().check(judgedBy(claimNameFault)),
          destination: z._default(destination, 'userinfo'),
        }),
      )
      .check(z.maxLength(200)),
  ),
})

const newScope = { title: null, description: null, enabled: true, published: true, claims: [] }

/** Named by the protocol or by a flag of the client: the provider asks for them by name. */
const builtIn = ['openid', 'offline_access', 'full_api_access']

export const scopeRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'scopes',
    summary: 'List scopes',
    isPaged: true,
    answer: pageOf(scope),
    async handle(context, call) {
      const records = await read(context, (db) => listScopes(db, call.page.after, call.page.limit))
      return page(call.page, records.map(sorted), (record) => record.name)
    },
  }),
  route({
    method: 'GET',
    path: 'scopes/{name}',
    summary: 'Read a scope',
    answer: scope,
    async handle(context, call) {
      return ok(sorted(found(await read(context, (db) => findScope(db, call.params.name)))))
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
      const record = await read(context, (db) => findScope(db, name))
      const stored = record && sorted(record)
      const next = sorted(merge(stored ?? { name, ...newScope }, call.body))
      const fields = changedFields(stored, next)
      if (fields.length > 0) {
        await commit(context, {
          action: stored ? 'scope.update' : 'scope.create',
          target: name,
          detail: { fields },
          concerns: [{ kind: 'scope' }],
          statements: (db) => saveScope(db, next),
        })
      }
      return saved(next, !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'scopes/{name}',
    summary: 'Delete a scope',
    description: 'Clients and resources lose it too.',
    async handle(context, call) {
      const { name } = found(await read(context, (db) => findScope(db, call.params.name)))
      if (builtIn.includes(name)) throw new Problem(409, `${name} belongs to the protocol: disable it instead`)
      await commit(context, {
        action: 'scope.delete',
        target: name,
        concerns: [{ kind: 'scope' }, { kind: 'resource' }, { kind: 'clients-with-scope', scope: name }],
        statements: (db) => deleteScope(db, name),
      })
      return done
    },
  }),
]

/** Claims in one order and each destination once, so that the same scope is the same value. */
function sorted(record: ScopeRecord): ScopeRecord {
  const claims = new Map(record.claims.map((each) => [`${each.claim} ${each.destination}`, each]))
  const keys = [...claims.keys()].sort()
  return { ...record, claims: keys.flatMap((key) => claims.get(key) ?? []) }
}
