// The rows of the key ring. Only the KeyRing object writes them. Isolates read them with the configuration.
import { and, eq, sql } from 'drizzle-orm'
import { defaultSettings, type ProviderSettings } from '../model/settings.ts'
import { recordAuditEvent } from './audit-events.ts'
import { recordChange } from './changes.ts'
import type { SigningKeyRecord } from './configuration-reads.ts'
import { type Database, runBatch, type Statement } from './database.ts'
import { auditEvents, clients, settings, signingKeys } from './schema.ts'

export type KeyState = SigningKeyRecord['state']

export interface RingRecords {
  keys: SigningKeyRecord[]
  settings: ProviderSettings
  hasEnabledClient: boolean
  /** The longest lifetime, in seconds, that the provider's settings or a client's own settings allow for a token. */
  longestTokenLifetime: number
}

/** Reads, in one round trip, the records from which the KeyRing decides. */
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

/** The step of one key from one state to the next. */
export interface KeyTransition {
  kid: string
  /** The action that the audit trail records. */
  action: 'key.activated' | 'key.retired' | 'key.gone' | 'key.revoked'
  /** The transition takes place only from this state. If it is absent, it takes place from any state. */
  from?: KeyState
  set: Pick<SigningKeyRecord, 'state'> &
    Partial<Pick<SigningKeyRecord, 'activates_at' | 'retired_at' | 'gone_at' | 'wrapped_private_key'>>
}

export interface RingChange {
  transitions: KeyTransition[]
  /** An active key is added only if its algorithm has no announced or active key; an announced key only if it has no announced key. */
  additions: SigningKeyRecord[]
  /** Keys from a vault that others also write to. Each is added beside the keys in the ring, unless the ring already has it. */
  adoptions?: SigningKeyRecord[]
  /** Keys from an operator's file. They are added in the same way as adoptions. */
  imports?: SigningKeyRecord[]
  origin: { actor: string; requestId: string }
  now: number
}

/** Writes all changes or none, with the change row that isolates follow and the audit trail. Returns the kids of the added `additions`. */
export async function writeRing(db: Database, change: RingChange): Promise<string[]> {
  // Transitions come first, because they make room for the added keys.
  const before = change.transitions.flatMap((transition) => transitionStatements(db, transition, change))
  const additions = change.additions.map((key) => addition(db, key))
  const audit = change.additions.map((key) => auditOfAddition(db, key, change))
  const adoptions = (change.adoptions ?? []).flatMap((key) => adoptionStatements(db, key, 'key.adopted', change))
  const imports = (change.imports ?? []).flatMap((key) => adoptionStatements(db, key, 'key.imported', change))
  const results: unknown[] = await db.batch([
    recordChange(db, { kind: 'keys' }, change.now),
    ...before,
    ...additions,
    ...audit,
    ...adoptions,
    ...imports,
  ])
  const added = results.slice(1 + before.length, 1 + before.length + additions.length) as { kid: string }[][]
  return added.flatMap((rows) => rows.map(({ kid }) => kid))
}

function addition(db: Database, key: SigningKeyRecord): Statement {
  const rivals = key.state === 'active' ? sql`('announced', 'active')` : sql`('announced')`
  return db
    .insert(signingKeys)
    .select(
      sql`select ${key.kid}, ${key.alg}, ${key.state}, ${key.version}, ${key.vault}, ${JSON.stringify(key.public_jwk)},
        ${key.certificate}, ${key.wrapped_private_key}, ${key.created_at}, ${key.activates_at}, ${key.retired_at}, ${key.gone_at}
        where not exists (select 1 from signing_keys where alg = ${key.alg} and state in ${rivals})`,
    )
    .returning({ kid: signingKeys.kid })
}

function adoptionStatements(
  db: Database,
  key: SigningKeyRecord,
  action: 'key.adopted' | 'key.imported',
  { now, origin }: RingChange,
): Statement[] {
  const { kid, alg, state, version, vault, activates_at } = key
  return [
    db.insert(signingKeys).values(key).onConflictDoNothing(),
    recordAuditEvent(db, {
      at: now,
      actor: origin.actor,
      action,
      target: kid,
      request_id: origin.requestId,
      detail: { alg, state, version, vault, activates_at },
    }),
  ]
}

function transitionStatements(
  db: Database,
  { kid, action, from, set }: KeyTransition,
  change: RingChange,
): Statement[] {
  return [
    db
      .update(signingKeys)
      .set(set)
      .where(and(eq(signingKeys.kid, kid), from && eq(signingKeys.state, from))),
    auditOfTransition(db, kid, action, change),
  ]
}

function auditOfTransition(db: Database, kid: string, action: string, { now, origin }: RingChange): Statement {
  const { alg, version, vault } = signingKeys
  const detail = sql`json_object('alg', ${alg}, 'version', ${version}, 'vault', ${vault})`
  return db.insert(auditEvents).select(
    sql`select null, ${now}, ${origin.actor}, ${action}, ${kid}, ${origin.requestId}, ${detail}
      from ${signingKeys} where ${signingKeys.kid} = ${kid}`,
  )
}

function auditOfAddition(db: Database, key: SigningKeyRecord, { now, origin }: RingChange): Statement {
  const { alg, version, vault, activates_at } = key
  const action = key.state === 'announced' ? 'key.announced' : 'key.created'
  const detail = JSON.stringify({ alg, version, vault, activates_at })
  return db.insert(auditEvents).select(
    sql`select null, ${now}, ${origin.actor}, ${action}, ${key.kid}, ${origin.requestId}, ${detail}
      where exists (select 1 from signing_keys where kid = ${key.kid})`,
  )
}

/** Records the export of a private key in the audit trail, before the key leaves the provider. */
export async function recordExport(
  db: Database,
  { kid, alg, version, vault }: SigningKeyRecord,
  format: string,
  { now, origin }: Pick<RingChange, 'now' | 'origin'>,
): Promise<void> {
  const { actor, requestId: request_id } = origin
  const detail = { alg, version, vault, format }
  await runBatch(db, [
    recordAuditEvent(db, { at: now, actor, action: 'key.exported', target: kid, request_id, detail }),
  ])
}
