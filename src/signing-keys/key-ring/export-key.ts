// A key of the ring → the private key file that an administrator takes to another server.
import type { CertifiedKey } from '../../crypto/certified-key.ts'
import { utf8 } from '../../crypto/encoding.ts'
import { writePem } from '../../crypto/pem.ts'
import { writePkcs12 } from '../../crypto/pkcs12/write.ts'
import { writePrivateJwk } from '../../crypto/private-jwk.ts'
import type { Sealer } from '../../crypto/seal.ts'
import { isCertificateAlgorithm } from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'

/** PEM and JWK are in the clear. */
export type KeyFileRequest =
  | { format: 'pfx'; password: string; encryption: 'aes256' | '3des'; friendlyName: string }
  | { format: 'pem' }
  | { format: 'jwk' }

/** By kid or version. RS256 stands for a version that serves PS256 too. */
export function keyNamed(keys: readonly SigningKeyRecord[], name: string): SigningKeyRecord | undefined {
  const ofVersion = keys.filter(({ version }) => version === name)
  return (
    keys.find(({ kid }) => kid === name) ?? ofVersion.find(({ alg }) => isCertificateAlgorithm(alg)) ?? ofVersion[0]
  )
}

/** Undefined: the private key is gone, or sealed under a WRAP_KEY that is. A PFX costs some tenths of a second of CPU. */
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
