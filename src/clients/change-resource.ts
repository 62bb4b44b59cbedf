// Protected resources: the audience of tokens with their scopes (RFC 9068 §3), and the client that may introspect those tokens.

import { changedFields, merge } from '../model/record.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { findClientRecord } from '../storage/clients.ts'
import { deleteResource, findResource, type ResourceRow, saveResource } from '../storage/resources.ts'
import { scopeFaults } from './change-scope.ts'

/** A field that is left out keeps its value. */
export type ResourceInput = { [Name in Exclude<keyof ResourceRow, 'identifier'>]?: ResourceRow[Name] | undefined }

/** Creates or updates. Throws a Problem that names every faulty field. */
export async function changeResource(
  context: RequestContext,
  identifier: string,
  input: ResourceInput,
): Promise<{ record: ResourceRow; isNew: boolean }> {
  const stored = await read(context, (db) => findResource(db, identifier))
  const fresh = { identifier, name: identifier, scopes: [], introspection_client_id: null }
  const record = merge<ResourceRow>(stored ?? fresh, input)
  const fields = changedFields(stored, record)
  if (fields.length > 0) {
    refuseFaults(await referenceFaults(context, record))
    await commit(context, {
      action: stored ? 'resource.update' : 'resource.create',
      target: identifier,
      detail: { fields },
      concerns: [{ kind: 'resource' }],
      statements: (db) => [saveResource(db, record)],
    })
  }
  return { record, isNew: !stored }
}

export async function removeResource(context: RequestContext, identifier: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findResource(db, identifier)))) return 'unknown'
  await commit(context, {
    action: 'resource.delete',
    target: identifier,
    concerns: [{ kind: 'resource' }],
    statements: (db) => [deleteResource(db, identifier)],
  })
  return 'done'
}

async function referenceFaults(context: RequestContext, next: ResourceRow): Promise<Record<string, string>> {
  const faults = await scopeFaults(context, next.scopes)
  const clientId = next.introspection_client_id
  if (clientId !== null && !(await read(context, (db) => findClientRecord(db, clientId)))) {
    faults.introspection_client_id = 'is not a client'
  }
  return faults
}
