// What a shared vault holds and the ring does not know yet (DESIGN §5): it is published at once, and signs when every JWKS has been renewed.
import { base64 } from '../../crypto/encoding.ts'
import { faultOf, type KeyMaterial } from '../../crypto/key-material.ts'
import {
  isSigningAlgorithm,
  type KeyFamily,
  type SigningAlgorithm,
  signingParameters,
} from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { RingRecords } from '../../storage/signing-keys.ts'
import type { SeenVersion } from '../vaults/vault.ts'
import { signingKeyAt } from './key-states.ts'
import { vaultOf, type Workshop } from './new-entries.ts'
import { createEntry } from './ring-entry.ts'
import { announcePeriod, publishedAfterRetirement, wantedAlgorithms } from './transitions.ts'

export interface Findings {
  adoptions: SigningKeyRecord[]
  /** What cannot be used, for operators. */
  faults: string[]
  /** Our signing key, which peers that know one key do not see yet. */
  promotions: { family: KeyFamily; next: SeenVersion }[]
}

export interface LookOptions {
  /** DESIGN §5: whoever overwrites the name signs with it at once, and so do we. */
  peersKnowOneKey: boolean
}

/** Throws VaultError when the vault does not answer. */
export async function lookAround(workshop: Workshop, options: LookOptions): Promise<Findings> {
  const findings: Findings = { adoptions: [], faults: [], promotions: [] }
  const families = Map.groupBy(wantedAlgorithms(workshop.ring), (alg) => signingParameters[alg].family)
  for (const [family, algs] of families) {
    const seen = await vaultOf(family, workshop.vault).look?.(family)
    if (seen) await judge({ family, algs, seen, workshop, options }, findings)
  }
  return findings
}

interface Sight {
  family: KeyFamily
  algs: SigningAlgorithm[]
  seen: SeenVersion[]
  workshop: Workshop
  options: LookOptions
}

async function judge(sight: Sight, findings: Findings): Promise<void> {
  const certificates = new Map<SeenVersion['place'], string>()
  if (!sight.seen.some(({ place }) => place === 'current')) findings.faults.push('there is no current version')
  for (const version of sight.seen) {
    const opened = await open(version, sight)
    if ('fault' in opened) {
      findings.faults.push(`${version.place} version ${version.version}: ${opened.fault}`)
      continue
    }
    if (!certificates.has(version.place)) certificates.set(version.place, opened.certificate)
    if (!opened.material) continue
    // The same certificate may stand in two places.
    if (findings.adoptions.some((each) => each.certificate === opened.certificate)) continue
    findings.adoptions.push(...(await entriesFor(version, opened.material, sight)))
  }
  const next = sight.seen.find(({ place }) => place === 'next')
  if (next && mayPromote(certificates, sight, findings)) findings.promotions.push({ family: sight.family, next })
}

type Opened = { certificate: string; material?: KeyMaterial } | { fault: string }

/** Versions whose name the ring knows are not opened again. */
async function open(version: SeenVersion, { workshop }: Sight): Promise<Opened> {
  const known = workshop.ring.keys.find((key) => key.version === version.version)
  if (known) return { certificate: known.certificate }
  try {
    const material = await version.open()
    const certificate = base64(material.certificate)
    if (workshop.ring.keys.some((key) => key.certificate === certificate)) return { certificate }
    const fault = await faultOf(material, workshop.now)
    return fault ? { fault } : { certificate, material }
  } catch (fault) {
    return { fault: fault instanceof Error ? fault.message : 'unreadable' }
  }
}

async function entriesFor(version: SeenVersion, material: KeyMaterial, sight: Sight): Promise<SigningKeyRecord[]> {
  const { ring, keyWrapper, vault, now } = sight.workshop
  const entries: SigningKeyRecord[] = []
  for (const alg of sight.algs) {
    const activatesAt = firstSignature(version, alg, sight)
    const options = { vault: vault.name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
    const entry = await createEntry({ ...material, version: version.version }, alg, options)
    entries.push(version.place === 'previous' ? { ...entry, ...retired(ring, now) } : entry)
  }
  return entries
}

function firstSignature({ place }: SeenVersion, alg: SigningAlgorithm, { workshop, options }: Sight): number {
  const { ring, now } = workshop
  const isAlone = !signingKeyAt(ring.keys, alg, now)
  const isForced = place === 'current' && options.peersKnowOneKey
  return place === 'previous' || isAlone || isForced ? now : now + announcePeriod(ring)
}

/** Some other instance may not have looked for as long as it announces, and its tokens live on after that. */
const retired = (ring: RingRecords, now: number) => ({
  state: 'retired' as const,
  // Never newer than what signs.
  activates_at: 0,
  retired_at: now,
  gone_at: now + announcePeriod(ring) + publishedAfterRetirement(ring),
})

/** The key that waited signs by now, and nobody has put another one under the name that should come after it. */
function mayPromote(
  certificates: Map<SeenVersion['place'], string>,
  { algs, workshop: { ring, now } }: Sight,
  { adoptions }: Findings,
): boolean {
  const [alg] = algs
  const signing = alg && signingKeyAt(ring.keys, alg, now)
  const current = certificates.get('current')
  if (!signing || signing.certificate !== certificates.get('next') || current === signing.certificate) return false
  const standing = [...ring.keys, ...adoptions].find(
    (key) => key.certificate === current && isSigningAlgorithm(key.alg),
  )
  return !standing || standing.activates_at < signing.activates_at
}
