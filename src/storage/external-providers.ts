// Reads and writes external providers. Each one is a single record, which is read and written as a whole.
import { and, asc, eq, gt, isNotNull, isNull, lt, sql } from 'drizzle-orm'
import type { ExternalProvider } from '../model/external-provider.ts'
import type { Database, Statement } from './database.ts'
import { identityProviders } from './schema.ts'

export async function findExternalProvider(db: Database, providerId: string): Promise<ExternalProvider | undefined> {
  const [row] = await db.select().from(identityProviders).where(eq(identityProviders.provider_id, providerId))
  return row
}

/** Returns the records after provider_id `after`, sorted by provider_id. */
export function listExternalProviders(db: Database, after: string, limit: number): Promise<ExternalProvider[]> {
  return db
    .select()
    .from(identityProviders)
    .where(gt(identityProviders.provider_id, after))
    .orderBy(asc(identityProviders.provider_id))
    .limit(limit)
}

export function saveExternalProvider(db: Database, row: ExternalProvider): Statement {
  return db
    .insert(identityProviders)
    .values(row)
    .onConflictDoUpdate({ target: identityProviders.provider_id, set: row })
}

/** Keeps the links between its accounts and users (see `externalIdentities` in schema.ts). */
export function deleteExternalProvider(db: Database, providerId: string): Statement {
  return db.delete(identityProviders).where(eq(identityProviders.provider_id, providerId))
}

/** The result of reading an external provider's own documents. A reading may change these fields only. */
export interface ProviderReading
  extends Pick<ExternalProvider, 'metadata' | 'jwks' | 'metadata_fetched_at' | 'metadata_fault'> {
  /** Claim names to add to the known ones. The known ones stay. */
  claims: string[]
}

/**
 * Writes only the fields of the reading, so that it does not undo a change that an operator makes meanwhile. Writes nothing if the operator
 * has changed the metadata endpoint meanwhile.
 */
export function saveReading(db: Database, read: ExternalProvider, reading: ProviderReading): Statement {
  const isSameEndpoint = sql`${identityProviders.metadata_endpoint} is ${read.metadata_endpoint}`
  const claims = sql`(
    select json_group_array(value) from (
      select value from json_each(identity_providers.claims) union select value from json_each(${JSON.stringify(reading.claims)})))`
  return db
    .update(identityProviders)
    .set({ ...reading, claims })
    .where(and(eq(identityProviders.provider_id, read.provider_id), isSameEndpoint))
}

const isRead = and(eq(identityProviders.enabled, true), eq(identityProviders.kind, 'openid'))

/** Returns enabled providers that were last read before `before` (milliseconds), oldest first, except those with a failed last reading. */
export function listProvidersReadBefore(db: Database, before: number, limit: number): Promise<ExternalProvider[]> {
  return db
    .select()
    .from(identityProviders)
    .where(and(isRead, isNull(identityProviders.metadata_fault), lt(identityProviders.metadata_fetched_at, before)))
    .orderBy(asc(identityProviders.metadata_fetched_at))
    .limit(limit)
}

/** Returns enabled providers whose last reading failed, in random order, so that providers that never answer do not block the others. */
export function listFaultyProviders(db: Database, limit: number): Promise<ExternalProvider[]> {
  return db
    .select()
    .from(identityProviders)
    .where(and(isRead, isNotNull(identityProviders.metadata_fault)))
    .orderBy(sql`random()`)
    .limit(limit)
}

export async function listSealedSecrets(db: Database): Promise<{ provider_id: string; sealed: string }[]> {
  const { provider_id, sealed_client_secret } = identityProviders
  const rows = await db.select({ provider_id, sealed: sealed_client_secret }).from(identityProviders)
  return rows.flatMap(({ provider_id, sealed }) => (sealed === null ? [] : [{ provider_id, sealed }]))
}

/** Does nothing if an operator has set another secret meanwhile. */
export function replaceSealedSecret(db: Database, providerId: string, sealed: string, renewed: string): Statement {
  const isSame = eq(identityProviders.sealed_client_secret, sealed)
  return db
    .update(identityProviders)
    .set({ sealed_client_secret: renewed })
    .where(and(eq(identityProviders.provider_id, providerId), isSame))
}
