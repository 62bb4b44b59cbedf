// The only place that creates and changes signing keys (DESIGN §3, §5): one object per issuer. The ring itself is rows of D1, so that an
// isolate signs without asking here, and this object keeps nothing but an alarm and, of a shared vault, how it has been doing.
import { DurableObject } from 'cloudflare:workers'
import type { SigningAlgorithm } from '../../crypto/signing-algorithms.ts'
import { deploymentOf } from '../../request/deployment.ts'
import { type Issuer, issuerAt } from '../../request/issuer.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import { openDatabase } from '../../storage/database.ts'
import { type RingChange, type RingRecords, readRing, recordExport, writeRing } from '../../storage/signing-keys.ts'
import type { Vault, VaultFault } from '../vaults/vault.ts'
import { type Findings, lookAround } from './adoption.ts'
import { chooseVault } from './choose-vault.ts'
import { type KeyFileRequest, keyNamed, writeKeyFile } from './export-key.ts'
import {
  type Activation,
  type ImportPlan,
  type ImportRefusal,
  type KeyFile,
  openKeyFile,
  planImport,
} from './import-key.ts'
import { firstEntries, newEntries, type Workshop } from './new-entries.ts'
import {
  announcePeriod,
  applyTransitions,
  dueTransitions,
  nextTransitionAt,
  promotions,
  retirement,
  revocations,
  wantedAlgorithms,
  withoutSigningKey,
} from './transitions.ts'
import { firstWatch, guarded, nextLook, type VaultWatch } from './vault-watch.ts'

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

export type Imported =
  | { outcome: ImportPlan['outcome']; entries: Pick<SigningKeyRecord, 'kid' | 'state' | 'activates_at' | 'vault'>[] }
  | ImportRefusal
  | Unavailable

export type Exported =
  | { outcome: 'exported'; kid: string; file: Uint8Array<ArrayBuffer> }
  | { outcome: 'unknown' }
  /** Destroyed, or sealed under a WRAP_KEY that is. */
  | { outcome: 'no_private_key' }
  | Unavailable

export type Advanced = { outcome: 'done'; steps: number } | Unavailable

export interface VaultReport {
  vault: string
  /** Milliseconds since 1970; null: not yet. */
  looked_at: number | null
  failing: { fault: VaultFault; since: number } | null
  /** Versions in the vault that cannot be used. */
  unusable_versions: number
}

const minute = 60_000
const itself: Cause = { actor: 'key-ring', requestId: '' }

export class KeyRing extends DurableObject<Env> {
  private readonly db = openDatabase(this.env.DB)
  private readonly vault: Vault = chooseVault(deploymentOf(this.env).vault)
  /** Milliseconds that one task may take before the next one has its turn. */
  private readonly patience = minute
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
      // Somebody else may have put a successor there already.
      const hasNews = ring.keys.length > 0 && (await this.look(ring, now))
      return this.announce(hasNews ? await readRing(this.db) : ring, now, cause)
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

  /** A private key that an operator brings: announced, or signing at once where there is no other or `activation` says so. */
  importKey(file: KeyFile, activation: Activation, now: number, cause: Cause): Promise<Imported> {
    return this.inTurn(async () => {
      const material = await openKeyFile(file, now)
      if ('outcome' in material) return material
      const before = await readRing(this.db)
      // The certificate may be in the vault already.
      const hasNews = await this.look(before, now)
      const ring = hasNews ? await readRing(this.db) : before
      const plan = await planImport(material, activation, this.workshop(ring, now))
      if (plan.outcome === 'refused') return plan
      const { transitions, additions: imports } = plan
      await this.write({ transitions, additions: [], imports, cause, now }, ring)
      if (plan.outcome !== 'known') await this.lookAgainSoon(await readRing(this.db), now)
      const entries = plan.entries.map(({ kid, state, activates_at, vault }) => ({ kid, state, activates_at, vault }))
      return { outcome: plan.outcome, entries }
    })
  }

  /** The private key as a file. `name`: a kid or a version. */
  exportKey(name: string, request: KeyFileRequest, now: number, cause: Cause): Promise<Exported> {
    return this.inTurn(async () => {
      const key = keyNamed((await readRing(this.db)).keys, name)
      if (!key) return { outcome: 'unknown' }
      const file = await writeKeyFile(key, request, this.issuer().keyWrapper)
      if (!file) return { outcome: 'no_private_key' }
      await recordExport(this.db, key, request.format, { now, cause })
      return { outcome: 'exported', kid: key.kid, file }
    })
  }

  /** Takes the steps that are due. The alarm does it; so may a cron, should an alarm ever be lost. */
  advance(now: number): Promise<Advanced> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      const transitions = dueTransitions(ring, now)
      await this.write({ transitions, additions: [], cause: itself, now }, ring)
      const isDue = transitions.length > 0 || this.watch.nextLookAt <= now
      if (isDue && ring.keys.length > 0) {
        // The rows are what counts; what the vault says is logged and reported.
        await this.look(transitions.length > 0 ? await readRing(this.db) : ring, now).catch(() => undefined)
        await this.schedule((await readRing(this.db)).keys, now)
      }
      return { outcome: 'done', steps: transitions.length }
    })
  }

  /** For /health. */
  report(): VaultReport {
    const { lookedAt, failure, faults } = this.watch
    return {
      vault: this.vault.name,
      looked_at: lookedAt || null,
      failing: failure ? { fault: failure.fault, since: failure.since } : null,
      unusable_versions: faults.length,
    }
  }

  override async alarm(): Promise<void> {
    const now = Date.now()
    const { outcome } = await this.advance(now)
    // Readers judge by time, so a late step harms nobody.
    if (outcome === 'unavailable') await this.ctx.storage.setAlarm(now + minute)
  }

  private async createMissing(now: number): Promise<Ensured> {
    const ring = await readRing(this.db)
    if (!ring.hasEnabledClient) return { outcome: 'no_enabled_client' }
    const missing = withoutSigningKey(wantedAlgorithms(ring), ring.keys, now)
    if (missing.length === 0) return { outcome: 'ready', created: false, keys: ring.keys }
    const transitions = promotions(ring.keys, missing, now)
    const unserved = withoutSigningKey(missing, applyTransitions(ring.keys, transitions), now)
    const additions = await firstEntries(unserved, this.workshop(ring, now))
    const added = await this.write({ transitions, additions, cause: itself, now }, ring)
    // Read again: somebody else's keys may have been quicker than ours.
    const written = await readRing(this.db)
    // Tokens of those who came before us verify from the beginning. Without the vault we have at least our key.
    const hasNews = added.length > 0 && (await this.look(written, now).catch(() => false))
    if (added.length > 0) await this.lookAgainSoon(written, now)
    return { outcome: 'ready', created: added.length > 0, keys: (hasNews ? await readRing(this.db) : written).keys }
  }

  private async announce(ring: RingRecords, now: number, cause: Cause): Promise<Rotated> {
    const transitions = dueTransitions(ring, now)
    const keys = applyTransitions(ring.keys, transitions)
    const wanted = wantedAlgorithms(ring)
    const unwanted = keys.filter((key) => key.state === 'active' && !wanted.some((alg) => alg === key.alg))
    transitions.push(...unwanted.map((key) => retirement(key, now, ring)))

    const announced = keys.filter((key) => key.state === 'announced')
    const due = wanted.filter((alg) => !announced.some((key) => key.alg === alg))
    const first = withoutSigningKey(due, keys, now)
    const workshop = this.workshop({ ...ring, keys }, now)
    const successors = due.filter((alg) => !first.includes(alg))
    const additions = [
      ...(await firstEntries(first, workshop)),
      ...(await newEntries(successors, workshop, now + announcePeriod(ring))),
    ]
    const kids = await this.write({ transitions, additions, cause, now }, ring)
    const activatesAt = Math.max(now, ...[...announced, ...additions].map((key) => key.activates_at))
    if (kids.length > 0) return { outcome: 'announced', kids, activates_at: activatesAt }
    return { outcome: 'already_announced', activates_at: activatesAt }
  }

  private async revokeVersion(version: string, ring: RingRecords, now: number, cause: Cause): Promise<Retired> {
    const revoked = revocations(ring.keys, version, now)
    const remaining = applyTransitions(ring.keys, revoked)
    const orphaned = withoutSigningKey(wantedAlgorithms(ring), remaining, now)
    const promoted = promotions(remaining, orphaned, now)
    const unserved = withoutSigningKey(orphaned, applyTransitions(remaining, promoted), now)
    const additions = await this.replacements(unserved, ring, now)
    const change = { transitions: [...revoked, ...promoted], additions, cause, now }
    const added = await this.write(change, ring)
    return { outcome: 'retired', replaced_by: [...promoted.map(({ kid }) => kid), ...added] }
  }

  /** A key that others may know must go even when a shared vault gives no other: then nothing is signed until it does. */
  private async replacements(algs: SigningAlgorithm[], ring: RingRecords, now: number): Promise<SigningKeyRecord[]> {
    try {
      return await newEntries(algs, this.workshop(ring, now), now)
    } catch (fault) {
      if (!this.vault.look) throw fault
      return []
    }
  }

  /** Takes into the ring what others have put into a shared vault. True: there was something. Throws VaultError. */
  private async look(ring: RingRecords, now: number): Promise<boolean> {
    if (!this.vault.look) return false
    const workshop = this.workshop(ring, now)
    const { vault } = deploymentOf(this.env)
    const peersKnowOneKey = vault.kind !== 'local' && vault.peersKnowOneKey
    const { adoptions, faults, promotions }: Findings = await lookAround(workshop, { peersKnowOneKey })
    this.keepWatch({ lookedAt: now, nextLookAt: nextLook(now), faults })
    if (adoptions.length > 0) await this.write({ transitions: [], additions: [], adoptions, cause: itself, now }, ring)
    for (const { family, next } of promotions) await workshop.vault.promote?.(family, next)
    return adoptions.length > 0
  }

  /** Somebody's import may have taken longer than the election. */
  private async lookAgainSoon({ keys }: RingRecords, now: number): Promise<void> {
    if (!this.vault.look || this.watch.failure) return
    this.keepWatch({ ...this.watch, nextLookAt: now + minute / 4 })
    await this.schedule(keys, now)
  }

  /** The ring of an issuer is named by it. */
  private issuer(): Issuer {
    return issuerAt(deploymentOf(this.env).issuers, this.ctx.id.name ?? '')
  }

  private workshop(ring: RingRecords, now: number): Workshop {
    const guard = { now, hasKey: ring.keys.length > 0, read: () => this.watch, note: this.keepWatch.bind(this) }
    const vault = guarded(this.vault, guard)
    return { vault, keyWrapper: this.issuer().keyWrapper, ring, now }
  }

  private get watch(): VaultWatch {
    return this.ctx.storage.kv.get<VaultWatch>('vault') ?? firstWatch
  }

  private keepWatch(watch: VaultWatch): void {
    const before = this.watch
    this.ctx.storage.kv.put('vault', watch)
    const isNews = before.failure?.count !== watch.failure?.count || before.faults.join() !== watch.faults.join()
    if (isNews) logVault(this.vault.name, watch)
  }

  /** The alarm comes before the rows: one too many is harmless, one too few leaves a key in its state. */
  private async write(change: RingChange, ring: RingRecords): Promise<string[]> {
    const { transitions, additions, adoptions = [], imports = [] } = change
    const joining = [...additions, ...adoptions, ...imports]
    await this.schedule([...applyTransitions(ring.keys, transitions), ...joining], change.now)
    if (transitions.length + joining.length === 0) return []
    return writeRing(this.db, change)
  }

  private async schedule(keys: SigningKeyRecord[], now: number): Promise<void> {
    const look = this.vault.look && keys.length > 0 ? this.watch.nextLookAt : undefined
    const times = [nextTransitionAt(keys), look].filter((time) => time !== undefined)
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.max(Math.min(...times), now + 1000))
  }

  /** One task after another, since every await on D1 or Web Crypto lets other calls in. A fault becomes an answer: it would lose its class. */
  private inTurn<T>(task: () => Promise<T>): Promise<T | Unavailable> {
    const turn = this.queue.then(() => withPatience(task, this.patience)).catch(unavailable)
    this.queue = turn
    return turn
  }
}

function logVault(name: string, { failure, faults }: VaultWatch): void {
  const line = failure
    ? {
        level: 'error',
        message: 'the vault of the signing certificate fails; what is known goes on signing',
        fault: failure.message,
        since: new Date(failure.since).toISOString(),
        asked_again: new Date(failure.notBefore).toISOString(),
      }
    : { level: faults.length > 0 ? 'error' : 'info', message: 'the vault of the signing certificate answers', faults }
  console.log(JSON.stringify({ vault: name, ...line }))
}

function withPatience<T>(task: () => Promise<T>, patience: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('D1 or the vault did not answer')), patience)
  })
  return Promise.race([task(), timeout]).finally(() => clearTimeout(timer))
}

function unavailable(fault: unknown): Unavailable {
  return { outcome: 'unavailable', reason: fault instanceof Error ? fault.message : 'unknown' }
}
