// Public keys as JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2): what a key is fit for, its thumbprint, and Web Crypto's form of it.
import { base64url, utf8 } from './encoding.ts'
import { type JwsAlgorithm, jwsAlgorithms } from './signing-algorithms.ts'

/** RFC 7518 §3.3: RSA keys of at least 2048 bits. */
export const minimumRsaBits = 2048

/** The members that make the key, in the order of RFC 7638 §3.3: all that is ever taken from somebody's JWK. */
export function keyMembers(jwk: JsonWebKey): JsonWebKey {
  const { crv, e, kty, n, x, y } = jwk
  if (kty === 'RSA') return { e, kty, n } as JsonWebKey
  return (kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }) as JsonWebKey
}

/** RFC 7638: SHA-256, base64url. */
export async function jwkThumbprint(jwk: JsonWebKey): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(JSON.stringify(keyMembers(jwk))))))
}

/** Whether a JWK may verify signatures of this algorithm, by its own account (RFC 7517 §4.1–4.4). */
export function fitsAlgorithm(jwk: JsonWebKey, alg: JwsAlgorithm): boolean {
  const { family } = jwsAlgorithms[alg]
  const kty = family === 'RSA' ? 'RSA' : family === 'Ed25519' ? 'OKP' : 'EC'
  if (jwk.kty !== kty || (family !== 'RSA' && jwk.crv !== family)) return false
  if (jwk.alg !== undefined && jwk.alg !== alg) return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  return jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))
}

/** Undefined: malformed, too weak, or made for something else. */
export async function importVerificationKey(jwk: JsonWebKey, alg: JwsAlgorithm): Promise<CryptoKey | undefined> {
  if (!fitsAlgorithm(jwk, alg)) return undefined
  try {
    const key = await crypto.subtle.importKey('jwk', keyMembers(jwk), jwsAlgorithms[alg].key, false, ['verify'])
    return isStrongEnough(key) ? key : undefined
  } catch {
    return undefined
  }
}

export function isStrongEnough(key: CryptoKey): boolean {
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  return modulusLength === undefined || modulusLength >= minimumRsaBits
}
