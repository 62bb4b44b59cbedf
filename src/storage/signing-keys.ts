// The rows of the key ring. Only the KeyRing object writes them; isolates read them with their configuration.
import { and, eq, sql } from 'drizzle-orm'
import { defaultSettings, type ProviderSettings } from '../protocol/provider-settings.ts'
import { recordAuditEvent } from './audit-events.ts'
import { recordChange } from './changes.ts'
import type { SigningKeyRecord } from './configuration.ts'
import type { Database, Statement } from './database.ts'
import { auditEvents, clients, settings, signingKeys } from './schema.ts'

export type KeyState = SigningKeyRecord['state']

export interface RingRecords {
  keys: SigningKeyRecord[]
  settings: ProviderSettings
  hasEnabledClient: boolean
  /** Seconds: of any token that the provider or a client's own setting allows. */
  longestTokenLifetime: number
}

/** What the KeyRing decides by: one round trip. */
export async function readRing(db: Database): Promise<RingRecords> {
  const [keys, settingRows, [ofClients]] = await db.batch([
    db.select().from(signingKeys),
    db.select().from(settings),
    db
      .select({
        enabled: sql<number>`coalesce(max(${clients.enabled}), 0)`,
        accessToken: sql<number>`coalesce(max(${clients.access_token_lifetime}), 0)`,
        idToken: sql<number>`coalesce(max(${clients.id_token_lifetime}), 0)`,
      })
      .from(clients),
  ])
  const provider: ProviderSettings = {
    ...defaultSettings,
    ...Object.fromEntries(settingRows.map(({ name, value }) => [name, value])),
  }
  return {
    keys,
    settings: provider,
    hasEnabledClient: ofClients?.enabled === 1,
    longestTokenLifetime: Math.max(
      provider.access_token_lifetime,
      provider.id_token_lifetime,
      ofClients?.accessToken ?? 0,
      ofClients?.idToken ?? 0,
    ),
  }
}

/** One key's step from one state to the next. */
export interface KeyTransition {
  kid: string
  from: KeyState
  set: Partial<Pick<SigningKeyRecord, 'state' | 'activates_at' | 'retired_at' | 'gone_at' | 'wrapped_private_key'>>
}

export interface RingChange {
  transitions: KeyTransition[]
  /** Taken only while their algorithm has no key in one of the states `unless`. */
  additions: SigningKeyRecord[]
  unless: KeyState[]
  cause: { actor: string; requestId: string }
  now: number
}

/** All or nothing, with the change rows that isolates look for and the audit trail. Returns the kids that were added. */
export async function writeRing(db: Database, change: RingChange): Promise<string[]> {
  const additions = change.additions.map((key) => addition(db, key, change.unless))
  const rest: Statement[] = [
    ...change.transitions.flatMap((transition) => transitionStatements(db, transition, change)),
    ...change.additions.map((key) => auditOfAddition(db, key, change)),
    recordChange(db, { kind: 'keys' }, change.now),
  ]
  // Transitions come first: they make room for what is added.
  const [changed, audit] = [rest.slice(0, change.transitions.length * 2), rest.slice(change.transitions.length * 2)]
  const [first, ...others] = [...changed, ...additions, ...audit]
  if (!first) return []
  const results = (await db.batch([first, ...others])) as unknown[]
  const added = results.slice(changed.length, changed.length + additions.length) as { kid: string }[][]
  return added.flatMap((rows) => rows.map(({ kid }) => kid))
}

function addition(db: Database, key: SigningKeyRecord, unless: KeyState[]): Statement {
  const states = sql.join(
    unless.map((state) => sql`${state}`),
    sql`, `,
  )
  return db
    .insert(signingKeys)
    .select(
      sql`select ${key.kid}, ${key.alg}, ${key.state}, ${key.version}, ${key.vault}, ${JSON.stringify(key.public_jwk)},
        ${key.certificate}, ${key.wrapped_private_key}, ${key.created_at}, ${key.activates_at}, ${key.retired_at}, ${key.gone_at}
        where not exists (select 1 from signing_keys where alg = ${key.alg} and state in (${states}))`,
    )
    .returning({ kid: signingKeys.kid })
}

function transitionStatements(db: Database, { kid, from, set }: KeyTransition, change: RingChange): Statement[] {
  return [
    db
      .update(signingKeys)
      .set(set)
      .where(and(eq(signingKeys.kid, kid), eq(signingKeys.state, from))),
    recordAuditEvent(db, {
      at: change.now,
      actor: change.cause.actor,
      action: `key.${set.state ?? from}`,
      target: kid,
      request_id: change.cause.requestId,
      detail: { from },
    }),
  ]
}

function auditOfAddition(db: Database, key: SigningKeyRecord, { now, cause }: RingChange): Statement {
  const { alg, version, vault, activates_at } = key
  const detail = JSON.stringify({ alg, version, vault, activates_at })
  return db.insert(auditEvents).select(
    sql`select null, ${now}, ${cause.actor}, ${`key.${key.state}`}, ${key.kid}, ${cause.requestId}, ${detail}
      where exists (select 1 from signing_keys where kid = ${key.kid})`,
  )
}
