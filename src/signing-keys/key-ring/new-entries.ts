// Entries that join the ring: from a version of the vault, self-tested, one for each algorithm that the version serves.
import { base64 } from '../../crypto/encoding.ts'
import { faultOf, generateKeyMaterial } from '../../crypto/key-material.ts'
import type { Sealer } from '../../crypto/seal.ts'
import {
  isSigningAlgorithm,
  type KeyFamily,
  type SigningAlgorithm,
  signingParameters,
} from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { RingRecords } from '../../storage/signing-keys.ts'
import { localVault } from '../vaults/local.ts'
import type { KeyVersion, Vault } from '../vaults/vault.ts'
import { createEntry } from './ring-entry.ts'

export interface Workshop {
  vault: Vault
  keyWrapper: Sealer
  ring: RingRecords
  /** Milliseconds since 1970. */
  now: number
}

/** Entries that sign at once: of their algorithm nobody can have cached another key. */
export function firstEntries(algs: SigningAlgorithm[], workshop: Workshop): Promise<SigningKeyRecord[]> {
  return entriesOf(algs, workshop, workshop.now, async (family) => {
    const known = await versionInUse(family, workshop)
    if (known) return known
    const vault = vaultOf(family, workshop.vault)
    const elected = await vault.elect(family, () => generate(family, workshop))
    // What was revoked here is still the vault's current version.
    if (!isUsedUp(elected, workshop)) return elected
    return vault.add(family, () => generate(family, workshop), true)
  })
}

/** Families that the vault has no name for are this instance's own. */
export const vaultOf = (family: KeyFamily, vault: Vault): Vault =>
  (vault.families?.includes(family) ?? true) ? vault : localVault

const isUsedUp = ({ certificate }: KeyVersion, { ring }: Workshop): boolean =>
  ring.keys.some((key) => key.certificate === base64(certificate) && (key.state === 'retired' || key.state === 'gone'))

/** Entries with a key that was never used before. */
export function newEntries(
  algs: SigningAlgorithm[],
  workshop: Workshop,
  activatesAt: number,
): Promise<SigningKeyRecord[]> {
  return entriesOf(algs, workshop, activatesAt, (family) => {
    const isUrgent = activatesAt <= workshop.now
    return vaultOf(family, workshop.vault).add(family, () => generate(family, workshop), isUrgent)
  })
}

const generate = (family: KeyFamily, { ring, now }: Workshop) =>
  generateKeyMaterial(family, ring.settings.rsa_key_bits, now)

/** PS256 shares the certificate of RS256. */
async function versionInUse(family: KeyFamily, { ring, keyWrapper }: Workshop): Promise<KeyVersion | undefined> {
  const key = ring.keys.find((each) => each.state === 'active' && familyOf(each.alg) === family)
  const privateKey = await keyWrapper.open('signing-key', key?.wrapped_private_key ?? '')
  if (!key || !privateKey) return undefined
  return { version: key.version, family, certificate: Uint8Array.fromBase64(key.certificate), privateKey }
}

const familyOf = (alg: string): KeyFamily | undefined =>
  isSigningAlgorithm(alg) ? signingParameters[alg].family : undefined

async function entriesOf(
  algs: SigningAlgorithm[],
  { vault, keyWrapper, ring, now }: Workshop,
  activatesAt: number,
  obtain: (family: KeyFamily) => Promise<KeyVersion>,
): Promise<SigningKeyRecord[]> {
  const entries: SigningKeyRecord[] = []
  for (const [family, members] of Map.groupBy(algs, (alg) => signingParameters[alg].family)) {
    const version = await obtain(family)
    const fault = await faultOf(version, now)
    const { name } = vaultOf(family, vault)
    if (fault) throw new Error(`key version ${version.version} of vault ${name}: ${fault}`)
    const options = { vault: name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
    for (const alg of members) entries.push(await createEntry(version, alg, options))
  }
  return entries
}
