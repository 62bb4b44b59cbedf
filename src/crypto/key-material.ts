// Generates a private key with its certificate, and self-tests the pair before it is used.
import { isStrongEnough, minimumRsaBits } from './jwk.ts'
import {
  certificateAlgorithmOf,
  type KeyFamily,
  type SigningAlgorithm,
  signingParameters,
} from './signing-algorithms.ts'
import { createCertificate, parseCertificate } from './x509.ts'

export interface KeyMaterial {
  family: KeyFamily
  /** X.509, DER. */
  certificate: Uint8Array<ArrayBuffer>
  /** PKCS#8, DER. */
  privateKey: Uint8Array<ArrayBuffer>
}

const minute = 60_000
/** Keeps the certificate valid for verifiers whose clock is behind. */
const backdating = 5 * minute
const tenYears = 3652 * 24 * 60 * minute

/** A new key with a self-signed certificate valid for ten years. `now` in milliseconds. RSA takes 100 ms of CPU or more. */
export async function generateKeyMaterial(family: KeyFamily, rsaBits: number, now: number): Promise<KeyMaterial> {
  const alg = certificateAlgorithmOf(family)
  const { key } = signingParameters[alg]
  const rsa = { modulusLength: rsaBits, publicExponent: Uint8Array.of(1, 0, 1) }
  const algorithm = family === 'RSA' ? { ...key, ...rsa } : key
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const certificate = await createCertificate({ keys, alg, notBefore: now - backdating, notAfter: now + tenYears })
  const privateKey = new Uint8Array((await crypto.subtle.exportKey('pkcs8', keys.privateKey)) as ArrayBuffer)
  return { family, certificate, privateKey }
}

export const importSigningKey = (privateKey: Uint8Array<ArrayBuffer>, alg: SigningAlgorithm): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', privateKey, signingParameters[alg].key, false, ['sign'])

/** The public key of a certificate, extractable. Throws if the certificate is malformed or its key does not fit `alg`. */
export function importCertificateKey(certificate: Uint8Array<ArrayBuffer>, alg: SigningAlgorithm): Promise<CryptoKey> {
  const fields = parseCertificate(certificate)
  if (!fields) throw new Error('the certificate is not X.509')
  return crypto.subtle.importKey('spki', fields.spki, signingParameters[alg].key, true, ['verify'])
}

/**
 * Checks that the certificate is valid at `now` (milliseconds), the key is strong enough, and a signature by the private key verifies with
 * the certificate. Returns the fault, or undefined if there is none.
 */
export async function selfTest(material: KeyMaterial, now: number): Promise<string | undefined> {
  const alg = certificateAlgorithmOf(material.family)
  const fields = parseCertificate(material.certificate)
  if (!fields) return 'the certificate is not X.509'
  if (now < fields.notBefore) return 'the certificate is not valid yet'
  if (now >= fields.notAfter) return 'the certificate has expired'
  try {
    const signingKey = await importSigningKey(material.privateKey, alg)
    const verificationKey = await importCertificateKey(material.certificate, alg)
    if (!isStrongEnough(verificationKey)) return `the RSA key has fewer than ${minimumRsaBits} bits`
    const probe = crypto.getRandomValues(new Uint8Array(32))
    const { signature: parameters } = signingParameters[alg]
    const signature = await crypto.subtle.sign(parameters, signingKey, probe)
    const isMatch = await crypto.subtle.verify(parameters, verificationKey, signature, probe)
    return isMatch ? undefined : 'the private key does not belong to the certificate'
  } catch {
    return `certificate or private key is not usable for ${alg}`
  }
}
