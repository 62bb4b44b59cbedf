// Reads providers' documents again, because they change without notice.
import type { ExternalProvider } from '../../model/external-provider.ts'
import type { FetchContext } from '../../outbound/remote-jwks.ts'
import { recordAuditEvent } from '../../storage/audit-events.ts'
import { recordChange } from '../../storage/changes.ts'
import { type Database, runBatch } from '../../storage/database.ts'
import {
  listFaultyProviders,
  listProvidersReadBefore,
  type ProviderReading,
  saveReading,
} from '../../storage/external-providers.ts'
import { readProviderMetadata } from './read-metadata.ts'

/** The most claim names that are stored, so that a provider that lists other names each time cannot fill the record. */
const mostClaims = 500

/** Returns what was read, or the fault; then the metadata of the read before stays in use. */
export async function readProvider(context: FetchContext, provider: ExternalProvider): Promise<ProviderReading> {
  const answer = await readProviderMetadata(context, provider)
  if ('fault' in answer) {
    const { metadata, jwks, metadata_fetched_at } = provider
    return { metadata, jwks, metadata_fetched_at, metadata_fault: answer.fault, claims: [] }
  }
  const unknown = (answer.metadata.claims_supported ?? []).filter((claim) => !provider.claims.includes(claim))
  const claims = unknown.slice(0, Math.max(0, mostClaims - provider.claims.length))
  return { ...answer, metadata_fetched_at: context.now, metadata_fault: null, claims }
}

const minute = 60_000
/** How often the task runs (wrangler.toml). */
const interval = 5 * minute
const readAgainAfter = 6 * 60 * minute
const retryEvery = 30 * minute
const mostAtOnce = 5

/** Reloads enabled providers whose documents are six hours old, the oldest first, and twice an hour those whose last read failed. */
export async function reloadDueProviders(context: FetchContext, db: Database): Promise<void> {
  const { now } = context
  const due = await listProvidersReadBefore(db, now - readAgainAfter, mostAtOnce)
  const isRetry = now % retryEvery < interval
  const faulty = isRetry ? await listFaultyProviders(db, mostAtOnce) : []
  await Promise.all([...due, ...faulty].map((provider) => reload(context, db, provider)))
}

/** If nothing changed, stores only the fetch time and does not bump the configuration epoch. */
async function reload(context: FetchContext, db: Database, provider: ExternalProvider): Promise<void> {
  const { now } = context
  const reading = await readProvider(context, provider)
  const changed = changedParts(provider, reading)
  const event = {
    at: now,
    actor: 'schedule',
    action: 'identity-provider.reload',
    target: provider.provider_id,
    request_id: '',
    detail: { fields: changed, fault: reading.metadata_fault },
  }
  const news = changed.length > 0
  await runBatch(db, [
    ...(news ? [recordChange(db, { kind: 'identity-provider' }, now)] : []),
    saveReading(db, provider, reading),
    ...(news ? [recordAuditEvent(db, event)] : []),
  ])
}

function changedParts(provider: ExternalProvider, reading: ProviderReading): string[] {
  const isOther = (part: 'metadata' | 'jwks') => JSON.stringify(provider[part]) !== JSON.stringify(reading[part])
  const changes = {
    metadata: isOther('metadata'),
    jwks: isOther('jwks'),
    // The text of a fault may differ each time, so only its presence is compared.
    metadata_fault: (provider.metadata_fault === null) !== (reading.metadata_fault === null),
    claims: reading.claims.some((claim) => !provider.claims.includes(claim)),
  }
  return Object.entries(changes).flatMap(([part, isChanged]) => (isChanged ? [part] : []))
}
