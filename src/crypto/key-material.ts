// A certificate and its private key: made, and checked before anybody relies on them (DESIGN §5).
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
/** Verifiers with a slow clock must not meet a certificate of the future. */
const backdating = 5 * minute
const tenYears = 3652 * 24 * 60 * minute

/** A new key with a self-signed certificate of ten years. RSA takes 100 ms of CPU and more. */
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

/** The public key of a certificate, extractable. Throws when it holds none that fits. */
export function importCertificateKey(certificate: Uint8Array<ArrayBuffer>, alg: SigningAlgorithm): Promise<CryptoKey> {
  const fields = parseCertificate(certificate)
  if (!fields) throw new Error('the certificate is not X.509')
  return crypto.subtle.importKey('spki', fields.spki, signingParameters[alg].key, true, ['verify'])
}

/** The self-test of a version: what is wrong with it, or undefined. */
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
