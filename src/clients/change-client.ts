// Creating, updating and deleting clients and their secrets. The planned state is validated as a whole before it is written.

import { unavailable } from '../model/problems.ts'
import { changedFields } from '../model/record.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { ensureKeys } from '../signing-keys/ensure-keys.ts'
import {
  type ClientRecord,
  type ClientSecretRow,
  deleteClient,
  deleteClientSecret,
  findClientRecord,
  saveClient,
} from '../storage/clients.ts'
import { findUser } from '../storage/users.ts'
import { scopeFaults } from './change-scope.ts'
import type { ClientInput } from './client-input.ts'
import { mergeClient, newClient } from './client-record.ts'
import { clientFaults } from './client-rules.ts'
import { generateSecret, type NewSecret, typedSecretFaults, withTypedSecrets } from './client-secrets.ts'

/** Creates or updates a client. The first enabled client creates the signing key. Throws a Problem that names every faulty field. */
export async function changeClient(
  context: RequestContext,
  clientId: string,
  input: ClientInput,
): Promise<{ record: ClientRecord; isNew: boolean }> {
  const stored = await read(context, (db) => findClientRecord(db, clientId))
  const record = await planClient(context, clientId, input, stored)
  await save(context, stored, record, stored ? 'client.update' : 'client.create')
  if (record.row.enabled) await ensureFirstKey(context)
  return { record, isNew: !stored }
}

export async function removeClient(context: RequestContext, clientId: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findClientRecord(db, clientId)))) return 'unknown'
  await commit(context, {
    action: 'client.delete',
    target: clientId,
    concerns: [{ kind: 'client', client_id: clientId }, { kind: 'resource' }],
    statements: (db) => [deleteClient(db, clientId)],
  })
  return 'done'
}

/** `value` is returned once and not stored. Returns undefined if the client does not exist. */
export async function addGeneratedSecret(
  context: RequestContext,
  clientId: string,
  input: NewSecret,
): Promise<{ value: string; secret: ClientSecretRow } | undefined> {
  const stored = await read(context, (db) => findClientRecord(db, clientId))
  if (!stored) return undefined
  const generated = await generateSecret(context, stored.secrets, input)
  const next = { ...stored, secrets: [...stored.secrets, generated.secret] }
  refuseFaults(await faultsOf(context, next))
  await save(context, stored, next, 'client.secret.create')
  return generated
}

export async function removeSecret(
  context: RequestContext,
  clientId: string,
  isMeant: (secret: ClientSecretRow) => boolean,
): Promise<'done' | 'unknown'> {
  const stored = await read(context, (db) => findClientRecord(db, clientId))
  const secret = stored?.secrets.find(isMeant)
  if (!secret) return 'unknown'
  await commit(context, {
    action: 'client.secret.delete',
    target: clientId,
    detail: { label: secret.label },
    concerns: [{ kind: 'client', client_id: clientId }],
    statements: (db) => [deleteClientSecret(db, clientId, secret.hash)],
  })
  return 'done'
}

async function planClient(
  context: RequestContext,
  clientId: string,
  input: ClientInput,
  stored: ClientRecord | undefined,
): Promise<ClientRecord> {
  const { secrets: typed = [] } = input
  const planned = mergeClient(stored ?? newClient(clientId, input, context.now), input)
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
  const { linked_user_id } = row
  const faults = await scopeFaults(context, lists.scopes)
  if (linked_user_id !== null && !(await read(context, (db) => findUser(db, linked_user_id)))) {
    faults.linked_user = 'is not a user'
  }
  return faults
}

/** If nothing differs, nothing is written and no isolate reads the client again. */
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

/** Creates the signing key when the first client is enabled (DESIGN §5). The client is already written, so the same PUT can be sent again. */
async function ensureFirstKey(context: RequestContext): Promise<void> {
  const hasKey = context.configuration.keys.some((key) => key.state === 'active' || key.state === 'announced')
  if (hasKey) return
  try {
    await ensureKeys(context)
  } catch {
    throw unavailable('The client is saved, but its signing key could not be created: send the request again')
  }
}
