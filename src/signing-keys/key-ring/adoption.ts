// Adoption: takes keys that another server put into the shared vault into the ring. They are published at once, and sign when every cached
// JWKS holds them.
import { base64 } from '../../crypto/encoding.ts'
import { type KeyMaterial, selfTest } from '../../crypto/key-material.ts'
import {
  isSigningAlgorithm,
  type KeyFamily,
  type SigningAlgorithm,
  signingParameters,
} from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { RingRecords } from '../../storage/signing-keys.ts'
import type { VaultVersion } from '../vaults/vault.ts'
import { signingKeyAt } from './key-states.ts'
import { type RingTools, vaultOf } from './new-entries.ts'
import { createEntry } from './ring-entry.ts'
import { announcePeriod, publishedAfterRetirement, wantedAlgorithms } from './transitions.ts'

export interface VaultScan {
  adoptions: SigningKeyRecord[]
  /** Versions that cannot be used, each with the reason, for the operator. */
  faults: string[]
  /** Keys of ours that sign already, but are not yet under the name that one-key peers read. */
  promotions: { family: KeyFamily; next: VaultVersion }[]
}

export interface ScanOptions {
  /** A peer that knows one key signs with a new certificate as soon as it overwrites the name, so this instance does the same. */
  peersKnowOneKey: boolean
}

/** Reads what the vault holds; changes neither the vault nor the ring. Throws VaultError. */
export async function scanVault(tools: RingTools, options: ScanOptions): Promise<VaultScan> {
  const result: VaultScan = { adoptions: [], faults: [], promotions: [] }
  const families = Map.groupBy(wantedAlgorithms(tools.ring), (alg) => signingParameters[alg].family)
  for (const [family, algs] of families) {
    const versions = await vaultOf(family, tools.vault).scan?.(family)
    if (versions) await scanFamily({ family, algs, versions, tools, options }, result)
  }
  return result
}

interface FamilyScan {
  family: KeyFamily
  algs: SigningAlgorithm[]
  versions: VaultVersion[]
  tools: RingTools
  options: ScanOptions
}

/** Adds the findings of one key family to `result`. */
async function scanFamily(scan: FamilyScan, result: VaultScan): Promise<void> {
  const certificates = new Map<VaultVersion['place'], string>()
  if (!scan.versions.some(({ place }) => place === 'current')) result.faults.push('there is no current version')
  for (const version of scan.versions) {
    const opened = await open(version, scan)
    if ('fault' in opened) {
      result.faults.push(`${version.place} version ${version.version}: ${opened.fault}`)
      continue
    }
    if (!certificates.has(version.place)) certificates.set(version.place, opened.certificate)
    if (!opened.material) continue
    // Two places may hold the same certificate.
    if (result.adoptions.some((each) => each.certificate === opened.certificate)) continue
    result.adoptions.push(...(await entriesFor(version, opened.material, scan)))
  }
  const next = scan.versions.find(({ place }) => place === 'next')
  if (next && mayPromote(certificates, scan, result)) result.promotions.push({ family: scan.family, next })
}

/** `certificate`: base64. `material` is absent if the ring has the certificate already. */
type OpenedVersion = { certificate: string; material?: KeyMaterial } | { fault: string }

/** Reads and self-tests a version. A version id that the ring knows is not read again. */
async function open(version: VaultVersion, { tools }: FamilyScan): Promise<OpenedVersion> {
  const known = tools.ring.keys.find((key) => key.version === version.version)
  if (known) return { certificate: known.certificate }
  try {
    const material = await version.open()
    const certificate = base64(material.certificate)
    if (tools.ring.keys.some((key) => key.certificate === certificate)) return { certificate }
    const fault = await selfTest(material, tools.now)
    return fault ? { fault } : { certificate, material }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : 'unreadable' }
  }
}

async function entriesFor(version: VaultVersion, material: KeyMaterial, scan: FamilyScan): Promise<SigningKeyRecord[]> {
  const { ring, keyWrapper, vault, now } = scan.tools
  const entries: SigningKeyRecord[] = []
  for (const alg of scan.algs) {
    const activatesAt = activationTime(version, alg, scan)
    const options = { vault: vault.name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
    const entry = await createEntry({ ...material, version: version.version }, alg, options)
    entries.push(version.place === 'previous' ? { ...entry, ...retiredFields(ring, now) } : entry)
  }
  return entries
}

/** Milliseconds since 1970. */
function activationTime({ place }: VaultVersion, alg: SigningAlgorithm, { tools, options }: FamilyScan): number {
  const { ring, now } = tools
  const isOnlyKey = !signingKeyAt(ring.keys, alg, now)
  const isForced = place === 'current' && options.peersKnowOneKey
  return place === 'previous' || isOnlyKey || isForced ? now : now + announcePeriod(ring)
}

/**
 * A previous version stays published for an announce period longer than other retired keys: an instance that has not scanned the vault may
 * sign with it for that long.
 */
const retiredFields = (ring: RingRecords, now: number) => ({
  state: 'retired' as const,
  // Older than any key that signs.
  activates_at: 0,
  retired_at: now,
  gone_at: now + announcePeriod(ring) + publishedAfterRetirement(ring),
})

/** The `next` version may become `current` if it signs by now and no newer key took the place of `current` meanwhile. */
function mayPromote(
  certificates: Map<VaultVersion['place'], string>,
  { algs, tools: { ring, now } }: FamilyScan,
  { adoptions }: VaultScan,
): boolean {
  const [alg] = algs
  const signing = alg && signingKeyAt(ring.keys, alg, now)
  const current = certificates.get('current')
  if (!signing || signing.certificate !== certificates.get('next') || current === signing.certificate) return false
  const currentKey = [...ring.keys, ...adoptions].find(
    (key) => key.certificate === current && isSigningAlgorithm(key.alg),
  )
  return !currentKey || currentKey.activates_at < signing.activates_at
}
