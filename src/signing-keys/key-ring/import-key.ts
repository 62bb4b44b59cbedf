// Imports a private key file of an administrator: reads it, self-tests the key (K09), stores it in the vault in use, and makes its entries.
import { familyOf } from '../../crypto/certified-key.ts'
import { base64, fromUtf8 } from '../../crypto/encoding.ts'
import { keyMembers } from '../../crypto/jwk.ts'
import { KeyFileError, type KeyFileFault } from '../../crypto/key-file-error.ts'
import { type KeyMaterial, selfTest } from '../../crypto/key-material.ts'
import { type SigningAlgorithm, signingParameters } from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { KeyTransition } from '../../storage/signing-keys.ts'
import { readCertifiedKey } from '../vaults/key-file.ts'
import { isRevoked, signingKeyAt } from './key-states.ts'
import { type RingTools, vaultOf } from './new-entries.ts'
import { createEntry } from './ring-entry.ts'
import { announcePeriod, retirement, wantedAlgorithms } from './transitions.ts'

export interface KeyFile {
  /** PKCS#12, or the text of a PEM bundle or a JWK. */
  bytes: Uint8Array<ArrayBuffer>
  password: string
}

export type Activation = 'after-announce' | 'now'

export type ImportFault =
  | KeyFileFault
  /** See `selfTest`. */
  | 'self_test'
  | 'algorithm_not_in_use'
  /** A retired certificate does not sign again. A revoked key does not sign again under any certificate. */
  | 'retired'
  | 'kid_taken'

export type ImportRefusal = { outcome: 'refused'; fault: ImportFault; message: string }

const refusal = (fault: ImportFault, message: string): ImportRefusal => ({ outcome: 'refused', fault, message })

/** Reads and self-tests the file. CPU time depends on its iteration counts, which pkcs12/limits.ts bounds. */
export async function openKeyFile({ bytes, password }: KeyFile, now: number): Promise<KeyMaterial | ImportRefusal> {
  try {
    const key = await readCertifiedKey(contentOf(bytes), password)
    const { certificate, privateKey } = key
    const material = { family: familyOf(key), certificate, privateKey }
    const fault = await selfTest(material, now)
    return fault ? refusal('self_test', fault) : material
  } catch (error) {
    if (error instanceof KeyFileError) return refusal(error.code, error.message)
    throw error
  }
}

/** A PFX is a SEQUENCE longer than 127 bytes, so its second byte is at least 0x80, which no ASCII text has. */
function contentOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | string {
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return bytes
  try {
    return fromUtf8(bytes)
  } catch {
    return bytes
  }
}

export interface ImportPlan {
  /** `known`: the ring has the certificate, and nothing needs to change. */
  outcome: 'imported' | 'activated' | 'known'
  /** Every usable entry of the certificate, as it will be after the import. */
  entries: SigningKeyRecord[]
  additions: SigningKeyRecord[]
  transitions: KeyTransition[]
}

/** Stores the key in the vault; the caller writes the ring. Throws VaultError. */
export async function planImport(
  material: KeyMaterial,
  activation: Activation,
  tools: RingTools,
): Promise<ImportPlan | ImportRefusal> {
  const { ring } = tools
  const known = ring.keys.filter(({ certificate }) => certificate === base64(material.certificate))
  if (known.length > 0) return planForKnown(known, activation, tools)
  const algs = wantedAlgorithms(ring).filter((alg) => signingParameters[alg].family === material.family)
  if (algs.length === 0) {
    return refusal('algorithm_not_in_use', `signing_algs in the settings names no algorithm of ${material.family} keys`)
  }
  const drafts = await Promise.all(algs.map((alg) => draft(material, alg, activation, tools)))
  const fault = drafts.map((entry) => faultOfDraft(entry, ring.keys)).find((each) => each !== undefined)
  if (fault) return fault
  const version = await storeInVault(material, algs, activation, tools)
  const additions = drafts.map((entry) => ({ ...entry, version }))
  const transitions = additions.flatMap((entry) => (entry.state === 'active' ? successions(entry, tools) : []))
  return { outcome: 'imported', entries: additions, additions, transitions }
}

function planForKnown(known: SigningKeyRecord[], activation: Activation, tools: RingTools): ImportPlan | ImportRefusal {
  const entries = known.filter(({ state }) => state === 'active' || state === 'announced')
  const waiting = entries.filter(({ state }) => state === 'announced')
  if (entries.length === 0) return refusal('retired', 'this certificate is retired here and cannot sign again')
  if (activation !== 'now' || waiting.length === 0) {
    return { outcome: 'known', entries, additions: [], transitions: [] }
  }
  const activated = waiting.map((key) => {
    return { ...key, state: 'active' as const, activates_at: tools.now }
  })
  const activations = activated.map(({ kid, state, activates_at }): KeyTransition => {
    return { kid, action: 'key.activated', from: 'announced', set: { state, activates_at } }
  })
  const transitions = [...activated.flatMap((key) => successions(key, tools)), ...activations]
  const others = entries.filter((key) => !waiting.includes(key))
  return { outcome: 'activated', entries: [...others, ...activated], additions: [], transitions }
}

/** Milliseconds since 1970. A key signs at once if its algorithm has no other key. */
function activationTime(alg: string, activation: Activation, { ring, now }: RingTools): number {
  const mayWait = activation !== 'now' && signingKeyAt(ring.keys, alg, now)
  return mayWait ? now + announcePeriod(ring) : now
}

async function draft(
  material: KeyMaterial,
  alg: SigningAlgorithm,
  activation: Activation,
  tools: RingTools,
): Promise<SigningKeyRecord> {
  const { ring, keyWrapper, now } = tools
  const { name } = vaultOf(material.family, tools.vault)
  const activatesAt = activationTime(alg, activation, tools)
  const options = { vault: name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
  return createEntry({ ...material, version: '' }, alg, options)
}

function faultOfDraft({ kid, public_jwk }: SigningKeyRecord, keys: SigningKeyRecord[]): ImportRefusal | undefined {
  const publicKey = JSON.stringify(keyMembers(public_jwk))
  if (keys.some((key) => isRevoked(key) && JSON.stringify(keyMembers(key.public_jwk)) === publicKey)) {
    return refusal('retired', 'this key was retired in an emergency and cannot return under another certificate')
  }
  if (!keys.some((key) => key.kid === kid)) return undefined
  return refusal('kid_taken', `another certificate of this key already has the kid ${kid} (setting kid_form)`)
}

/** Retires every other active or announced key of the algorithm at once; each stays published until its tokens have expired. */
const successions = ({ kid, alg }: SigningKeyRecord, { ring, now }: RingTools): KeyTransition[] =>
  ring.keys
    .filter((key) => key.alg === alg && key.kid !== kid && (key.state === 'active' || key.state === 'announced'))
    .map((key) => retirement(key, now, ring))

/** Returns the vault's id of the version. Throws if the vault holds another certificate afterwards, or VaultError. */
async function storeInVault(
  material: KeyMaterial,
  algs: SigningAlgorithm[],
  activation: Activation,
  { vault, ring, now }: RingTools,
): Promise<string> {
  const { family } = material
  const target = vaultOf(family, vault)
  const provide = async () => material
  const isFirst = algs.every((alg) => !signingKeyAt(ring.keys, alg, now))
  const stored = isFirst ? await target.elect(family, provide) : await target.add(family, provide, activation === 'now')
  if (base64(stored.certificate) === base64(material.certificate)) return stored.version
  throw new Error(`another server stored a certificate in ${target.name} at the same time: import the file again`)
}
