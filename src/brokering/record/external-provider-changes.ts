// Changes of an external provider: the next state of its record, with the metadata that it publishes, and the refusal to lock every user out.

import { fromUtf8, utf8 } from '../../crypto/encoding.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { conflict } from '../../model/problems.ts'
import { changedFields } from '../../model/record.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { commit, read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { deleteExternalProvider, saveExternalProvider, saveReading } from '../../storage/external-providers.ts'
import { findGroups } from '../../storage/groups.ts'
import { findTenants } from '../../storage/tenants.ts'
import type { ExternalProviderInput } from './external-provider-input.ts'
import { defaultScopes, mergeProvider, newProvider, union } from './external-provider-record.ts'
import { providerFaults, tenantsOf } from './external-provider-rules.ts'
import { lockoutFault } from './lockout.ts'
import { readProvider } from './reload-providers.ts'

/** Plans the record that a PUT requests. Throws a Problem that names every faulty field. */
export async function planProvider(
  context: RequestContext,
  id: string,
  body: ExternalProviderInput,
  stored: ExternalProvider | undefined,
): Promise<ExternalProvider> {
  const planned = mergeProvider(stored ?? newProvider(id, body, context.now), body)
  planned.sealed_client_secret = await sealedSecret(context, body.client_secret, planned.sealed_client_secret)
  refuseFaults({
    ...fixedFaults(stored, planned, body),
    ...providerFaults(planned, context.issuer),
    ...(await referenceFaults(context, planned)),
  })
  if (stored?.enabled && !planned.enabled) await refuseLockout(context, id)
  if (!mustBeRead(stored, planned)) return planned
  const next = await withReading(context, planned, body, stored)
  refuseFaults(providerFaults(next, context.issuer))
  return next
}

/** Fields that cannot change: identities and sessions from the provider would mean something else under another kind. */
function fixedFaults(
  stored: ExternalProvider | undefined,
  { kind }: ExternalProvider,
  { endpoints }: ExternalProviderInput,
): Record<string, string> {
  if (stored && stored.kind !== kind) return { kind: `is fixed at creation: ${stored.kind}` }
  return endpoints && kind === 'openid'
    ? { endpoints: 'is for kind oauth2: of kind openid, the metadata says them' }
    : {}
}

/** Whether the metadata must be read before the change: also if the last read failed. */
function mustBeRead(stored: ExternalProvider | undefined, next: ExternalProvider): boolean {
  if (next.kind === 'oauth2') return false
  if (!stored || stored.metadata_endpoint !== next.metadata_endpoint) return true
  const isReachedOtherwise = JSON.stringify(stored.internal_hosts) !== JSON.stringify(next.internal_hosts)
  // The metadata may have been accepted because of an issuer that is no longer listed.
  const isBelievedLess = stored.valid_issuers.some((issuer) => !next.valid_issuers.includes(issuer))
  const isFaulty = !next.metadata || (!stored.enabled && next.metadata_fault !== null)
  return isReachedOtherwise || isBelievedLess || (next.enabled && isFaulty)
}

/** SECURITY-CASES I09: metadata that cannot be read or trusted is not used, and the response says why. */
async function withReading(
  context: RequestContext,
  planned: ExternalProvider,
  body: ExternalProviderInput,
  stored: ExternalProvider | undefined,
): Promise<ExternalProvider> {
  const { claims, ...reading } = await readProvider(context, planned)
  if (reading.metadata_fault !== null) {
    if (planned.enabled) refuseFaults({ metadata_endpoint: reading.metadata_fault })
    // Metadata of another address is not kept: the new address is unknown.
    const isSame = stored?.metadata_endpoint === planned.metadata_endpoint
    return { ...planned, ...reading, ...(isSame ? {} : { metadata: null, jwks: null, metadata_fetched_at: 0 }) }
  }
  const isUnstated = !stored && !body.scopes && !body.preset
  const scopes = isUnstated && reading.metadata ? defaultScopes(reading.metadata) : planned.scopes
  return { ...planned, ...reading, scopes, claims: union(planned.claims, body.claims ? [] : claims) }
}

async function referenceFaults(context: RequestContext, provider: ExternalProvider): Promise<Record<string, string>> {
  const groups = provider.group_mappings.map(({ group_id }, index) => ({
    path: `group_mappings.${index}.group_id`,
    id: group_id,
  }))
  const tenants = tenantsOf(provider)
  if (groups.length + tenants.length === 0) return {}
  const ids = (named: { id: string }[]) => named.map(({ id }) => id)
  const knownGroups = await read(context, (db) => findGroups(db, ids(groups)))
  const knownTenants = await read(context, (db) => findTenants(db, ids(tenants)))
  const faults: Record<string, string> = {}
  for (const { path, id } of groups)
    if (!knownGroups.some((group) => group.group_id === id)) faults[path] = 'is not a group'
  for (const { path, id } of tenants)
    if (!knownTenants.some((tenant) => tenant.tenant_id === id)) faults[path] = 'is not a tenant'
  return faults
}

/** Sealing the same secret again would look like a change, so the stored form is kept. */
async function sealedSecret(
  context: RequestContext,
  typed: string | null | undefined,
  stored: string | null,
): Promise<string | null> {
  if (typed === undefined) return stored
  if (typed === null) return null
  const { keyWrapper } = context.issuer
  const opened = stored === null ? undefined : await keyWrapper.open('provider-secret', stored)
  if (stored !== null && opened && fromUtf8(opened) === typed && keyWrapper.isCurrent(stored)) return stored
  return keyWrapper.seal('provider-secret', utf8(typed))
}

export async function saveProvider(
  context: RequestContext,
  stored: ExternalProvider | undefined,
  next: ExternalProvider,
): Promise<void> {
  const fields = changedFields(stored, next)
  if (fields.length === 0) return
  next.updated_at = context.now
  await commit(context, {
    action: stored ? 'identity-provider.update' : 'identity-provider.create',
    target: next.provider_id,
    detail: { fields },
    concerns: [{ kind: 'identity-provider' }],
    statements: (db) => [saveExternalProvider(db, next)],
  })
}

/** Reads the provider's documents again and stores what was read. Throws a Problem for kind oauth2, which publishes none. */
export async function reloadProvider(context: RequestContext, stored: ExternalProvider): Promise<void> {
  if (stored.kind === 'oauth2') throw conflict('A provider of kind oauth2 publishes no metadata: state its endpoints')
  const reading = await readProvider(context, stored)
  await commit(context, {
    action: 'identity-provider.reload',
    target: stored.provider_id,
    detail: { fault: reading.metadata_fault },
    concerns: [{ kind: 'identity-provider' }],
    statements: (db) => [saveReading(db, stored, reading)],
  })
}

export async function removeProvider(
  context: RequestContext,
  { provider_id, enabled }: ExternalProvider,
): Promise<void> {
  const fault = enabled ? await lockoutFault(context, provider_id) : undefined
  if (fault) throw conflict(`The provider ${fault}`)
  await commit(context, {
    action: 'identity-provider.delete',
    target: provider_id,
    concerns: [{ kind: 'identity-provider' }],
    statements: (db) => [deleteExternalProvider(db, provider_id)],
  })
}

async function refuseLockout(context: RequestContext, providerId: string): Promise<void> {
  const fault = await lockoutFault(context, providerId)
  if (fault) refuseFaults({ enabled: fault })
}
