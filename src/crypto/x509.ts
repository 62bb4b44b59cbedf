// Certificates of signing keys (RFC 5280): creates a self-signed one, reads the fields that we need, computes thumbprints.
import * as der from './der.ts'
import { base64url } from './encoding.ts'
import { type CertificateAlgorithm, certificateOidOf, signingParameters } from './signing-algorithms.ts'

export interface CertificateRequest {
  keys: CryptoKeyPair
  alg: CertificateAlgorithm
  commonName?: string
  /** Milliseconds since 1970. */
  notBefore: number
  notAfter: number
}

export const defaultCommonName = 'CountersignOpenID'

const oids = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
}

/** A self-signed v3 certificate as DER: for signatures, not a CA. */
export async function createCertificate(request: CertificateRequest): Promise<Uint8Array<ArrayBuffer>> {
  const { alg, keys, notBefore, notAfter } = request
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', keys.publicKey)) as ArrayBuffer)
  const algorithm = signatureAlgorithm(alg)
  const name = distinguishedName(request.commonName ?? defaultCommonName)
  const toBeSigned = der.sequence(
    der.encode(0xa0, der.unsignedInteger(Uint8Array.of(2))),
    der.unsignedInteger(randomSerial()),
    algorithm,
    name,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    name,
    spki,
    der.encode(0xa3, der.sequence(...(await extensions(spki)))),
  )
  const { signature: parameters } = signingParameters[alg]
  const signature = new Uint8Array(await crypto.subtle.sign(parameters, keys.privateKey, toBeSigned))
  const encoded = parameters.name === 'ECDSA' ? ecdsaSignature(signature) : signature
  return der.sequence(toBeSigned, algorithm, der.bitString(encoded))
}

/** RFC 4055 §5 requires NULL parameters for RSA; RFC 5758 §3.2 and RFC 8410 §3 forbid them for the others. */
function signatureAlgorithm(alg: CertificateAlgorithm): Uint8Array {
  const id = der.oid(certificateOidOf(alg))
  return signingParameters[alg].family === 'RSA' ? der.sequence(id, der.nil()) : der.sequence(id)
}

const distinguishedName = (commonName: string) =>
  der.sequence(der.set(der.sequence(der.oid(oids.commonName), der.utf8String(commonName))))

/** A positive number (RFC 5280 §4.1.2.2) that always takes 16 bytes. */
function randomSerial(): Uint8Array {
  const serial = crypto.getRandomValues(new Uint8Array(16))
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

async function extensions(spki: Uint8Array<ArrayBuffer>): Promise<Uint8Array[]> {
  const digitalSignature = der.bitString(Uint8Array.of(0x80), 7)
  return [
    der.sequence(der.oid(oids.basicConstraints), der.isTrue(), der.octetString(der.sequence())),
    der.sequence(der.oid(oids.keyUsage), der.isTrue(), der.octetString(digitalSignature)),
    der.sequence(
      der.oid(oids.subjectKeyIdentifier),
      der.octetString(der.octetString(await subjectKeyIdentifier(spki))),
    ),
  ]
}

/** SHA-1 of the key's bit string without the byte that counts unused bits (RFC 5280 §4.2.1.2, method 1). */
async function subjectKeyIdentifier(spki: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const key = der.parseElements(der.parseElements(spki)?.[0]?.content ?? spki)?.[1]
  if (key?.tag !== der.tags.bitString) throw new Error('a public key has no bit string')
  return new Uint8Array(await crypto.subtle.digest('SHA-1', key.content.subarray(1)))
}

/** Converts Web Crypto's concatenated r and s to the SEQUENCE that X.509 requires (RFC 3279 §2.2.3). */
function ecdsaSignature(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2
  return der.sequence(der.unsignedInteger(signature.subarray(0, half)), der.unsignedInteger(signature.subarray(half)))
}

export interface CertificateFields {
  /** Distinguished names, DER. */
  issuer: Uint8Array<ArrayBuffer>
  subject: Uint8Array<ArrayBuffer>
  /** SubjectPublicKeyInfo, DER. */
  spki: Uint8Array<ArrayBuffer>
  /** Milliseconds since 1970. */
  notBefore: number
  notAfter: number
}

/** Returns undefined if the bytes are not an X.509 certificate. Does not check its signature: trust depends on its source. */
export function parseCertificate(bytes: Uint8Array<ArrayBuffer>): CertificateFields | undefined {
  const [certificate, ...trailing] = der.parseElements(bytes) ?? []
  if (certificate?.tag !== der.tags.sequence || trailing.length > 0) return undefined
  const [toBeSigned] = der.parseElements(certificate.content) ?? []
  const fields = toBeSigned && der.parseElements(toBeSigned.content)
  // A v1 certificate has no version field (RFC 5280 §4.1).
  const [, , issuer, validity, subject, spki] = (fields?.[0]?.tag === 0xa0 ? fields.slice(1) : fields) ?? []
  if (validity?.tag !== der.tags.sequence || spki?.tag !== der.tags.sequence || !issuer || !subject) return undefined
  const [from, to] = der.parseElements(validity.content) ?? []
  const notBefore = from && der.parseTime(from)
  const notAfter = to && der.parseTime(to)
  if (notBefore === undefined || notAfter === undefined) return undefined
  const names = { issuer: issuer.bytes.slice(), subject: subject.bytes.slice() }
  return { ...names, spki: spki.bytes.slice(), notBefore, notAfter }
}

export interface Thumbprints {
  /** SHA-1 in upper-case hex, as Windows and IdentityServer name a certificate. */
  hex: string
  /** RFC 7517 §4.8, §4.9. */
  x5t: string
  'x5t#S256': string
}

export async function thumbprints(certificate: Uint8Array<ArrayBuffer>): Promise<Thumbprints> {
  const [sha1, sha256] = await Promise.all(
    ['SHA-1', 'SHA-256'].map(async (hash) => new Uint8Array(await crypto.subtle.digest(hash, certificate))),
  )
  if (!sha1 || !sha256) throw new Error('a digest is missing')
  return { hex: sha1.toHex().toUpperCase(), x5t: base64url(sha1), 'x5t#S256': base64url(sha256) }
}
