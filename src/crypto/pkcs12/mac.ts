// The MAC of a PKCS#12 file, which proves that its author knew the password: HMAC with a key from PKCS#12's KDF (RFC 7292 §4), or PBMAC1
// (RFC 9879).
import { createHmac, timingSafeEqual } from 'node:crypto'
import * as der from '../der.ts'
import { randomBytes } from '../encoding.ts'
import { type BerElement, childrenOf, countOf, octetsOf, oidOf } from './ber.ts'
import { parseHmac, parsePbkdf2 } from './encryption.ts'
import { type Digest, digestLength, type KdfInput, type PasswordForm, pbkdf2, pkcs12Kdf, purposes } from './kdf.ts'
import { malformed, type Reading, spendRounds, unsupported } from './limits.ts'

const digestOids: Readonly<Record<Digest, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
const pbmac1 = '1.2.840.113549.1.5.14'

export interface Mac {
  derivation: 'pkcs12' | 'pbkdf2'
  input: KdfInput
  /** The digest of the HMAC itself. */
  digest: Digest
  value: Uint8Array<ArrayBuffer>
}

export function parseMac(macData: BerElement, reading: Reading): Mac {
  const [digestInfo, salt, count] = childrenOf(macData, der.tags.sequence, reading)
  const [algorithm, digestValue] = childrenOf(digestInfo, der.tags.sequence, reading)
  const [id, parameters] = childrenOf(algorithm, der.tags.sequence, reading)
  const name = oidOf(id, reading)
  const value = octetsOf(digestValue, reading)
  // RFC 9879 §4: with PBMAC1 the outer salt and count are ignored.
  const mac = name === pbmac1 ? parsePbmac1(parameters, reading) : parseClassic(name, salt, count, reading)
  if (value.length !== digestLength[mac.digest]) throw malformed(reading, 'a MAC of the wrong length')
  return { ...mac, value }
}

function parseClassic(
  name: string,
  salt: BerElement | undefined,
  count: BerElement | undefined,
  reading: Reading,
): Omit<Mac, 'value'> {
  const digest = (Object.keys(digestOids) as Digest[]).find((each) => digestOids[each] === name)
  if (!digest) throw unsupported(`MAC with digest ${name}`)
  const iterations = count ? countOf(count, reading) : 1
  spendRounds(reading, iterations, 1)
  const input = { digest, salt: octetsOf(salt, reading), iterations, length: digestLength[digest] }
  return { derivation: 'pkcs12', digest, input }
}

function parsePbmac1(parameters: BerElement | undefined, reading: Reading): Omit<Mac, 'value'> {
  const [derivation, hmac] = childrenOf(parameters, der.tags.sequence, reading)
  const { length, ...input } = parsePbkdf2(derivation, reading)
  // RFC 9879 §9: the key length is required and must be at least 20 bytes.
  if (length === undefined || length < 20 || length > 64) throw malformed(reading, 'a PBMAC1 key length out of range')
  return { derivation: 'pbkdf2', digest: parseHmac(hmac, reading), input: { ...input, length } }
}

export function hasMac({ derivation, input, digest, value }: Mac, content: Uint8Array, form: PasswordForm): boolean {
  const key = derivation === 'pbkdf2' ? pbkdf2(input, form) : pkcs12Kdf(input, purposes.mac, form)
  return timingSafeEqual(createHmac(digest, key).update(content).digest(), value)
}

/** The MacData of `content` as DER. */
export function encodeMac(digest: Digest, iterations: number, content: Uint8Array, form: PasswordForm) {
  const salt = randomBytes(16)
  const key = pkcs12Kdf({ digest, salt, iterations, length: digestLength[digest] }, purposes.mac, form)
  const value = createHmac(digest, key).update(content).digest()
  const algorithm = der.sequence(der.oid(digestOids[digest]), der.nil())
  return der.sequence(der.sequence(algorithm, der.octetString(value)), der.octetString(salt), der.count(iterations))
}
