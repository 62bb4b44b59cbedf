// Makes entries for the ring from a version of the vault: self-tested, one entry for each algorithm of the key.
import { base64 } from '../../crypto/encoding.ts'
import { generateKeyMaterial, selfTest } from '../../crypto/key-material.ts'
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

/** What operations on the ring need. */
export interface RingTools {
  vault: Vault
  keyWrapper: Sealer
  ring: RingRecords
  /** Milliseconds since 1970. */
  now: number
}

/** Entries that sign at once: their algorithm has no key yet, so no client can have cached another one. Throws VaultError. */
export function firstEntries(algs: SigningAlgorithm[], tools: RingTools): Promise<SigningKeyRecord[]> {
  return entriesOf(algs, tools, tools.now, async (family) => {
    const known = await versionInUse(family, tools)
    if (known) return known
    const vault = vaultOf(family, tools.vault)
    const elected = await vault.elect(family, () => generate(family, tools))
    // The vault's current version may be one that was retired here.
    if (!wasRetired(elected, tools)) return elected
    return vault.add(family, () => generate(family, tools), true)
  })
}

/** Keys of a family that the vault has no name for stay in this instance. */
export const vaultOf = (family: KeyFamily, vault: Vault): Vault =>
  (vault.families?.includes(family) ?? true) ? vault : localVault

const wasRetired = ({ certificate }: KeyVersion, { ring }: RingTools): boolean =>
  ring.keys.some((key) => key.certificate === base64(certificate) && (key.state === 'retired' || key.state === 'gone'))

/** Entries with a newly generated key. `activatesAt`: milliseconds since 1970. Throws VaultError. */
export function newEntries(
  algs: SigningAlgorithm[],
  tools: RingTools,
  activatesAt: number,
): Promise<SigningKeyRecord[]> {
  return entriesOf(algs, tools, activatesAt, (family) => {
    const isUrgent = activatesAt <= tools.now
    return vaultOf(family, tools.vault).add(family, () => generate(family, tools), isUrgent)
  })
}

const generate = (family: KeyFamily, { ring, now }: RingTools) =>
  generateKeyMaterial(family, ring.settings.rsa_key_bits, now)

/** The version that already signs for this family: PS256 shares the certificate of RS256. */
async function versionInUse(family: KeyFamily, { ring, keyWrapper }: RingTools): Promise<KeyVersion | undefined> {
  const key = ring.keys.find((each) => each.state === 'active' && familyOf(each.alg) === family)
  const privateKey = await keyWrapper.open('signing-key', key?.wrapped_private_key ?? '')
  if (!key || !privateKey) return undefined
  return { version: key.version, family, certificate: Uint8Array.fromBase64(key.certificate), privateKey }
}

const familyOf = (alg: string): KeyFamily | undefined =>
  isSigningAlgorithm(alg) ? signingParameters[alg].family : undefined

async function entriesOf(
  algs: SigningAlgorithm[],
  { vault, keyWrapper, ring, now }: RingTools,
  activatesAt: number,
  obtain: (family: KeyFamily) => Promise<KeyVersion>,
): Promise<SigningKeyRecord[]> {
  const entries: SigningKeyRecord[] = []
  for (const [family, members] of Map.groupBy(algs, (alg) => signingParameters[alg].family)) {
    const version = await obtain(family)
    // K09: a key that fails its self-test never joins the ring.
    const fault = await selfTest(version, now)
    const { name } = vaultOf(family, vault)
    if (fault) throw new Error(`key version ${version.version} of vault ${name}: ${fault}`)
    const options = { vault: name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
    for (const alg of members) entries.push(await createEntry(version, alg, options))
  }
  return entries
}
