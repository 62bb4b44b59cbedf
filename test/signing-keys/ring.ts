// A key ring in D1 as a running provider has it: one enabled client, and the configuration read from D1.
import { env } from 'cloudflare:workers'
import type { ProviderSettings } from '../../src/model/settings.ts'
import { openConfiguration } from '../../src/request/configuration.ts'
import type { KeyRing } from '../../src/signing-keys/key-ring/key-ring.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { readRing } from '../../src/storage/signing-keys.ts'
import { aContext, noon, type TestContext } from '../context.ts'

export const origin = { actor: 'operator', requestId: 'r-1' }

/** A new stub each time, since a stub that threw an error cannot be used again. */
export const theRing = (issuer = 'https://id.test'): DurableObjectStub<KeyRing> =>
  env.KEY_RING.get(env.KEY_RING.idFromName(issuer))

const tablesToEmpty = ['signing_keys', 'clients', 'settings', 'audit_events']

export async function emptyRing(): Promise<void> {
  const changed = env.DB.prepare("INSERT INTO config_changes (kind, changed_at) VALUES ('all', ?)").bind(noon)
  await env.DB.batch([...tablesToEmpty.map((table) => env.DB.prepare(`DELETE FROM ${table}`)), changed])
}

export async function addClient(overrides: { enabled?: boolean; access_token_lifetime?: number } = {}): Promise<void> {
  const columns = 'client_id, client_name, enabled, grant_types, access_token_lifetime, created_at, updated_at'
  await env.DB.prepare(`INSERT INTO clients (${columns}) VALUES (?, 'Web', ?, '[]', ?, 0, 0)`)
    .bind(crypto.randomUUID(), overrides.enabled === false ? 0 : 1, overrides.access_token_lifetime ?? null)
    .run()
}

export async function set(settings: Partial<ProviderSettings>): Promise<void> {
  const statement = env.DB.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)')
  const changed = env.DB.prepare("INSERT INTO config_changes (kind, changed_at) VALUES ('settings', ?)").bind(noon)
  const rows = Object.entries(settings).map(([name, value]) => statement.bind(name, JSON.stringify(value)))
  await env.DB.batch([...rows, changed])
}

export const keysInD1 = async () => (await readRing(openDatabase(env.DB))).keys

/** The context of a request at `now`, with the configuration freshly read from D1. */
export async function contextAt(now: number): Promise<TestContext> {
  const context = aContext({ now })
  context.configuration = await openConfiguration(
    env.DB,
    async () => undefined,
    now,
    (read) => read(),
    () => undefined,
  )
  await context.configuration.refresh()
  return context
}
