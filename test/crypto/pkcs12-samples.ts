// Builds PKCS#12 files part by part, so that tests can make files that no program would write.
import * as der from '../../src/crypto/der.ts'
import { concatBytes } from '../../src/crypto/encoding.ts'
import { generateKeyMaterial, type KeyMaterial } from '../../src/crypto/key-material.ts'
import { type BerElement, parseBer } from '../../src/crypto/pkcs12/ber.ts'
import { encrypt } from '../../src/crypto/pkcs12/encryption.ts'
import { passwordForms } from '../../src/crypto/pkcs12/kdf.ts'
import { startReading } from '../../src/crypto/pkcs12/limits.ts'
import { encodeMac } from '../../src/crypto/pkcs12/mac.ts'
import { oids } from '../../src/crypto/pkcs12/oids.ts'

type Bytes = Uint8Array<ArrayBuffer>

export const now = Date.UTC(2026, 10, 21, 12)
export const material: KeyMaterial = await generateKeyMaterial('P-256', 0, now)

const explicit = (content: Uint8Array) => der.encode(0xa0, content)

export const bag = (id: string, value: Uint8Array) => der.sequence(der.oid(id), explicit(value))
export const keyBag = (info: Uint8Array = material.privateKey) => bag(oids.keyBag, info)
export const certificateBag = (certificate: Uint8Array = material.certificate) =>
  bag(oids.certificateBag, der.sequence(der.oid(oids.x509Certificate), explicit(der.octetString(certificate))))

export const [form] = passwordForms('changeit')

/** A bag with an EncryptedPrivateKeyInfo. */
export function shroudedKeyBag(iterations: number, under = form): Bytes {
  const { algorithm, ciphertext } = encrypt('3des', iterations, material.privateKey, under)
  return bag(oids.shroudedKeyBag, der.sequence(algorithm, der.octetString(ciphertext)))
}

export const contentInfo = (id: string, content: Uint8Array) => der.sequence(der.oid(id), explicit(content))
export const dataPart = (...bags: Uint8Array[]) => contentInfo(oids.data, der.octetString(der.sequence(...bags)))

export function encryptedPart(algorithm: Uint8Array, ciphertext: Uint8Array): Bytes {
  const info = der.sequence(der.oid(oids.data), algorithm, der.encode(0x80, ciphertext))
  return contentInfo(oids.encryptedData, der.sequence(der.count(0), info))
}

/** AlgorithmIdentifier of PBE-SHA1-3DES with any iteration count. */
export const tripleDesWith = (iterations: Uint8Array) =>
  der.sequence(
    der.oid('1.2.840.113549.1.12.1.3'),
    der.sequence(der.octetString(new Uint8Array(8)), der.unsignedInteger(iterations)),
  )

/** AlgorithmIdentifier of PBKDF2 with HMAC-SHA1. */
export const pbkdf2With = (iterations: Uint8Array, ...more: Uint8Array[]) =>
  der.sequence(
    der.oid('1.2.840.113549.1.5.12'),
    der.sequence(der.octetString(new Uint8Array(8)), der.unsignedInteger(iterations), ...more),
  )

/** AlgorithmIdentifier of PBES2 with AES-256. */
export const pbes2With = (derivation: Uint8Array, cipher = '2.16.840.1.101.3.4.1.42') =>
  der.sequence(
    der.oid('1.2.840.113549.1.5.13'),
    der.sequence(derivation, der.sequence(der.oid(cipher), der.octetString(new Uint8Array(16)))),
  )

/** MacData with a wrong value. */
export const macWith = (iterations: Uint8Array, length = 20) =>
  der.sequence(
    der.sequence(der.sequence(der.oid('1.3.14.3.2.26'), der.nil()), der.octetString(new Uint8Array(length))),
    der.octetString(new Uint8Array(8)),
    der.unsignedInteger(iterations),
  )

export const pbmac1With = (derivation: Uint8Array) =>
  der.sequence(
    der.sequence(
      der.sequence(
        der.oid('1.2.840.113549.1.5.14'),
        der.sequence(derivation, der.sequence(der.oid('1.2.840.113549.2.9'), der.nil())),
      ),
      der.octetString(new Uint8Array(32)),
    ),
    der.octetString(new Uint8Array(0)),
  )

/** A file; without a MAC by default. */
export const pfx = (parts: Uint8Array[], mac: Uint8Array = new Uint8Array(0)): Bytes =>
  der.sequence(der.count(3), contentInfo(oids.data, der.octetString(der.sequence(...parts))), mac)

export function pfxWithMac(parts: Uint8Array[], under = form): Bytes {
  return pfx(parts, encodeMac('sha256', 1, der.sequence(...parts), under))
}

/** Encodes the DER again as BER: indefinite lengths except for primitive values, octet strings in pieces of 100 bytes. */
export function inBer(bytes: Bytes): Bytes {
  return encodeBer(parseBer(bytes, startReading('not_pkcs12', 1)))
}

function encodeBer({ tag, content, children }: BerElement): Bytes {
  const endOfContents = new Uint8Array(2)
  const open = (inner: Uint8Array[]) => concatBytes(Uint8Array.of(tag | 0x20, 0x80), ...inner, endOfContents)
  if (tag & 0x20) return open(children.map(encodeBer))
  if (tag !== der.tags.octetString && tag !== 0x80) return der.encode(tag, content)
  const pieces = Array.from({ length: Math.ceil(content.length / 100) }, (_, index) =>
    der.octetString(content.subarray(100 * index, 100 * index + 100)),
  )
  return open(pieces)
}
