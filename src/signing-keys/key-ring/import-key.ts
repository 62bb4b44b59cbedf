// A private key file that an operator brings → entries of the ring: read, self-tested, put into the vault in use, announced (DESIGN §5, K09).
import { familyOf } from '../../crypto/certified-key.ts'
import { base64, fromUtf8 } from '../../crypto/encoding.ts'
import { keyMembers } from '../../crypto/jwk.ts'
import { KeyFileError, type KeyFileFault } from '../../crypto/key-file-error.ts'
import { faultOf, type KeyMaterial } from '../../crypto/key-material.ts'
import { type SigningAlgorithm, signingParameters } from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { KeyTransition } from '../../storage/signing-keys.ts'
import { readCertifiedKey } from '../vaults/key-file.ts'
import { isRevoked, signingKeyAt } from './key-states.ts'
import { vaultOf, type Workshop } from './new-entries.ts'
import { createEntry } from './ring-entry.ts'
import { announcePeriod, retirement, wantedAlgorithms } from './transitions.ts'

/** PKCS#12, or the text of a PEM bundle or a JWK. */
export interface KeyFile {
  bytes: Uint8Array<ArrayBuffer>
  password: string
}

export type Activation = 'after-announce' | 'now'

export type ImportFault =
  | KeyFileFault
  /** What DESIGN §5 asks of a version before anybody relies on it. */
  | 'self_test'
  | 'algorithm_not_in_use'
  /** A retired certificate does not sign again, and a key that was revoked under no certificate. */
  | 'retired'
  | 'kid_taken'

export type ImportRefusal = { outcome: 'refused'; fault: ImportFault; message: string }

const refusal = (fault: ImportFault, message: string): ImportRefusal => ({ outcome: 'refused', fault, message })

/** CPU goes by the file's iteration counts, as far as they are allowed. */
export async function openKeyFile({ bytes, password }: KeyFile, now: number): Promise<KeyMaterial | ImportRefusal> {
  try {
    const key = await readCertifiedKey(contentOf(bytes), password)
    const { certificate, privateKey } = key
    const material = { family: familyOf(key), certificate, privateKey }
    const fault = await faultOf(material, now)
    return fault ? refusal('self_test', fault) : material
  } catch (fault) {
    if (fault instanceof KeyFileError) return refusal(fault.code, fault.message)
    throw fault
  }
}

/** The SEQUENCE of a PFX is longer than 127 bytes, so that its second byte is none of a text. */
function contentOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | string {
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return bytes
  try {
    return fromUtf8(bytes)
  } catch {
    return bytes
  }
}

export interface ImportPlan {
  /** `known`: nothing is to be done. */
  outcome: 'imported' | 'activated' | 'known'
  /** Those of the certificate, as they will be. */
  entries: SigningKeyRecord[]
  additions: SigningKeyRecord[]
  transitions: KeyTransition[]
}

/** Puts the key into the vault, the ring is the caller's to write. Throws what the vault throws. */
export async function planImport(
  material: KeyMaterial,
  activation: Activation,
  workshop: Workshop,
): Promise<ImportPlan | ImportRefusal> {
  const { ring } = workshop
  const known = ring.keys.filter(({ certificate }) => certificate === base64(material.certificate))
  if (known.length > 0) return planForKnown(known, activation, workshop)
  const algs = wantedAlgorithms(ring).filter((alg) => signingParameters[alg].family === material.family)
  if (algs.length === 0) {
    return refusal('algorithm_not_in_use', `signing_algs in the settings names no algorithm of ${material.family} keys`)
  }
  const drafts = await Promise.all(algs.map((alg) => draft(material, alg, activation, workshop)))
  const fault = drafts.map((entry) => faultOfDraft(entry, ring.keys)).find((each) => each !== undefined)
  if (fault) return fault
  const version = await keep(material, algs, activation, workshop)
  const additions = drafts.map((entry) => ({ ...entry, version }))
  const transitions = additions.flatMap((entry) => (entry.state === 'active' ? successions(entry, workshop) : []))
  return { outcome: 'imported', entries: additions, additions, transitions }
}

function planForKnown(
  known: SigningKeyRecord[],
  activation: Activation,
  workshop: Workshop,
): ImportPlan | ImportRefusal {
  const entries = known.filter(({ state }) => state === 'active' || state === 'announced')
  const waiting = entries.filter(({ state }) => state === 'announced')
  if (entries.length === 0) return refusal('retired', 'this certificate is retired here, and does not sign again')
  if (activation !== 'now' || waiting.length === 0) {
    return { outcome: 'known', entries, additions: [], transitions: [] }
  }
  const activated = waiting.map((key) => {
    return { ...key, state: 'active' as const, activates_at: workshop.now }
  })
  const activations = activated.map(({ kid, state, activates_at }): KeyTransition => {
    return { kid, action: 'key.activated', from: 'announced', set: { state, activates_at } }
  })
  const transitions = [...activated.flatMap((key) => successions(key, workshop)), ...activations]
  const others = entries.filter((key) => !waiting.includes(key))
  return { outcome: 'activated', entries: [...others, ...activated], additions: [], transitions }
}

/** Milliseconds since 1970. */
function firstSignature(alg: string, activation: Activation, { ring, now }: Workshop): number {
  const mayWait = activation !== 'now' && signingKeyAt(ring.keys, alg, now)
  return mayWait ? now + announcePeriod(ring) : now
}

async function draft(
  material: KeyMaterial,
  alg: SigningAlgorithm,
  activation: Activation,
  workshop: Workshop,
): Promise<SigningKeyRecord> {
  const { ring, keyWrapper, now } = workshop
  const { name } = vaultOf(material.family, workshop.vault)
  const activatesAt = firstSignature(alg, activation, workshop)
  const options = { vault: name, kidForm: ring.settings.kid_form, keyWrapper, now, activatesAt }
  return createEntry({ ...material, version: '' }, alg, options)
}

function faultOfDraft({ kid, public_jwk }: SigningKeyRecord, keys: SigningKeyRecord[]): ImportRefusal | undefined {
  const publicKey = JSON.stringify(keyMembers(public_jwk))
  if (keys.some((key) => isRevoked(key) && JSON.stringify(keyMembers(key.public_jwk)) === publicKey)) {
    return refusal('retired', 'this key was retired in an emergency: another certificate does not make it good')
  }
  if (!keys.some((key) => key.kid === kid)) return undefined
  return refusal('kid_taken', `another certificate of this key has the kid ${kid} already (setting kid_form)`)
}

/** What signed with the algorithm, or was about to, makes room at once, and stays published as long as its tokens live. */
const successions = ({ kid, alg }: SigningKeyRecord, { ring, now }: Workshop): KeyTransition[] =>
  ring.keys
    .filter((key) => key.alg === alg && key.kid !== kid && (key.state === 'active' || key.state === 'announced'))
    .map((key) => retirement(key, now, ring))

/** Returns the vault's name of the version. */
async function keep(
  material: KeyMaterial,
  algs: SigningAlgorithm[],
  activation: Activation,
  { vault, ring, now }: Workshop,
): Promise<string> {
  const { family } = material
  const place = vaultOf(family, vault)
  const give = async () => material
  const isFirst = algs.every((alg) => !signingKeyAt(ring.keys, alg, now))
  const kept = isFirst ? await place.elect(family, give) : await place.add(family, give, activation === 'now')
  if (base64(kept.certificate) === base64(material.certificate)) return kept.version
  throw new Error(`${place.name} holds a certificate that somebody else put there at the same time: import it again`)
}
