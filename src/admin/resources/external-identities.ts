// The external identities that are linked to a user.
import * as z from 'zod/mini'
import { linkIdentity, unlinkIdentity } from '../../directory/link-identity.ts'
import { read } from '../../request/commit.ts'
import {
  type ExternalIdentityRow,
  listIdentitiesOfProvider,
  listIdentitiesOfUser,
} from '../../storage/external-identities.ts'
import { findUser } from '../../storage/users.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { line, toInstant } from '../fields.ts'
import { doneIfFound, found } from '../record-key.ts'

const identity = z.object({
  user_id: z.string(),
  provider_id: z.string(),
  issuer: z.string(),
  subject: z.string(),
  created_at: z.iso.datetime(),
})

export const externalIdentityRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'users/{user_id}/external-identities',
    summary: 'List who a user is at external providers',
    answer: z.object({ items: z.array(identity) }),
    async handle(context, call) {
      const { row } = found(await read(context, (db) => findUser(db, call.params.user_id)))
      const rows = await read(context, (db) => listIdentitiesOfUser(db, row.user_id))
      return ok({ items: rows.map(shown) })
    },
  }),
  route({
    method: 'GET',
    path: 'identity-providers/{provider_id}/external-identities',
    summary: 'List the users that are linked to an external provider',
    description: 'Also to one that is deleted.',
    isPaged: true,
    answer: pageOf(identity),
    async handle(context, call) {
      const { after, limit } = call.page
      const rows = await read(context, (db) => listIdentitiesOfProvider(db, call.params.provider_id, after, limit))
      return page(call.page, rows.map(shown), (row) => row.user_id)
    },
  }),
  route({
    method: 'PUT',
    path: 'users/{user_id}/external-identities/{provider_id}',
    summary: 'Link a user to an account at an external provider',
    description:
      'Whoever signs in there as this `subject` of this `issuer` is this user from then on. One account of a provider for a user.',
    body: z.strictObject({ issuer: line(500), subject: line(255) }),
    answer: identity,
    async handle(context, call) {
      const { record, isNew } = found(await linkIdentity(context, { ...call.params, ...call.body }))
      return saved(shown(record), isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'users/{user_id}/external-identities/{provider_id}',
    summary: 'Unlink a user from an external provider',
    description:
      'The next sign-in there finds the user by the identifying claim, or nobody. Sessions go on: sign the user out to end them.',
    async handle(context, call) {
      return doneIfFound(await unlinkIdentity(context, call.params.user_id, call.params.provider_id))
    },
  }),
]

const shown = (row: ExternalIdentityRow) => ({ ...row, created_at: toInstant(row.created_at) })
