// A private key with its certificate, independent of the file format (PrivateKeyInfo of RFC 5958, X.509 of RFC 5280).
import * as der from './der.ts'
import { keyMembers } from './jwk.ts'
import { KeyFileError } from './key-file-error.ts'
import { type BerElement, childrenOf, octetsOf, oidOf, parseBer } from './pkcs12/ber.ts'
import { largestCertificate, type Reading, startReading, unsupported } from './pkcs12/limits.ts'
import { isKeyFamily, type KeyFamily } from './signing-algorithms.ts'
import { type CertificateFields, parseCertificate } from './x509.ts'

export interface CertifiedKey {
  /** PKCS#8, DER, without attributes, as Web Crypto writes it. */
  privateKey: Uint8Array<ArrayBuffer>
  /** X.509, DER: its public key belongs to `privateKey`. */
  certificate: Uint8Array<ArrayBuffer>
  /** Each certifies the one before it (RFC 7517 §4.7). Certificates of the file that are not in the chain are left out. */
  chain: Uint8Array<ArrayBuffer>[]
}

export interface PrivateKeyInfo {
  /** Dotted OID. */
  algorithm: string
  /** Dotted OID of the named curve of an EC key. */
  curve?: string | undefined
  /** The algorithm's own private key structure, DER. */
  key: Uint8Array<ArrayBuffer>
}

export const rsaEncryption = '1.2.840.113549.1.1.1'
export const ecPublicKey = '1.2.840.10045.2.1'

const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const ecdsa = (namedCurve: string) => ({ name: 'ECDSA', namedCurve })

type KeyParameters = { name: string; hash?: string; namedCurve?: string }

/** By the OID of the named curve, or of the algorithm if it has no named curve. */
const keyParameters: Readonly<Record<string, KeyParameters>> = {
  [rsaEncryption]: rsa,
  '1.2.840.10045.3.1.7': ecdsa('P-256'),
  '1.3.132.0.34': ecdsa('P-384'),
  '1.3.132.0.35': ecdsa('P-521'),
  '1.3.101.112': { name: 'Ed25519' },
}

export function parsePrivateKeyInfo(element: BerElement, reading: Reading): PrivateKeyInfo {
  const [, algorithm, key] = childrenOf(element, der.tags.sequence, reading)
  const [id, parameters] = childrenOf(algorithm, der.tags.sequence, reading)
  const name = oidOf(id, reading)
  if (name === ecPublicKey && parameters?.tag !== der.tags.oid) throw unsupported('an EC key without a named curve')
  const curve = name === ecPublicKey ? oidOf(parameters, reading) : undefined
  return { algorithm: name, curve, key: octetsOf(key, reading) }
}

export function importPrivateKey({ algorithm, curve, key }: PrivateKeyInfo): Promise<CryptoKey> {
  const parameters = keyParameters[curve ?? algorithm]
  if (!parameters) throw unsupported(`a private key of kind ${curve ?? algorithm}`)
  const details = curve ? [der.oid(curve)] : algorithm === rsaEncryption ? [der.nil()] : []
  const pkcs8 = der.sequence(der.count(0), der.sequence(der.oid(algorithm), ...details), der.octetString(key))
  return importExtractable('pkcs8', pkcs8, parameters)
}

/** Imports the private key of a `CertifiedKey`, extractable. Throws KeyFileError. */
export const openPrivateKey = (privateKey: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  importPrivateKey(infoOf(privateKey))

function infoOf(privateKey: Uint8Array<ArrayBuffer>): PrivateKeyInfo {
  const reading = startReading('not_pkcs12', 1)
  return parsePrivateKeyInfo(parseBer(privateKey, reading), reading)
}

/** Throws `unsupported_algorithm` if none of our signature algorithms uses a key of this kind. */
export function familyOf({ privateKey }: CertifiedKey): KeyFamily {
  const { algorithm, curve } = infoOf(privateKey)
  const parameters = keyParameters[curve ?? algorithm]
  const family = parameters?.name === rsa.name ? 'RSA' : (parameters?.namedCurve ?? parameters?.name)
  if (isKeyFamily(family)) return family
  throw unsupported(`signing with a key of kind ${family}`)
}

/** Imports a private JWK, extractable. Reads only its key members. Throws KeyFileError. */
export function importPrivateJwk(jwk: JsonWebKey): Promise<CryptoKey> {
  const parameters = jwk.kty === 'RSA' ? rsa : jwk.kty === 'EC' ? ecdsa(`${jwk.crv}`) : { name: `${jwk.crv}` }
  const isKnown = Object.values(keyParameters).some(
    ({ name, namedCurve }) => name === parameters.name && namedCurve === (parameters as KeyParameters).namedCurve,
  )
  if (!isKnown) throw unsupported(`a JWK of kind ${jwk.kty} ${jwk.crv ?? ''}`)
  const { d, p, q, dp, dq, qi } = jwk
  const secret = jwk.kty === 'RSA' ? { d, p, q, dp, dq, qi } : { d }
  return importExtractable('jwk', { ...keyMembers(jwk), ...secret } as JsonWebKey, parameters)
}

function importExtractable(
  ...[format, key, parameters]: ['pkcs8', Uint8Array<ArrayBuffer>, KeyParameters] | ['jwk', JsonWebKey, KeyParameters]
): Promise<CryptoKey> {
  return whileUsable(() =>
    format === 'jwk'
      ? crypto.subtle.importKey(format, key, parameters, true, ['sign'])
      : crypto.subtle.importKey(format, key, parameters, true, ['sign']),
  )
}

/** Throws `unusable_key` instead of Web Crypto's errors, which differ by kind of key and by runtime. */
async function whileUsable<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch {
    throw new KeyFileError('unusable_key', 'the private key is damaged, or of a size that is not supported')
  }
}

export const exportPrivateKey = (key: CryptoKey): Promise<Uint8Array<ArrayBuffer>> =>
  whileUsable(async () => new Uint8Array((await crypto.subtle.exportKey('pkcs8', key)) as ArrayBuffer))

/** Finds the certificate of the key, the newest if there are several, and its chain. Throws `no_matching_certificate`. */
export async function certify(key: CryptoKey, certificates: Uint8Array<ArrayBuffer>[]): Promise<CertifiedKey> {
  const publicKey = await whileUsable(() => publicKeyOf(key))
  const parsed = certificates.map(parse).filter((each) => each !== undefined)
  const [own] = parsed
    .filter(({ fields }) => isSame(keyBits(fields.spki), publicKey))
    .sort((a, b) => b.fields.notBefore - a.fields.notBefore)
  if (!own) {
    const message = `none of the ${certificates.length} certificates in the file belongs to its private key`
    throw new KeyFileError('no_matching_certificate', message)
  }
  return { privateKey: await exportPrivateKey(key), certificate: own.bytes, chain: chainAbove(own, parsed) }
}

interface ParsedCertificate {
  bytes: Uint8Array<ArrayBuffer>
  fields: CertificateFields
}

function parse(bytes: Uint8Array<ArrayBuffer>): ParsedCertificate | undefined {
  if (bytes.length > largestCertificate) {
    throw new KeyFileError('too_large', `a certificate has more than ${largestCertificate} bytes`)
  }
  const fields = parseCertificate(bytes)
  return fields && { bytes: bytes.slice(), fields }
}

function chainAbove(own: ParsedCertificate, candidates: ParsedCertificate[]): Uint8Array<ArrayBuffer>[] {
  const chain = [own]
  for (let top = own; !isSame(top.fields.issuer, top.fields.subject); ) {
    const issuer = candidates.find((each) => !chain.includes(each) && isSame(each.fields.subject, top.fields.issuer))
    if (!issuer) break
    chain.push(issuer)
    top = issuer
  }
  return chain.slice(1).map(({ bytes }) => bytes)
}

/** The bit string of the public key. The whole SubjectPublicKeyInfo cannot be compared: it has several encodings. */
async function publicKeyOf(key: CryptoKey): Promise<Uint8Array | undefined> {
  const jwk = (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey
  const publicKey = await crypto.subtle.importKey('jwk', keyMembers(jwk), key.algorithm as KeyParameters, true, [
    'verify',
  ])
  return keyBits(new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer))
}

const keyBits = (spki: Uint8Array<ArrayBuffer>): Uint8Array | undefined =>
  der.parseElements(der.parseElements(spki)?.[0]?.content ?? spki)?.[1]?.content

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index])
