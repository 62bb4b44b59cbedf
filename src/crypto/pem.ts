// Reads and writes PEM (RFC 7468): one text with a private key and its certificates in any order.
import {
  type CertifiedKey,
  certify,
  ecPublicKey,
  importPrivateKey,
  type PrivateKeyInfo,
  parsePrivateKeyInfo,
  rsaEncryption,
} from './certified-key.ts'
import { tags } from './der.ts'
import { KeyFileError } from './key-file-error.ts'
import { childrenOf, oidOf, parseBer } from './pkcs12/ber.ts'
import { type PasswordForm, passwordForms } from './pkcs12/kdf.ts'
import { checkSize, malformed, type Reading, startReading, unsupported } from './pkcs12/limits.ts'
import { openSealed } from './pkcs12/read.ts'
import { parseSealedKey } from './pkcs12/structure.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** `password` is for an ENCRYPTED PRIVATE KEY. Throws only KeyFileError. */
export async function readPem(text: string, password = ''): Promise<CertifiedKey> {
  checkSize(text.length)
  const forms = passwordForms(password)
  const reading = startReading('not_pem', forms.length)
  const blocks = parseBlocks(text, reading)
  const keys = blocks.filter(({ label }) => keyParsers.has(label))
  const [key] = keys
  const parseKey = key && keyParsers.get(key.label)
  if (!parseKey) throw new KeyFileError('no_key', 'the text holds no private key')
  if (keys.length > 1) throw new KeyFileError('several_keys', `the text holds ${keys.length} private keys, not one`)
  const info = parseKey(key.bytes, reading, forms)
  const certificates = blocks.flatMap(({ label, bytes }) => (label === 'CERTIFICATE' ? [bytes] : []))
  return certify(await importPrivateKey(info), certificates)
}

/** By label (RFC 7468 §10, §11; RFC 5915 §4; RFC 8017 §A.1.2). */
const keyParsers: ReadonlyMap<string, (bytes: Bytes, reading: Reading, forms: PasswordForm[]) => PrivateKeyInfo> =
  new Map([
    ['PRIVATE KEY', (bytes, reading) => parsePrivateKeyInfo(parseBer(bytes, reading), reading)],
    ['ENCRYPTED PRIVATE KEY', openEncryptedKey],
    ['EC PRIVATE KEY', parseEcPrivateKey],
    ['RSA PRIVATE KEY', (bytes) => ({ algorithm: rsaEncryption, key: bytes })],
  ])

function openEncryptedKey(bytes: Bytes, reading: Reading, forms: PasswordForm[]): PrivateKeyInfo {
  const sealed = parseSealedKey(parseBer(bytes, reading), reading)
  return parsePrivateKeyInfo(openSealed(sealed, forms, reading), reading)
}

/** RFC 5915 §3: the key contains its curve, under [0]. */
function parseEcPrivateKey(bytes: Bytes, reading: Reading): PrivateKeyInfo {
  const parameters = childrenOf(parseBer(bytes, reading), tags.sequence, reading).find(({ tag }) => tag === 0xa0)
  const [curve] = parameters?.children ?? []
  if (curve?.tag !== tags.oid) throw unsupported('an EC key without a named curve')
  return { algorithm: ecPublicKey, curve: oidOf(curve, reading), key: bytes }
}

interface Block {
  label: string
  bytes: Bytes
}

/** Ignores text between the blocks, where openssl writes subjects and bag attributes (RFC 7468 §5.2). */
function parseBlocks(text: string, reading: Reading): Block[] {
  const blocks: Block[] = []
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at)) {
    const label = text.slice(at + begin.length, text.indexOf(dashes, at + begin.length))
    const from = at + begin.length + label.length + dashes.length
    const to = text.indexOf(`-----END ${label}-----`, from)
    if (label.length > 64 || to < 0) throw malformed(reading, 'a PEM block without an end')
    blocks.push({ label, bytes: parseBase64(text.slice(from, to), reading) })
    at = to
  }
  if (blocks.length === 0) throw malformed(reading, 'no PEM block')
  return blocks
}

const dashes = '-----'
const begin = `${dashes}BEGIN `

function parseBase64(text: string, reading: Reading): Bytes {
  // RFC 1421 headers mean openssl's older encryption, whose key is derived by one round of MD5.
  if (text.includes(':')) throw unsupported('a PEM block with headers (an older encryption)')
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    throw malformed(reading, 'a PEM block that is not base64')
  }
}

/** Unencrypted PKCS#8, then the certificate, then its chain: the order that Key Vault, nginx and `openssl pkcs12` accept. */
export const writePem = ({ privateKey, certificate, chain }: CertifiedKey): string =>
  encodePem('PRIVATE KEY', privateKey) + [certificate, ...chain].map((each) => encodePem('CERTIFICATE', each)).join('')

export function encodePem(label: string, bytes: Uint8Array): string {
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  return `-----BEGIN ${label}-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}
