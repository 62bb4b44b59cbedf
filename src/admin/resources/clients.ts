// Clients and their secrets.
import * as z from 'zod/mini'
import { mergeClient, newClient } from '../../clients/client-record.ts'
import { clientFaults } from '../../clients/client-rules.ts'
import { generateSecret, typedSecretFaults, withTypedSecrets } from '../../clients/client-secrets.ts'
import { Problem } from '../../model/errors.ts'
import { changedFields } from '../../model/record.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { commit, read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { ensureKeys } from '../../signing-keys/ensure-keys.ts'
import {
  type ClientRecord,
  deleteClient,
  deleteClientSecret,
  findClientRecord,
  listClientRecords,
  saveClient,
} from '../../storage/clients.ts'
import { findMissingScopes } from '../../storage/scopes.ts'
import { findUser } from '../../storage/users.ts'
import { found, parseKey } from '../record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../route.ts'
import {
  type ClientBody,
  clientAnswer,
  clientBody,
  clientId,
  hashPrefixLength,
  newSecretBody,
  secretAnswer,
  shownClient,
  shownSecret,
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
      return page(call.page, records.map(shownClient), (client) => client.client_id)
    },
  }),
  route({
    method: 'GET',
    path: 'clients/{client_id}',
    summary: 'Read a client',
    answer: clientAnswer,
    async handle(context, call) {
      return ok(shownClient(found(await read(context, (db) => findClientRecord(db, call.params.client_id)))))
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
      const stored = await read(context, (db) => findClientRecord(db, id))
      const next = await planClient(context, id, call.body, stored)
      await save(context, stored, next, stored ? 'client.update' : 'client.create')
      if (next.row.enabled) await ensureFirstKey(context)
      return saved(shownClient(next), !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'clients/{client_id}',
    summary: 'Delete a client',
    async handle(context, call) {
      const { row } = found(await read(context, (db) => findClientRecord(db, call.params.client_id)))
      await commit(context, {
        action: 'client.delete',
        target: row.client_id,
        concerns: [{ kind: 'client', client_id: row.client_id }, { kind: 'resource' }],
        statements: (db) => [deleteClient(db, row.client_id)],
      })
      return done
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
      const stored = found(await read(context, (db) => findClientRecord(db, call.params.client_id)))
      const { value, secret } = await generateSecret(context, stored.secrets, call.body)
      const next = { ...stored, secrets: [...stored.secrets, secret] }
      refuseFaults(await faultsOf(context, next))
      await save(context, stored, next, 'client.secret.create')
      return saved({ ...shownSecret(secret), value }, true)
    },
  }),
  route({
    method: 'DELETE',
    path: 'clients/{client_id}/secrets/{hash_prefix}',
    summary: 'Delete a secret',
    description: 'Named by the `hash_prefix` that the client shows.',
    async handle(context, call) {
      const { row, secrets } = found(await read(context, (db) => findClientRecord(db, call.params.client_id)))
      const secret = found(secrets.find(({ hash }) => hash.slice(0, hashPrefixLength) === call.params.hash_prefix))
      await commit(context, {
        action: 'client.secret.delete',
        target: row.client_id,
        detail: { label: secret.label },
        concerns: [{ kind: 'client', client_id: row.client_id }],
        statements: (db) => [deleteClientSecret(db, row.client_id, secret.hash)],
      })
      return done
    },
  }),
]

/** The state that a PUT asks for. Throws a Problem that names every faulty field. */
async function planClient(
  context: RequestContext,
  id: string,
  body: ClientBody,
  stored: ClientRecord | undefined,
): Promise<ClientRecord> {
  const { secrets: typed = [] } = body
  const planned = mergeClient(stored ?? newClient(id, body, context.now), body)
  planned.secrets = await withTypedSecrets(planned.secrets, typed, context.now)
  refuseFaults({
    ...(await referenceFaults(context, planned)),
    ...(await faultsOf(context, planned)),
    ...typedSecretFaults(typed),
  })
  return planned
}

const faultsOf = (context: RequestContext, record: ClientRecord) =>
  clientFaults(record, { settings: context.configuration.settings, isLoopback: context.issuer.isLoopback })

async function referenceFaults(context: RequestContext, { row, lists }: ClientRecord): Promise<Record<string, string>> {
  const faults: Record<string, string> = {}
  const { linked_user_id } = row
  const missing = await read(context, (db) => findMissingScopes(db, lists.scopes))
  if (missing.length > 0) faults.scopes = `are not scopes: ${missing.join(' ')}`
  if (linked_user_id !== null && !(await read(context, (db) => findUser(db, linked_user_id)))) {
    faults.linked_user = 'is not a user'
  }
  return faults
}

/** Nothing differs: nothing is written, and no isolate reads the client again. */
async function save(
  context: RequestContext,
  stored: ClientRecord | undefined,
  next: ClientRecord,
  action: string,
): Promise<void> {
  const fields = [
    ...changedFields(stored?.row, next.row),
    ...changedFields(stored?.lists, next.lists),
    ...changedFields({ secrets: stored?.secrets ?? [] }, { secrets: next.secrets }),
  ]
  if (fields.length === 0) return
  next.row.updated_at = context.now
  await commit(context, {
    action,
    target: next.row.client_id,
    detail: { fields },
    concerns: [{ kind: 'client', client_id: next.row.client_id }],
    statements: (db) => saveClient(db, next, stored),
  })
}

/** Created once, when the first client is enabled (DESIGN §5). The client is written already: a PUT of the same tries again. */
async function ensureFirstKey(context: RequestContext): Promise<void> {
  const hasKey = context.configuration.keys.some((key) => key.state === 'active' || key.state === 'announced')
  if (hasKey) return
  try {
    await ensureKeys(context)
  } catch {
    throw new Problem(
      503,
      'The client is saved, but its signing key could not be made: send the request again',
      {},
      { 'retry-after': '2' },
    )
  }
}
