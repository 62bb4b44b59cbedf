// Reads the content of a vault's secret as key and certificate: PFX (bytes or base64), a PEM bundle, or a JWK with its certificate.
import type { CertifiedKey } from '../../crypto/certified-key.ts'
import { KeyFileError } from '../../crypto/key-file-error.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { readPem } from '../../crypto/pem.ts'
import { readPkcs12 } from '../../crypto/pkcs12/read.ts'
import { readPrivateJwk } from '../../crypto/private-jwk.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'

/** `family` is the one that the setting names; the self-test finds out whether the key is of it. Throws KeyFileError. */
export async function readKeyFile(
  content: string | Uint8Array<ArrayBuffer>,
  password: string,
  family: KeyFamily,
): Promise<KeyMaterial> {
  const { certificate, privateKey } = await readCertifiedKey(content, password)
  return { family, certificate, privateKey }
}

/** Detects the format. Throws KeyFileError. */
export async function readCertifiedKey(
  content: string | Uint8Array<ArrayBuffer>,
  password: string,
): Promise<CertifiedKey> {
  if (typeof content !== 'string') return readPkcs12(content, password)
  const text = content.trim()
  if (text.startsWith('{')) return readCertifiedJwk(text)
  if (text.includes('-----BEGIN ')) return readPem(text, password)
  return readPkcs12(fromBase64(text), password)
}

async function readCertifiedJwk(text: string): Promise<CertifiedKey> {
  const key = await readPrivateJwk(text)
  if (key.certificate) return key
  throw new KeyFileError(
    'no_matching_certificate',
    'the JWK has no x5c: each instance would make a different certificate',
  )
}

/** Throws KeyFileError. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text)
  } catch {
    throw new KeyFileError('not_pkcs12', 'neither PEM nor JWK nor base64')
  }
}
