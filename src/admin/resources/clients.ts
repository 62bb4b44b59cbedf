// Clients and their secrets.
import * as z from 'zod/mini'
import { addGeneratedSecret, changeClient, removeClient, removeSecret } from '../../clients/change-client.ts'
import { read } from '../../request/commit.ts'
import { type ClientSecretRow, findClientRecord, listClientRecords } from '../../storage/clients.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { doneIfFound, found, parseKey } from '../record-key.ts'
import {
  clientAnswer,
  clientBody,
  clientId,
  hashPrefixLength,
  newSecretBody,
  secretAnswer,
  serialiseClient,
  serialiseSecret,
} from './client-fields.ts'

export const clientRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'clients',
    summary: 'List clients',
    isPaged: true,
    answer: pageOf(clientAnswer),
    async handle(context, call) {
      const records = await read(context, (db) => listClientRecords(db, call.page.after, call.page.limit))
      return page(call.page, records.map(serialiseClient), (client) => client.client_id)
    },
  }),
  route({
    method: 'GET',
    path: 'clients/{client_id}',
    summary: 'Read a client',
    answer: clientAnswer,
    async handle(context, call) {
      return ok(serialiseClient(found(await read(context, (db) => findClientRecord(db, call.params.client_id)))))
    },
  }),
  route({
    method: 'PUT',
    path: 'clients/{client_id}',
    summary: 'Create or update a client',
    description:
      'Fields that are left out keep their value; null clears one. Lists are replaced, except `secrets`: a value under a label that exists ' +
      'replaces that secret, others stay. The first enabled client makes the signing key.',
    body: clientBody,
    answer: clientAnswer,
    async handle(context, call) {
      const id = parseKey('client_id', clientId, call.params.client_id)
      const { record, isNew } = await changeClient(context, id, call.body)
      return saved(serialiseClient(record), isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'clients/{client_id}',
    summary: 'Delete a client',
    async handle(context, call) {
      return doneIfFound(await removeClient(context, call.params.client_id))
    },
  }),
  route({
    method: 'POST',
    path: 'clients/{client_id}/secrets',
    summary: 'Generate a secret',
    description: '256 random bits. The value is in this answer and nowhere else. The body may be `{}`.',
    body: newSecretBody,
    answer: z.extend(secretAnswer, { value: z.string() }),
    async handle(context, call) {
      const { value, secret } = found(await addGeneratedSecret(context, call.params.client_id, call.body))
      return saved({ ...serialiseSecret(secret), value }, true)
    },
  }),
  route({
    method: 'DELETE',
    path: 'clients/{client_id}/secrets/{hash_prefix}',
    summary: 'Delete a secret',
    description: 'Named by the `hash_prefix` that the client shows.',
    async handle(context, call) {
      const { client_id, hash_prefix } = call.params
      const isMeant = ({ hash }: ClientSecretRow) => hash.slice(0, hashPrefixLength) === hash_prefix
      return doneIfFound(await removeSecret(context, client_id, isMeant))
    },
  }),
]
