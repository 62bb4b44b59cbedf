// The only place that creates and changes signing keys (DESIGN §3, §5): one object per issuer. The ring itself is rows of D1, so that an
// isolate signs without asking here, and this object keeps nothing but an alarm.
import { DurableObject } from 'cloudflare:workers'
import { faultOf, generateKeyMaterial, type KeyMaterial } from '../crypto/key-material.ts'
import { type JwsAlgorithm, jwsAlgorithms, type KeyFamily } from '../crypto/signing-algorithms.ts'
import { settingsOf } from '../settings.ts'
import type { SigningKeyRecord } from '../storage/configuration.ts'
import { openDatabase } from '../storage/database.ts'
import { type KeyTransition, type RingChange, type RingRecords, readRing, writeRing } from '../storage/signing-keys.ts'
import { localVault } from '../vaults/local.ts'
import type { KeyVersion, Vault } from '../vaults/vault.ts'
import { signingKeyAt } from './key-ring/key-states.ts'
import { createEntry } from './key-ring/ring-entry.ts'
import {
  announcePeriod,
  applyTransitions,
  dueTransitions,
  nextTransitionAt,
  retirement,
} from './key-ring/transitions.ts'

/** Who made the change, for the audit trail. */
export interface Cause {
  actor: string
  requestId: string
}

type Unavailable = { outcome: 'unavailable'; reason: string }

export type Ensured =
  | { outcome: 'ready'; created: boolean; keys: SigningKeyRecord[] }
  | { outcome: 'no_enabled_client' }
  | Unavailable

export type Rotated =
  /** `activates_at`: milliseconds since 1970, when the new keys begin to sign. */
  | { outcome: 'announced'; kids: string[]; activates_at: number }
  | { outcome: 'already_announced'; activates_at: number }
  | { outcome: 'no_enabled_client' }
  | Unavailable

export type Retired = { outcome: 'retired'; replaced_by: string[] } | { outcome: 'unknown' } | Unavailable

const minute = 60_000
const patience = minute
const itself: Cause = { actor: 'key-ring', requestId: '' }

export class KeyRing extends DurableObject<Env> {
  private readonly db = openDatabase(this.env.DB)
  private readonly vault: Vault = localVault
  private queue: Promise<unknown> = Promise.resolve()
  private ensuring: Promise<Ensured> | undefined

  /** Makes the keys that are missing, once some client may use them. However many ask at the same moment, one version is made. */
  async ensure(now: number): Promise<Ensured> {
    const joined = await this.ensuring
    if (joined?.outcome === 'ready') return joined
    // What was under way may have read D1 before this caller's client was written.
    this.ensuring ??= this.inTurn(() => this.createMissing(now)).finally(() => {
      this.ensuring = undefined
    })
    return this.ensuring
  }

  /** Announces a successor of every key; it signs once every cached JWKS holds it. */
  rotate(now: number, cause: Cause): Promise<Rotated> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      if (!ring.hasEnabledClient) return { outcome: 'no_enabled_client' }
      return this.announce(ring, now, cause)
    })
  }

  /** Emergency: the version of this key leaves the JWKS at once, and nothing it signed is believed again. */
  retire(kid: string, now: number, cause: Cause): Promise<Retired> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      const key = ring.keys.find((each) => each.kid === kid)
      return key ? this.revokeVersion(key.version, ring, now, cause) : { outcome: 'unknown' }
    })
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    const done = await this.inTurn(async () => {
      const ring = await readRing(this.db)
      await this.write({ transitions: dueTransitions(ring, now), additions: [], unless: [], cause: itself, now }, ring)
      return { outcome: 'done' as const }
    })
    // Readers judge by time, so a late step harms nobody.
    if (done.outcome === 'unavailable') await this.ctx.storage.setAlarm(now + minute)
  }

  private async createMissing(now: number): Promise<Ensured> {
    const ring = await readRing(this.db)
    if (!ring.hasEnabledClient) return { outcome: 'no_enabled_client' }
    const missing = wantedAlgorithms(ring).filter((alg) => !ring.keys.some((key) => key.alg === alg && isInUse(key)))
    if (missing.length === 0) return { outcome: 'ready', created: false, keys: ring.keys }
    const additions = await this.firstEntries(missing, ring, now)
    const change: RingChange = { transitions: [], additions, unless: ['announced', 'active'], cause: itself, now }
    const added = await this.write(change, ring)
    if (added.length === additions.length)
      return { outcome: 'ready', created: true, keys: [...ring.keys, ...additions] }
    return { outcome: 'ready', created: added.length > 0, keys: (await readRing(this.db)).keys }
  }

  private async announce(ring: RingRecords, now: number, cause: Cause): Promise<Rotated> {
    const transitions = dueTransitions(ring, now)
    const keys = applyTransitions(ring.keys, transitions)
    const wanted = wantedAlgorithms(ring)
    const unwanted = keys.filter((key) => key.state === 'active' && !wanted.some((alg) => alg === key.alg))
    transitions.push(...unwanted.map((key) => retirement(key, now, ring)))

    const announced = keys.filter((key) => key.state === 'announced')
    const hasKey = (alg: string) => keys.some((key) => key.alg === alg && key.state === 'active')
    const due = wanted.filter((alg) => !announced.some((key) => key.alg === alg))
    const activatesAt = now + announcePeriod(ring)
    const additions = [
      ...(await this.firstEntries(
        due.filter((alg) => !hasKey(alg)),
        ring,
        now,
      )),
      ...(await this.newEntries(due.filter(hasKey), ring, now, activatesAt)),
    ]
    const added = await this.write({ transitions, additions, unless: ['announced'], cause, now }, ring)
    if (added.length > 0) return { outcome: 'announced', kids: added, activates_at: activatesAt }
    return { outcome: 'already_announced', activates_at: Math.max(now, ...announced.map((key) => key.activates_at)) }
  }

  private async revokeVersion(version: string, ring: RingRecords, now: number, cause: Cause): Promise<Retired> {
    const revoked = { state: 'gone', retired_at: now, gone_at: now, wrapped_private_key: null } as const
    const transitions: KeyTransition[] = ring.keys
      .filter((key) => key.version === version)
      .map(({ kid, state }) => ({ kid, from: state, set: revoked }))
    const keys = applyTransitions(ring.keys, transitions)
    const orphaned = wantedAlgorithms(ring).filter((alg) => !signingKeyAt(keys, alg, now))
    const successors = orphaned.flatMap((alg) => keys.find((key) => key.alg === alg && key.state === 'announced') ?? [])
    for (const { kid } of successors) {
      transitions.push({ kid, from: 'announced', set: { state: 'active', activates_at: now } })
    }
    const unserved = orphaned.filter((alg) => !successors.some((key) => key.alg === alg))
    const additions = await this.newEntries(unserved, ring, now, now)
    const added = await this.write({ transitions, additions, unless: ['announced', 'active'], cause, now }, ring)
    return { outcome: 'retired', replaced_by: [...successors.map(({ kid }) => kid), ...added] }
  }

  /** Entries that sign at once: of their algorithm nobody can have cached another key. */
  private async firstEntries(algs: JwsAlgorithm[], ring: RingRecords, now: number): Promise<SigningKeyRecord[]> {
    const entries: SigningKeyRecord[] = []
    for (const [family, members] of byFamily(algs)) {
      const version =
        (await this.versionInUse(family, ring)) ??
        (await this.vault.elect(family, () => this.generate(family, ring, now)))
      entries.push(...(await this.entriesOf(version, members, ring, now, now)))
    }
    return entries
  }

  private async newEntries(
    algs: JwsAlgorithm[],
    ring: RingRecords,
    now: number,
    activatesAt: number,
  ): Promise<SigningKeyRecord[]> {
    const entries: SigningKeyRecord[] = []
    for (const [family, members] of byFamily(algs)) {
      const version = await this.vault.add(family, () => this.generate(family, ring, now))
      entries.push(...(await this.entriesOf(version, members, ring, now, activatesAt)))
    }
    return entries
  }

  private generate(family: KeyFamily, { settings }: RingRecords, now: number): Promise<KeyMaterial> {
    return generateKeyMaterial(family, settings.rsa_key_bits, now)
  }

  /** PS256 shares the certificate of RS256. */
  private async versionInUse(family: KeyFamily, ring: RingRecords): Promise<KeyVersion | undefined> {
    const key = ring.keys.find((each) => each.state === 'active' && familyOf(each) === family)
    const certificate = key && Uint8Array.fromBase64(key.certificate)
    const privateKey =
      key?.wrapped_private_key && (await settingsOf(this.env).keyWrapper.open('signing-key', key.wrapped_private_key))
    return certificate && privateKey ? { version: key.version, family, certificate, privateKey } : undefined
  }

  /** Nothing enters the ring that fails its self-test. */
  private async entriesOf(
    version: KeyVersion,
    algs: JwsAlgorithm[],
    { settings }: RingRecords,
    now: number,
    activatesAt: number,
  ): Promise<SigningKeyRecord[]> {
    const fault = await faultOf(version, now)
    if (fault) throw new Error(`key version ${version.version} of vault ${this.vault.name}: ${fault}`)
    const { keyWrapper } = settingsOf(this.env)
    const options = { vault: this.vault.name, kidForm: settings.kid_form, keyWrapper, now, activatesAt }
    return Promise.all(algs.map((alg) => createEntry(version, alg, options)))
  }

  /** The alarm comes before the rows: one too many is harmless, one too few leaves a key in its state. */
  private async write(change: RingChange, ring: RingRecords): Promise<string[]> {
    const keys = [...applyTransitions(ring.keys, change.transitions), ...change.additions]
    const next = nextTransitionAt(keys)
    if (next !== undefined) await this.ctx.storage.setAlarm(Math.max(next, change.now + 1000))
    if (change.transitions.length + change.additions.length === 0) return []
    return writeRing(this.db, change)
  }

  /** One task after another, since every await on D1 or Web Crypto lets other calls in. A fault becomes an answer: it would lose its class. */
  private inTurn<T>(task: () => Promise<T>): Promise<T | Unavailable> {
    const turn = this.queue.then(() => withPatience(task)).catch(unavailable)
    this.queue = turn
    return turn
  }
}

function withPatience<T>(task: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('D1 or the vault did not answer')), patience)
  })
  return Promise.race([task(), timeout]).finally(() => clearTimeout(timer))
}

/** drizzle's own message carries the parameters of the statement; its cause does not. */
function unavailable(fault: unknown): Unavailable {
  const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause : fault
  return { outcome: 'unavailable', reason: cause instanceof Error ? cause.message : 'unknown' }
}

/** OIDC Core §15.1: RS256 always. */
const wantedAlgorithms = ({ settings }: RingRecords): JwsAlgorithm[] => [
  ...new Set(['RS256', ...settings.signing_algs] as const),
]

const familyOf = (key: SigningKeyRecord): KeyFamily | undefined =>
  Object.hasOwn(jwsAlgorithms, key.alg) ? jwsAlgorithms[key.alg as JwsAlgorithm].family : undefined

const isInUse = (key: SigningKeyRecord): boolean => key.state === 'announced' || key.state === 'active'

function byFamily(algs: JwsAlgorithm[]): Map<KeyFamily, JwsAlgorithm[]> {
  return Map.groupBy(algs, (alg) => jwsAlgorithms[alg].family)
}
