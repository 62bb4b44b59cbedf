// A seed file: the records that a provider shall hold, as one typed document (docs/seed-file.md). It is parsed and validated here, by the schemas and rules of the
// administration API, and applied by `npm run seed`.
import * as z from 'zod/mini'
import { mergeProvider, newProvider } from '../../brokering/record/external-provider-record.ts'
import { providerFaults, tenantsOf } from '../../brokering/record/external-provider-rules.ts'
import { mergeClient, newClient } from '../../clients/client-record.ts'
import { clientFaults, type IssuerFacts } from '../../clients/client-rules.ts'
import { typedSecretFaults } from '../../clients/client-secrets.ts'
import { mergeUser, userFaults } from '../../directory/user-record.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { defaultSettings, type ProviderSettings } from '../../model/settings.ts'
import { mergeSettings, type SettingValues, settingFaults } from '../../model/settings-rules.ts'
import type { ClientRecord } from '../../storage/clients.ts'
import { newUser } from '../../storage/new-user.ts'
import { administratorBody } from '../resources/administrators.ts'
import { clientBody, clientId } from '../resources/client-fields.ts'
import { externalProviderBody, providerKey } from '../resources/external-provider-fields.ts'
import { groupBody, groupKey } from '../resources/groups.ts'
import { resourceBody, resourceKey } from '../resources/resources.ts'
import { scopeBody, scopeName } from '../resources/scopes.ts'
import { settingsBody } from '../resources/settings.ts'
import { tenantBody, tenantKey } from '../resources/tenants.ts'
import { userBody, userId } from '../resources/user-fields.ts'
import { faultsOf } from '../schema-faults.ts'

const sections = {
  tenants: z.record(tenantKey, tenantBody),
  groups: z.record(groupKey, groupBody),
  users: z.record(userId, userBody),
  administrators: z.record(userId, administratorBody),
  scopes: z.record(scopeName, scopeBody),
  clients: z.record(clientId, clientBody),
  resources: z.record(resourceKey, resourceBody),
  identity_providers: z.record(providerKey, externalProviderBody),
}

export const seedFile = z.partial(z.strictObject({ $schema: z.string(), settings: settingsBody, ...sections }))
export type Seed = z.output<typeof seedFile>

type Section = keyof typeof sections
/** The sections in order: each comes after those it refers to. */
const order: Section[] = [
  'tenants',
  'groups',
  'users',
  'administrators',
  'scopes',
  'clients',
  'resources',
  'identity_providers',
]

type Faults = Record<string, string>

/** Parses the file, and returns every fault that it has by itself. `variables` replace `$NAME` and `${NAME}` in its texts. */
export function parseSeed(
  text: string,
  variables: Record<string, string | undefined>,
): { seed: Seed } | { faults: Faults } {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    return { faults: { '.': `is not JSON: ${error instanceof Error ? error.message : error}` } }
  }
  const faults: Faults = {}
  const substituted = substitute(document, variables, [], faults)
  const result = seedFile.safeParse(substituted, { reportInput: true })
  if (!result.success) Object.assign(faults, { ...faultsOf(result.error.issues), ...faults })
  return result.success && Object.keys(faults).length === 0 ? { seed: result.data } : { faults }
}

/** Names are upper case, so that a password hash (`$scrypt$…`) is left alone. */
const variable = /^\$([A-Z][A-Z0-9_]*)$|\$\{([A-Z][A-Z0-9_]*)\}/g

function substitute(
  value: unknown,
  variables: Record<string, string | undefined>,
  path: string[],
  faults: Faults,
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(variable, (written, whole?: string, part?: string) => {
      const name = whole ?? part ?? ''
      if (variables[name] === undefined)
        faults[path.join('.')] = `names ${name}, which is neither in the environment nor in .dev.vars`
      return variables[name] ?? written
    })
  }
  if (Array.isArray(value))
    return value.map((item, index) => substitute(item, variables, [...path, String(index)], faults))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, substitute(item, variables, [...path, key], faults)])
  return Object.fromEntries(entries)
}

/** The provider's records by path, as GET returns them; undefined if there is none. */
export type Stored = ReadonlyMap<string, Record<string, unknown> | undefined>

/** The path in the administration API. */
const pathOf = (section: Section, id: string): string => `${section.replace('_', '-')}/${encodeURIComponent(id)}`

/** The paths of the records that validation needs: those the file writes and those it refers to. */
export function pathsOf(seed: Seed): string[] {
  const written = order.flatMap((section) => Object.keys(seed[section] ?? {}).map((id) => pathOf(section, id)))
  const referred = references(seed).flatMap(({ section, ids }) => ids.map((id) => pathOf(section, id)))
  return ['settings', ...new Set([...written, ...referred])]
}

/** Returns every fault of the file in relation to the stored records. `issuer` is the provider's. */
export async function validateSeed(seed: Seed, stored: Stored, issuer: string): Promise<Faults> {
  const faults: Faults = {}
  const settings = plannedSettings(seed, stored)
  add(faults, 'settings', settingFaults(settings))
  for (const [id, body] of Object.entries(seed.users ?? {})) {
    const fresh = newUser(id, body.sub ?? id, '', 0)
    const row = { ...fresh, ...stored.get(pathOf('users', id)), password_hash: null, not_before: 0 } as typeof fresh
    add(faults, `users.${id}`, userFaults(mergeUser(row, body), body))
  }
  const facts: IssuerFacts = { settings, isLoopback: issuer.startsWith('http:') }
  for (const [id, body] of Object.entries(seed.clients ?? {})) {
    const record = mergeClient(storedClient(id, stored) ?? newClient(id, body, 0), body)
    // The rules only test whether there are any.
    const typed = (body.secrets ?? []).map(({ label }) => ({ hash: '', label, expires_at: null, created_at: 0 }))
    const whole = { ...record, secrets: [...record.secrets, ...typed] }
    add(faults, `clients.${id}`, { ...(await clientFaults(whole, facts)), ...typedSecretFaults(body.secrets ?? []) })
  }
  for (const [id, body] of Object.entries(seed.identity_providers ?? {}))
    add(faults, `identity_providers.${id}`, providerFaults(plannedProvider(id, body, stored), facts))
  for (const { path, section, ids } of references(seed)) {
    const missing = ids.filter((id) => !(id in (seed[section] ?? {})) && !stored.get(pathOf(section, id)))
    if (missing.length > 0)
      faults[path] = `names ${section} that are neither in the file nor in the provider: ${missing.join(' ')}`
  }
  return faults
}

const add = (faults: Faults, path: string, found: Faults): void => {
  for (const [field, fault] of Object.entries(found)) faults[`${path}.${field}`] = fault
}

function plannedSettings(seed: Seed, stored: Stored): ProviderSettings {
  const values = (stored.get('settings')?.values ?? {}) as SettingValues
  return { ...defaultSettings, ...mergeSettings(values, seed.settings ?? {}).next }
}

function storedClient(id: string, stored: Stored): ClientRecord | undefined {
  const answer = stored.get(pathOf('clients', id))
  if (!answer) return undefined
  const { redirect_uris, post_logout_redirect_uris, client_origins, scopes, secrets, linked_user, ...columns } = answer
  return {
    row: { ...columns, linked_user_id: linked_user },
    lists: { redirect_uris, post_logout_redirect_uris, client_origins, scopes },
    secrets,
  } as unknown as ClientRecord
}

/** The rules only test whether there is a secret. The provider's own metadata is read and validated when the record is written. */
function plannedProvider(id: string, body: z.output<typeof externalProviderBody>, stored: Stored): ExternalProvider {
  const answer = stored.get(pathOf('identity_providers', id))
  const base = { ...newProvider(id, body, 0), ...answer, sealed_client_secret: answer?.has_client_secret ? '' : null }
  const planned = mergeProvider(base as ExternalProvider, body)
  return body.client_secret === undefined ? planned : { ...planned, sealed_client_secret: body.client_secret && '' }
}

interface Reference {
  /** The place in the file that refers. */
  path: string
  section: Section
  ids: string[]
}

function references(seed: Seed): Reference[] {
  const found: Reference[] = []
  const refer = (path: string, section: Section, ...ids: (string | null | undefined)[]) => {
    const named = ids.filter((id) => id !== null && id !== undefined)
    if (named.length > 0) found.push({ path, section, ids: named })
  }
  for (const [id, group] of Object.entries(seed.groups ?? {}))
    refer(`groups.${id}.tenant_id`, 'tenants', group.tenant_id)
  for (const [id, user] of Object.entries(seed.users ?? {})) {
    refer(`users.${id}.tenant_id`, 'tenants', user.tenant_id)
    refer(`users.${id}.groups`, 'groups', ...(user.groups ?? []))
  }
  for (const id of Object.keys(seed.administrators ?? {})) refer(`administrators.${id}`, 'users', id)
  for (const [id, client] of Object.entries(seed.clients ?? {})) {
    refer(`clients.${id}.linked_user`, 'users', client.linked_user)
    refer(`clients.${id}.scopes`, 'scopes', ...(client.scopes ?? []))
  }
  for (const [id, resource] of Object.entries(seed.resources ?? {})) {
    refer(`resources.${id}.scopes`, 'scopes', ...(resource.scopes ?? []))
    refer(`resources.${id}.introspection_client_id`, 'clients', resource.introspection_client_id)
  }
  for (const [id, body] of Object.entries(seed.identity_providers ?? {})) {
    const path = `identity_providers.${id}`
    refer(`${path}.group_mappings`, 'groups', ...(body.group_mappings ?? []).map((mapping) => mapping.group_id))
    for (const tenant of tenantsOf(mergeProvider(newProvider(id, body, 0), body)))
      refer(`${path}.${tenant.path}`, 'tenants', tenant.id)
  }
  return found
}

export interface SeedRequest {
  method: 'PUT' | 'PATCH'
  path: string
  body: unknown
  /** The record's name in the file. */
  name: string
}

/** The requests, in an order in which every reference exists. */
export function requestsOf(seed: Seed): SeedRequest[] {
  // Local accounts are switched on first, and switched off last, when an external provider works.
  const { allow_local_accounts, ...others } = seed.settings ?? {}
  const isLast = allow_local_accounts === false
  const first = isLast ? others : (seed.settings ?? {})
  const records = order.flatMap((section) =>
    Object.entries(seed[section] ?? {}).map(
      ([id, body]): SeedRequest => ({ method: 'PUT', path: pathOf(section, id), body, name: `${section}.${id}` }),
    ),
  )
  return [
    ...(Object.keys(first).length > 0 ? [settingsRequest(first, 'settings')] : []),
    ...records,
    ...(isLast ? [settingsRequest({ allow_local_accounts }, 'settings.allow_local_accounts')] : []),
  ]
}

const settingsRequest = (body: unknown, name: string): SeedRequest => ({
  method: 'PATCH',
  path: 'settings',
  body,
  name,
})

/** For editors: docs/seed-file.schema.json. A text may be a variable instead, so validation checks the forms of texts instead. */
export function seedFileSchema(): unknown {
  return z.toJSONSchema(seedFile, {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      if (jsonSchema.type !== 'string') return
      for (const keyword of ['pattern', 'format', 'minLength', 'maxLength'] as const) delete jsonSchema[keyword]
    },
  })
}
