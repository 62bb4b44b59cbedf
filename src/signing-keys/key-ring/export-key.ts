// Writes a key of the ring as a private key file, which an administrator takes to another server.
import type { CertifiedKey } from '../../crypto/certified-key.ts'
import { utf8 } from '../../crypto/encoding.ts'
import { writePem } from '../../crypto/pem.ts'
import { writePkcs12 } from '../../crypto/pkcs12/write.ts'
import { writePrivateJwk } from '../../crypto/private-jwk.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { isCertificateAlgorithm } from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'

/** PEM and JWK are not encrypted. */
export type KeyFileRequest =
  | { format: 'pfx'; password: string; encryption: 'aes256' | '3des'; friendlyName: string }
  | { format: 'pem' }
  | { format: 'jwk' }

/** Finds a key by kid or version. A version has one entry per algorithm: the one that signs the certificate is preferred. */
export function findKeyToExport(keys: readonly SigningKeyRecord[], name: string): SigningKeyRecord | undefined {
  const ofVersion = keys.filter(({ version }) => version === name)
  return (
    keys.find(({ kid }) => kid === name) ?? ofVersion.find(({ alg }) => isCertificateAlgorithm(alg)) ?? ofVersion[0]
  )
}

/**
 * Returns undefined if the private key was destroyed, or is sealed under a WRAP_KEY that no longer exists. A PFX takes some tenths of a
 * second of CPU.
 */
export async function writeKeyFile(
  record: SigningKeyRecord,
  request: KeyFileRequest,
  keyWrapper: Sealer,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const privateKey = await keyWrapper.open('signing-key', record.wrapped_private_key ?? '')
  if (!privateKey) return undefined
  const key: CertifiedKey = { privateKey, certificate: Uint8Array.fromBase64(record.certificate), chain: [] }
  if (request.format === 'pem') return utf8(writePem(key))
  if (request.format === 'jwk') return utf8(await writePrivateJwk(key, record.kid, record.alg))
  const { password, encryption, friendlyName } = request
  return writePkcs12({ ...key, friendlyName }, password, { encryption })
}
