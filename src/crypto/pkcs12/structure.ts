// Parses the structure of a PKCS#12 file (RFC 7292 §4) without decrypting: its MAC and its parts. Unencrypted parts are parsed to bags.
import { tags } from '../der.ts'
import { type BerElement, childrenOf, countOf, octetsOf, oidOf, parseBer } from './ber.ts'
import { type Encryption, parseEncryption } from './encryption.ts'
import { malformed, type Reading, unsupported } from './limits.ts'
import { type Mac, parseMac } from './mac.ts'
import { oids } from './oids.ts'

/** Bytes encrypted under the password. */
export interface Sealed {
  encryption: Encryption
  ciphertext: Uint8Array<ArrayBuffer>
}

export type Bag =
  /** Unencrypted PrivateKeyInfo. */
  | { kind: 'key'; info: BerElement }
  | { kind: 'shrouded-key'; sealed: Sealed }
  | { kind: 'certificate'; certificate: Uint8Array<ArrayBuffer> }

export interface Pkcs12Structure {
  mac: Mac | undefined
  /** The bytes that the MAC covers. */
  content: Uint8Array<ArrayBuffer>
  parts: (Bag[] | Sealed)[]
}

const explicit = 0xa0
const implicit = 0x80

export function parseStructure(bytes: Uint8Array<ArrayBuffer>, reading: Reading): Pkcs12Structure {
  const [version, authSafe, macData] = childrenOf(parseBer(bytes, reading), tags.sequence, reading)
  if (countOf(version, reading) !== 3) throw malformed(reading, 'its version is not 3')
  const { type, value } = parseContentInfo(authSafe, reading)
  if (type !== oids.data) throw unsupported(`a PKCS#12 file protected by a signature (content type ${type})`)
  const content = octetsOf(value, reading)
  // The MAC first, so that one that costs too much is refused before the parts are parsed.
  const mac = macData && parseMac(macData, reading)
  const contents = childrenOf(parseBer(content, reading), tags.sequence, reading)
  return { mac, content, parts: contents.map((each) => parsePart(each, reading)) }
}

/** ContentInfo: a type, and a value of that type under an explicit tag (RFC 7292 §4). */
function parseContentInfo(element: BerElement | undefined, reading: Reading) {
  const [id, tagged] = childrenOf(element, tags.sequence, reading)
  return { type: oidOf(id, reading), value: childrenOf(tagged, explicit, reading)[0] }
}

function parsePart(contentInfo: BerElement, reading: Reading): Bag[] | Sealed {
  const { type, value } = parseContentInfo(contentInfo, reading)
  if (type === oids.data) return parseBags(parseBer(octetsOf(value, reading), reading), reading)
  if (type !== oids.encryptedData) throw unsupported(`a part of content type ${type}`)
  // EncryptedData consists of a version and an EncryptedContentInfo (RFC 5652 §8, §6.1).
  const [, encryptedContentInfo] = childrenOf(value, tags.sequence, reading)
  const [, algorithm, ciphertext] = childrenOf(encryptedContentInfo, tags.sequence, reading)
  return { encryption: parseEncryption(algorithm, reading), ciphertext: octetsOf(ciphertext, reading, implicit) }
}

/** Parses SafeContents. Ignores bags of revocation lists, of secrets and of unknown types. */
export function parseBags(safeContents: BerElement, reading: Reading): Bag[] {
  return childrenOf(safeContents, tags.sequence, reading).flatMap((bag) => parseBag(bag, reading))
}

function parseBag(bag: BerElement, reading: Reading): Bag[] {
  const [id, tagged] = childrenOf(bag, tags.sequence, reading)
  const [value] = childrenOf(tagged, explicit, reading)
  if (!value) throw malformed(reading, 'an empty bag')
  switch (oidOf(id, reading)) {
    case oids.keyBag:
      return [{ kind: 'key', info: value }]
    case oids.shroudedKeyBag:
      return [{ kind: 'shrouded-key', sealed: parseSealedKey(value, reading) }]
    case oids.certificateBag:
      return parseCertificateBag(value, reading)
    case oids.safeContentsBag:
      return parseBags(value, reading)
    default:
      return []
  }
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3). */
export function parseSealedKey(element: BerElement, reading: Reading): Sealed {
  const [algorithm, ciphertext] = childrenOf(element, tags.sequence, reading)
  return { encryption: parseEncryption(algorithm, reading), ciphertext: octetsOf(ciphertext, reading) }
}

function parseCertificateBag(value: BerElement, reading: Reading): Bag[] {
  const [id, tagged] = childrenOf(value, tags.sequence, reading)
  if (oidOf(id, reading) !== oids.x509Certificate) return []
  return [{ kind: 'certificate', certificate: octetsOf(childrenOf(tagged, explicit, reading)[0], reading) }]
}
