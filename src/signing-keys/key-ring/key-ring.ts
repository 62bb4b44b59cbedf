// The Durable Object that alone creates and changes signing keys, one per issuer. The ring itself is stored in D1, so an isolate signs
// without a call to this object. The object stores only an alarm and the health of a shared vault.
import { DurableObject } from 'cloudflare:workers'
import type { SigningAlgorithm } from '../../crypto/signing-algorithms.ts'
import { deploymentOf } from '../../request/deployment.ts'
import { type Issuer, issuerAt } from '../../request/issuer.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import { openDatabase } from '../../storage/database.ts'
import { type RingChange, type RingRecords, readRing, recordExport, writeRing } from '../../storage/signing-keys.ts'
import type { Vault, VaultFault } from '../vaults/vault.ts'
import { scanVault, type VaultScan } from './adoption.ts'
import { chooseVault } from './choose-vault.ts'
import { findKeyToExport, type KeyFileRequest, writeKeyFile } from './export-key.ts'
import {
  type Activation,
  type ImportPlan,
  type ImportRefusal,
  type KeyFile,
  openKeyFile,
  planImport,
} from './import-key.ts'
import { firstEntries, newEntries, type RingTools } from './new-entries.ts'
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
import { initialHealth, nextScanTime, type VaultHealth, withBackoff } from './vault-health.ts'

/** The actor and the request behind a change, for the audit trail. */
export interface ChangeOrigin {
  actor: string
  requestId: string
}

type Unavailable = { outcome: 'unavailable'; reason: string }

export type EnsureResult =
  | { outcome: 'ready'; created: boolean; keys: SigningKeyRecord[] }
  | { outcome: 'no_enabled_client' }
  | Unavailable

export type RotateResult =
  /** `activates_at`: milliseconds since 1970, when the new keys begin to sign. */
  | { outcome: 'announced'; kids: string[]; activates_at: number }
  | { outcome: 'already_announced'; activates_at: number }
  | { outcome: 'no_enabled_client' }
  | Unavailable

export type RetireResult = { outcome: 'retired'; replaced_by: string[] } | { outcome: 'unknown' } | Unavailable

export type ImportResult =
  | { outcome: ImportPlan['outcome']; entries: Pick<SigningKeyRecord, 'kid' | 'state' | 'activates_at' | 'vault'>[] }
  | ImportRefusal
  | Unavailable

export type ExportResult =
  | { outcome: 'exported'; kid: string; file: Uint8Array<ArrayBuffer> }
  | { outcome: 'unknown' }
  /** Destroyed, or sealed under a WRAP_KEY that no longer exists. */
  | { outcome: 'no_private_key' }
  | Unavailable

export type AdvanceResult = { outcome: 'done'; steps: number } | Unavailable

export interface VaultReport {
  vault: string
  /** Milliseconds since 1970; `null` before the first scan. */
  looked_at: number | null
  failing: { fault: VaultFault; since: number } | null
  /** Number of versions in the vault that cannot be used. */
  unusable_versions: number
}

const minute = 60_000
const keyRingOrigin: ChangeOrigin = { actor: 'key-ring', requestId: '' }

export class KeyRing extends DurableObject<Env> {
  private readonly db = openDatabase(this.env.DB)
  private readonly vault: Vault = chooseVault(deploymentOf(this.env).vault)
  /** Milliseconds that one task may take before the next one starts. */
  private readonly taskTimeout = minute
  private queue: Promise<unknown> = Promise.resolve()
  private pendingEnsure: Promise<EnsureResult> | undefined

  /** Makes the missing keys if any client is enabled. Concurrent calls share one run, so they make one version. */
  async ensure(now: number): Promise<EnsureResult> {
    const shared = await this.pendingEnsure
    if (shared?.outcome === 'ready') return shared
    // Any other result may be outdated: that run may have read D1 before this caller's client was written.
    this.pendingEnsure ??= this.inTurn(() => this.createMissing(now)).finally(() => {
      this.pendingEnsure = undefined
    })
    return this.pendingEnsure
  }

  /** Announces a successor of every key. The successor signs when every cached JWKS holds it. */
  rotate(now: number, origin: ChangeOrigin): Promise<RotateResult> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      if (!ring.hasEnabledClient) return { outcome: 'no_enabled_client' }
      // Another server may have put a successor into the vault already.
      const hasNews = ring.keys.length > 0 && (await this.adoptFromVault(ring, now))
      return this.announce(hasNews ? await readRing(this.db) : ring, now, origin)
    })
  }

  /** For emergencies: unpublishes the version of this key at once; no token it signed is accepted again. */
  retire(kid: string, now: number, origin: ChangeOrigin): Promise<RetireResult> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      const key = ring.keys.find((each) => each.kid === kid)
      return key ? this.revokeVersion(key.version, ring, now, origin) : { outcome: 'unknown' }
    })
  }

  /** Imports an administrator's private key. It is announced, or signs at once if there is no other key or `activation` is `now`. */
  importKey(file: KeyFile, activation: Activation, now: number, origin: ChangeOrigin): Promise<ImportResult> {
    return this.inTurn(async () => {
      const material = await openKeyFile(file, now)
      if ('outcome' in material) return material
      const before = await readRing(this.db)
      // The certificate may be in the vault already.
      const hasNews = await this.adoptFromVault(before, now)
      const ring = hasNews ? await readRing(this.db) : before
      const plan = await planImport(material, activation, this.tools(ring, now))
      if (plan.outcome === 'refused') return plan
      const { transitions, additions: imports } = plan
      await this.write({ transitions, additions: [], imports, origin, now }, ring)
      if (plan.outcome !== 'known') await this.scanAgainSoon(await readRing(this.db), now)
      const entries = plan.entries.map(({ kid, state, activates_at, vault }) => ({ kid, state, activates_at, vault }))
      return { outcome: plan.outcome, entries }
    })
  }

  /** Returns the private key as a file. `name`: a kid or a version. */
  exportKey(name: string, request: KeyFileRequest, now: number, origin: ChangeOrigin): Promise<ExportResult> {
    return this.inTurn(async () => {
      const key = findKeyToExport((await readRing(this.db)).keys, name)
      if (!key) return { outcome: 'unknown' }
      const file = await writeKeyFile(key, request, this.issuer().keyWrapper)
      if (!file) return { outcome: 'no_private_key' }
      await recordExport(this.db, key, request.format, { now, origin })
      return { outcome: 'exported', kid: key.kid, file }
    })
  }

  /** Writes the transitions that are due, and scans the vault. Called by the alarm; a cron may call it too, in case an alarm is lost. */
  advance(now: number): Promise<AdvanceResult> {
    return this.inTurn(async () => {
      const ring = await readRing(this.db)
      const transitions = dueTransitions(ring, now)
      await this.write({ transitions, additions: [], origin: keyRingOrigin, now }, ring)
      const isDue = transitions.length > 0 || this.health.nextLookAt <= now
      if (isDue && ring.keys.length > 0) {
        // Signing depends on the rows alone; a failure of the vault is logged and reported.
        await this.adoptFromVault(transitions.length > 0 ? await readRing(this.db) : ring, now).catch(() => undefined)
        await this.schedule((await readRing(this.db)).keys, now)
      }
      return { outcome: 'done', steps: transitions.length }
    })
  }

  /** For /health. */
  report(): VaultReport {
    const { lookedAt, failure, faults } = this.health
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
    // Readers go by the times in the rows, so a late transition does no harm.
    if (outcome === 'unavailable') await this.ctx.storage.setAlarm(now + minute)
  }

  private async createMissing(now: number): Promise<EnsureResult> {
    const ring = await readRing(this.db)
    if (!ring.hasEnabledClient) return { outcome: 'no_enabled_client' }
    const missing = withoutSigningKey(wantedAlgorithms(ring), ring.keys, now)
    if (missing.length === 0) return { outcome: 'ready', created: false, keys: ring.keys }
    const transitions = promotions(ring.keys, missing, now)
    const unserved = withoutSigningKey(missing, applyTransitions(ring.keys, transitions), now)
    const additions = await firstEntries(unserved, this.tools(ring, now))
    const added = await this.write({ transitions, additions, origin: keyRingOrigin, now }, ring)
    // Read again: another writer's keys may have been stored before ours.
    const written = await readRing(this.db)
    // Adopt the vault's previous versions too, so that tokens of other servers verify from the beginning. Optional: our key is stored.
    const hasNews = added.length > 0 && (await this.adoptFromVault(written, now).catch(() => false))
    if (added.length > 0) await this.scanAgainSoon(written, now)
    return { outcome: 'ready', created: added.length > 0, keys: (hasNews ? await readRing(this.db) : written).keys }
  }

  private async announce(ring: RingRecords, now: number, origin: ChangeOrigin): Promise<RotateResult> {
    const transitions = dueTransitions(ring, now)
    const keys = applyTransitions(ring.keys, transitions)
    const wanted = wantedAlgorithms(ring)
    const unwanted = keys.filter((key) => key.state === 'active' && !wanted.some((alg) => alg === key.alg))
    transitions.push(...unwanted.map((key) => retirement(key, now, ring)))

    const announced = keys.filter((key) => key.state === 'announced')
    const due = wanted.filter((alg) => !announced.some((key) => key.alg === alg))
    const first = withoutSigningKey(due, keys, now)
    const tools = this.tools({ ...ring, keys }, now)
    const successors = due.filter((alg) => !first.includes(alg))
    const additions = [
      ...(await firstEntries(first, tools)),
      ...(await newEntries(successors, tools, now + announcePeriod(ring))),
    ]
    const kids = await this.write({ transitions, additions, origin, now }, ring)
    const activatesAt = Math.max(now, ...[...announced, ...additions].map((key) => key.activates_at))
    if (kids.length > 0) return { outcome: 'announced', kids, activates_at: activatesAt }
    return { outcome: 'already_announced', activates_at: activatesAt }
  }

  private async revokeVersion(
    version: string,
    ring: RingRecords,
    now: number,
    origin: ChangeOrigin,
  ): Promise<RetireResult> {
    const revoked = revocations(ring.keys, version, now)
    const remaining = applyTransitions(ring.keys, revoked)
    const orphaned = withoutSigningKey(wantedAlgorithms(ring), remaining, now)
    const promoted = promotions(remaining, orphaned, now)
    const unserved = withoutSigningKey(orphaned, applyTransitions(remaining, promoted), now)
    const additions = await this.replacements(unserved, ring, now)
    const change = { transitions: [...revoked, ...promoted], additions, origin, now }
    const added = await this.write(change, ring)
    return { outcome: 'retired', replaced_by: [...promoted.map(({ kid }) => kid), ...added] }
  }

  /**
   * New keys for the algorithms that a revocation leaves without one. If a shared vault fails, the compromised key is revoked all the same,
   * and nothing is signed until the vault returns.
   */
  private async replacements(algs: SigningAlgorithm[], ring: RingRecords, now: number): Promise<SigningKeyRecord[]> {
    try {
      return await newEntries(algs, this.tools(ring, now), now)
    } catch (error) {
      if (!this.vault.scan) throw error
      return []
    }
  }

  /** Adopts keys that other servers put into a shared vault. Returns whether there were any. Throws VaultError. */
  private async adoptFromVault(ring: RingRecords, now: number): Promise<boolean> {
    if (!this.vault.scan) return false
    const tools = this.tools(ring, now)
    const { vault } = deploymentOf(this.env)
    const peersKnowOneKey = vault.kind !== 'local' && vault.peersKnowOneKey
    const { adoptions, faults, promotions }: VaultScan = await scanVault(tools, { peersKnowOneKey })
    this.keepHealth({ lookedAt: now, nextLookAt: nextScanTime(now), faults })
    if (adoptions.length > 0)
      await this.write({ transitions: [], additions: [], adoptions, origin: keyRingOrigin, now }, ring)
    for (const { family, next } of promotions) await tools.vault.promote?.(family, next)
    return adoptions.length > 0
  }

  /** Another server's import may have taken longer than the election window. */
  private async scanAgainSoon({ keys }: RingRecords, now: number): Promise<void> {
    if (!this.vault.scan || this.health.failure) return
    this.keepHealth({ ...this.health, nextLookAt: now + minute / 4 })
    await this.schedule(keys, now)
  }

  /** The object's name is the URL of its issuer. */
  private issuer(): Issuer {
    return issuerAt(deploymentOf(this.env).issuers, this.ctx.id.name ?? '')
  }

  private tools(ring: RingRecords, now: number): RingTools {
    const store = { now, hasKey: ring.keys.length > 0, read: () => this.health, write: this.keepHealth.bind(this) }
    const vault = withBackoff(this.vault, store)
    return { vault, keyWrapper: this.issuer().keyWrapper, ring, now }
  }

  private get health(): VaultHealth {
    return this.ctx.storage.kv.get<VaultHealth>('vault') ?? initialHealth
  }

  private keepHealth(health: VaultHealth): void {
    const before = this.health
    this.ctx.storage.kv.put('vault', health)
    const isNews = before.failure?.count !== health.failure?.count || before.faults.join() !== health.faults.join()
    if (isNews) logHealth(this.vault.name, health)
  }

  /** Sets the alarm before it writes the rows: a superfluous alarm is harmless, a missing one would leave a key in its state. */
  private async write(change: RingChange, ring: RingRecords): Promise<string[]> {
    const { transitions, additions, adoptions = [], imports = [] } = change
    const joining = [...additions, ...adoptions, ...imports]
    await this.schedule([...applyTransitions(ring.keys, transitions), ...joining], change.now)
    if (transitions.length + joining.length === 0) return []
    return writeRing(this.db, change)
  }

  private async schedule(keys: SigningKeyRecord[], now: number): Promise<void> {
    const nextScan = this.vault.scan && keys.length > 0 ? this.health.nextLookAt : undefined
    const times = [nextTransitionAt(keys), nextScan].filter((time) => time !== undefined)
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.max(Math.min(...times), now + 1000))
  }

  /**
   * Runs tasks one after another, since each await on D1 or Web Crypto lets other calls in. An error is returned as a value: a thrown one
   * would lose its class on the way to the caller.
   */
  private inTurn<T>(task: () => Promise<T>): Promise<T | Unavailable> {
    const turn = this.queue.then(() => withTimeout(task, this.taskTimeout)).catch(unavailable)
    this.queue = turn
    return turn
  }
}

function logHealth(name: string, { failure, faults }: VaultHealth): void {
  const line = failure
    ? {
        level: 'error',
        message: 'the vault of the signing certificate fails; the known keys go on signing',
        fault: failure.message,
        since: new Date(failure.since).toISOString(),
        asked_again: new Date(failure.notBefore).toISOString(),
      }
    : { level: faults.length > 0 ? 'error' : 'info', message: 'the vault of the signing certificate answers', faults }
  console.log(JSON.stringify({ vault: name, ...line }))
}

function withTimeout<T>(task: () => Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('D1 or the vault did not answer')), milliseconds)
  })
  return Promise.race([task(), timeout]).finally(() => clearTimeout(timer))
}

function unavailable(error: unknown): Unavailable {
  return { outcome: 'unavailable', reason: error instanceof Error ? error.message : 'unknown' }
}
