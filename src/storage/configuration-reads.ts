// The configuration reads of an isolate, each in one round trip to D1. They are plain SQL, because they run beside the token path and because
// one query reads a client with its lists and its linked user, which the query builder cannot express.
import type { Client, LinkedUser } from '../model/client.ts'
import type { ExternalProvider } from '../model/external-provider.ts'
import type { ScopeRecord } from '../model/scope.ts'
import { defaultSettings, type ProviderSettings } from '../model/settings.ts'
import { clientListNames, listQuery, secretsQuery } from './client-lists.ts'
import type { signingKeys } from './schema.ts'

export type { ScopeRecord }

export interface ResourceRecord {
  identifier: string
  scopes: string[]
  introspection_client_id: string | null
}

export type SigningKeyRecord = typeof signingKeys.$inferSelect

/** The whole configuration except clients. It is small, and nearly every request needs it. */
export interface CoreConfiguration {
  epoch: number
  settings: ProviderSettings
  scopes: Map<string, ScopeRecord>
  resources: ResourceRecord[]
  keys: SigningKeyRecord[]
  /** Sorted in the order of their buttons. */
  externalProviders: ExternalProvider[]
}

export interface ConfigurationChange {
  epoch: number
  kind: string
  record: string | null
}

type Row = Record<string, unknown>

const clientQuery = `
  SELECT c.*,
    ${clientListNames.map((name) => `${listQuery(name, 'c')} AS ${name}`).join(', ')},
    ${secretsQuery(['hash', 'label', 'expires_at'], 'c')} AS secrets,
    u.user_id AS u_user_id, u.sub AS u_sub, u.enabled AS u_enabled, u.tenant_id AS u_tenant_id
  FROM clients c LEFT JOIN users u ON u.user_id = c.linked_user_id
  WHERE c.client_id = ?`

const coreQueries = [
  'SELECT coalesce(max(epoch), 0) AS epoch FROM config_changes',
  'SELECT name, value FROM settings',
  `SELECT s.*, (SELECT json_group_array(json_object('claim', claim, 'destination', destination))
     FROM scope_claims c WHERE c.scope = s.name) AS claims FROM scopes s`,
  'SELECT identifier, scopes, introspection_client_id FROM resources',
  "SELECT * FROM signing_keys WHERE state <> 'gone' OR gone_at IS NOT NULL ORDER BY created_at",
  'SELECT * FROM identity_providers ORDER BY position, name, provider_id',
]

/** Reads the configuration that an isolate starts with, including the client of its first request, in one batch. */
export async function readConfiguration(
  session: D1DatabaseSession,
  clientId: string | undefined,
): Promise<{ core: CoreConfiguration; client: Client | undefined }> {
  const statements = coreQueries.map((query) => session.prepare(query))
  if (clientId !== undefined) statements.push(session.prepare(clientQuery).bind(clientId))
  const results = await session.batch<Row>(statements)
  const rows = (index: number): Row[] => results[index]?.results ?? []
  const [clientRow] = rows(coreQueries.length)
  return {
    core: {
      epoch: Number(rows(0)[0]?.epoch ?? 0),
      settings: parseSettings(rows(1)),
      scopes: new Map(rows(2).map((row) => [String(row.name), parseScope(row)])),
      resources: rows(3).map(parseResource),
      keys: rows(4).map(parseKey),
      externalProviders: rows(5).map(parseExternalProvider),
    },
    client: clientRow && parseClient(clientRow),
  }
}

export async function readClient(session: D1DatabaseSession, clientId: string): Promise<Client | undefined> {
  const row = await session.prepare(clientQuery).bind(clientId).first<Row>()
  return row ? parseClient(row) : undefined
}

/** Returns the changes after `epoch`, oldest first. */
export async function readChanges(session: D1DatabaseSession, epoch: number): Promise<ConfigurationChange[]> {
  const query = 'SELECT epoch, kind, record FROM config_changes WHERE epoch > ? ORDER BY epoch'
  const { results } = await session.prepare(query).bind(epoch).all()
  return results as unknown as ConfigurationChange[]
}

/** Deletes old changes. Isolates that read the log live for hours, so a week of changes is enough. `before` is in milliseconds. */
export async function dropOldChanges(db: D1Database, before: number): Promise<void> {
  await db
    .prepare('DELETE FROM config_changes WHERE changed_at < ? AND epoch < (SELECT max(epoch) FROM config_changes)')
    .bind(before)
    .run()
}

function parseSettings(rows: Row[]): ProviderSettings {
  const stored = Object.fromEntries(rows.map((row) => [String(row.name), parseJson(row.value)]))
  return { ...defaultSettings, ...stored }
}

function parseScope(row: Row): ScopeRecord {
  return {
    name: String(row.name),
    enabled: row.enabled === 1,
    published: row.published === 1,
    title: parseJson(row.title) as ScopeRecord['title'],
    description: parseJson(row.description) as ScopeRecord['description'],
    claims: parseJson(row.claims) as ScopeRecord['claims'],
  }
}

function parseResource(row: Row): ResourceRecord {
  return {
    identifier: String(row.identifier),
    scopes: parseJson(row.scopes) as string[],
    introspection_client_id: row.introspection_client_id as string | null,
  }
}

function parseKey(row: Row): SigningKeyRecord {
  return { ...row, public_jwk: parseJson(row.public_jwk) } as unknown as SigningKeyRecord
}

const providerFlags = ['enabled', 'allow_all_issuers', 'link_existing_users', 'provisioning_enabled']
const providerDocuments = [
  'metadata',
  'jwks',
  'scopes',
  'claims',
  'valid_issuers',
  'domains',
  'internal_hosts',
  'user_template',
  'value_mappings',
  'group_mappings',
]

function parseExternalProvider(row: Row): ExternalProvider {
  const provider: Row = { ...row }
  for (const name of providerFlags) provider[name] = row[name] === 1
  for (const name of providerDocuments) provider[name] = parseJson(row[name])
  return provider as unknown as ExternalProvider
}

const clientFlags = [
  'enabled',
  'api_access',
  'offline_access',
  'require_pkce',
  'require_consent',
  'refresh_token_rotation',
]
const clientLists = [
  'grant_types',
  'redirect_uris',
  'post_logout_redirect_uris',
  'client_origins',
  'scopes',
  'secrets',
  'jwks',
]

function parseClient(row: Row): Client {
  const client: Row = { ...row, linked_user: parseLinkedUser(row) }
  for (const name of clientFlags) client[name] = row[name] === 1
  for (const name of clientLists) client[name] = parseJson(row[name])
  return client as unknown as Client
}

function parseLinkedUser(row: Row): LinkedUser | null {
  if (row.u_user_id === null) return null
  return {
    user_id: String(row.u_user_id),
    sub: String(row.u_sub),
    enabled: row.u_enabled === 1,
    tenant_id: row.u_tenant_id as string | null,
  }
}

const parseJson = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : null)
