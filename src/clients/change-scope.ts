// Scopes, which clients request by name, and the claims they release.

import { conflict } from '../model/problems.ts'
import { changedFields, merge } from '../model/record.ts'
import type { ScopeRecord } from '../model/scope.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { deleteScope, findMissingScopes, findScope, saveScope } from '../storage/scopes.ts'

/** A field that is left out keeps its value. */
export type ScopeInput = { [Name in Exclude<keyof ScopeRecord, 'name'>]?: ScopeRecord[Name] | undefined }

const newScope = { title: null, description: null, enabled: true, published: true, claims: [] }

/** Scopes of the protocol or of a flag of the client: the code refers to them by name, so they cannot be deleted. */
const builtIn = ['openid', 'offline_access', 'full_api_access']

export async function changeScope(
  context: RequestContext,
  name: string,
  input: ScopeInput,
): Promise<{ record: ScopeRecord; isNew: boolean }> {
  const found = await read(context, (db) => findScope(db, name))
  const stored = found && withSortedClaims(found)
  const record = withSortedClaims(merge<ScopeRecord>(stored ?? { name, ...newScope }, input))
  const fields = changedFields(stored, record)
  if (fields.length > 0) {
    await commit(context, {
      action: stored ? 'scope.update' : 'scope.create',
      target: name,
      detail: { fields },
      concerns: [{ kind: 'scope' }],
      statements: (db) => saveScope(db, record),
    })
  }
  return { record, isNew: !stored }
}

/** Deletes the scope and removes it from clients and resources. Throws a Problem for a built-in scope. */
export async function removeScope(context: RequestContext, name: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findScope(db, name)))) return 'unknown'
  if (builtIn.includes(name)) throw conflict(`${name} belongs to the protocol: disable it instead`)
  await commit(context, {
    action: 'scope.delete',
    target: name,
    concerns: [{ kind: 'scope' }, { kind: 'resource' }, { kind: 'clients-with-scope', scope: name }],
    statements: (db) => deleteScope(db, name),
  })
  return 'done'
}

/** Sorts the claims and drops duplicates, so that equal scopes compare as equal. */
export function withSortedClaims(record: ScopeRecord): ScopeRecord {
  const claims = new Map(record.claims.map((each) => [`${each.claim} ${each.destination}`, each]))
  const keys = [...claims.keys()].sort()
  return { ...record, claims: keys.flatMap((key) => claims.get(key) ?? []) }
}

/** The faults of a record that refers to scopes: names that do not exist. */
export async function scopeFaults(context: RequestContext, names: string[]): Promise<Record<string, string>> {
  const missing = await read(context, (db) => findMissingScopes(db, names))
  return missing.length > 0 ? { scopes: `are not scopes: ${missing.join(' ')}` } : {}
}
