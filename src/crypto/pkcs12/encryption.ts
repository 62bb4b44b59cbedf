// Password-based encryption in key files: PKCS#12's own schemes (RFC 7292 appendix C) and PBES2 (RFC 8018 §6.2).
import { createCipheriv, createDecipheriv } from 'node:crypto'
import * as der from '../der.ts'
import { concatBytes, randomBytes } from '../encoding.ts'
import { type BerElement, childrenOf, countOf, octetsOf, oidOf } from './ber.ts'
import { type Digest, type PasswordForm, pbkdf2, pkcs12Kdf, purposes } from './kdf.ts'
import { malformed, type Reading, spendRounds, unsupported } from './limits.ts'
import { decryptRc2 } from './rc2.ts'

interface Cipher {
  name: 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc' | 'rc2'
  /** Bytes. */
  keyLength: number
  blockLength: number
}

const tripleDes: Cipher = { name: 'des-ede3-cbc', keyLength: 24, blockLength: 8 }
const aes256: Cipher = { name: 'aes-256-cbc', keyLength: 32, blockLength: 16 }

const oids = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha1: '1.2.840.113549.2.7',
  hmacSha256: '1.2.840.113549.2.9',
  aes256: '2.16.840.1.101.3.4.1.42',
  pkcs12TripleDes: '1.2.840.113549.1.12.1.3',
}

/** RFC 7292 appendix C. Their keys are derived with SHA-1. */
const pkcs12Ciphers: Readonly<Record<string, Cipher>> = {
  [oids.pkcs12TripleDes]: tripleDes,
  '1.2.840.113549.1.12.1.5': { name: 'rc2', keyLength: 16, blockLength: 8 },
  '1.2.840.113549.1.12.1.6': { name: 'rc2', keyLength: 5, blockLength: 8 },
}

/** RFC 8018 §B.2.2, RFC 3565 §4.1. */
const pbes2Ciphers: Readonly<Record<string, Cipher>> = {
  '1.2.840.113549.3.7': tripleDes,
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16, blockLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24, blockLength: 16 },
  [oids.aes256]: aes256,
}

const hmacs: Readonly<Record<string, Digest>> = {
  [oids.hmacSha1]: 'sha1',
  [oids.hmacSha256]: 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

export interface Encryption {
  cipher: Cipher
  digest: Digest
  salt: Uint8Array<ArrayBuffer>
  iterations: number
  /** PBES2 only: PKCS#12's own schemes derive it from the password. */
  iv?: Uint8Array<ArrayBuffer>
}

/** Parses an AlgorithmIdentifier. Charges its iterations to `reading` before any of them is computed. */
export function parseEncryption(algorithm: BerElement | undefined, reading: Reading): Encryption {
  const [id, parameters] = childrenOf(algorithm, der.tags.sequence, reading)
  const scheme = oidOf(id, reading)
  if (scheme === oids.pbes2) return parsePbes2(parameters, reading)
  const cipher = pkcs12Ciphers[scheme]
  if (!cipher) throw unsupported(`encryption ${scheme}`)
  const [salt, count] = childrenOf(parameters, der.tags.sequence, reading)
  const iterations = countOf(count, reading)
  spendRounds(reading, iterations, Math.ceil(cipher.keyLength / 20) + 1)
  return { cipher, digest: 'sha1', salt: octetsOf(salt, reading), iterations }
}

function parsePbes2(parameters: BerElement | undefined, reading: Reading): Encryption {
  const [derivation, scheme] = childrenOf(parameters, der.tags.sequence, reading)
  const [id, ivElement] = childrenOf(scheme, der.tags.sequence, reading)
  const name = oidOf(id, reading)
  const cipher = pbes2Ciphers[name]
  if (!cipher) throw unsupported(`encryption ${name}`)
  const { length = cipher.keyLength, ...rest } = parsePbkdf2(derivation, reading)
  const iv = octetsOf(ivElement, reading)
  if (length !== cipher.keyLength || iv.length !== cipher.blockLength) {
    throw malformed(reading, `a key or initialization vector that does not fit ${cipher.name}`)
  }
  return { cipher, ...rest, iv }
}

/** RFC 8018 §A.2: `keyLength` is optional, and the pseudo-random function is HMAC-SHA1 by default. */
export function parsePbkdf2(derivation: BerElement | undefined, reading: Reading) {
  const [id, parameters] = childrenOf(derivation, der.tags.sequence, reading)
  const name = oidOf(id, reading)
  if (name !== oids.pbkdf2) throw unsupported(`key derivation ${name}`)
  const [saltElement, count, ...optional] = childrenOf(parameters, der.tags.sequence, reading)
  const keyLength = optional[0]?.tag === der.tags.integer ? optional.shift() : undefined
  const digest = optional[0] ? parseHmac(optional[0], reading) : 'sha1'
  const salt = octetsOf(saltElement, reading)
  const iterations = countOf(count, reading)
  spendRounds(reading, iterations, 1)
  return { digest, salt, iterations, length: keyLength && countOf(keyLength, reading) }
}

export function parseHmac(algorithm: BerElement | undefined, reading: Reading): Digest {
  const name = oidOf(childrenOf(algorithm, der.tags.sequence, reading)[0], reading)
  const digest = hmacs[name]
  if (!digest) throw unsupported(`pseudo-random function ${name}`)
  return digest
}

function deriveKeyAndIv({ cipher, digest, salt, iterations, iv }: Encryption, form: PasswordForm) {
  const input = { digest, salt, iterations, length: cipher.keyLength }
  if (iv) return { key: pbkdf2(input, form), iv }
  return {
    key: pkcs12Kdf(input, purposes.key, form),
    iv: pkcs12Kdf({ ...input, length: cipher.blockLength }, purposes.iv, form),
  }
}

/** Returns undefined if the padding is wrong, as with 255 of 256 wrong passwords. */
export function decrypt(
  encryption: Encryption,
  ciphertext: Uint8Array<ArrayBuffer>,
  form: PasswordForm,
): Uint8Array<ArrayBuffer> | undefined {
  const { name, keyLength } = encryption.cipher
  const { key, iv } = deriveKeyAndIv(encryption, form)
  if (name === 'rc2') return decryptRc2(key, 8 * keyLength, iv, ciphertext)
  const decipher = createDecipheriv(name, key, iv)
  try {
    return concatBytes(decipher.update(ciphertext), decipher.final())
  } catch {
    return undefined
  }
}

export type EncryptionName = 'aes256' | '3des'

/** Returns the AlgorithmIdentifier as DER, and the ciphertext. */
export function encrypt(name: EncryptionName, iterations: number, plaintext: Uint8Array, form: PasswordForm) {
  const salt = randomBytes(16)
  const encryption: Encryption =
    name === '3des'
      ? { cipher: tripleDes, digest: 'sha1', salt, iterations }
      : { cipher: aes256, digest: 'sha256', salt, iterations, iv: randomBytes(aes256.blockLength) }
  const { key, iv } = deriveKeyAndIv(encryption, form)
  const cipher = createCipheriv(name === '3des' ? 'des-ede3-cbc' : 'aes-256-cbc', key, iv)
  const ciphertext = concatBytes(cipher.update(plaintext), cipher.final())
  return { algorithm: encodeEncryption(encryption), ciphertext }
}

/** PBES2 with PBKDF2 and an explicit HMAC-SHA256 (RFC 8018 §A.4), or PKCS#12's own 3DES scheme if there is no IV. */
function encodeEncryption({ salt, iterations, iv }: Encryption): Uint8Array<ArrayBuffer> {
  const derivation = [der.octetString(salt), der.count(iterations)]
  if (!iv) return der.sequence(der.oid(oids.pkcs12TripleDes), der.sequence(...derivation))
  const hmac = der.sequence(der.oid(oids.hmacSha256), der.nil())
  return der.sequence(
    der.oid(oids.pbes2),
    der.sequence(
      der.sequence(der.oid(oids.pbkdf2), der.sequence(...derivation, hmac)),
      der.sequence(der.oid(oids.aes256), der.octetString(iv)),
    ),
  )
}
