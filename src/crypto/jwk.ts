// Public keys as JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2): the members that make the key, its thumbprint, and Web Crypto's form of our own keys.
// Keys of others are imported in foreign-jwt.ts.
import { calculateJwkThumbprint, type JWK } from 'jose'
import { type SigningAlgorithm, signingParameters } from './signing-algorithms.ts'

/** RFC 7518 §3.3: RSA keys of at least 2048 bits. */
export const minimumRsaBits = 2048

/** The members that make the key. No other member of an untrusted JWK is used. */
export function keyMembers(jwk: JsonWebKey): JsonWebKey {
  const { crv, e, kty, n, x, y } = jwk
  if (kty === 'RSA') return { e, kty, n } as JsonWebKey
  return (kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }) as JsonWebKey
}

/** RFC 7638: SHA-256, base64url. Throws if the JWK lacks a member that makes the key. */
export const jwkThumbprint = (jwk: JsonWebKey): Promise<string> => calculateJwkThumbprint(jwk as JWK, 'sha256')

/** A key of this provider. Returns undefined if it is malformed, too weak, or of another type than `alg` needs. */
export async function importVerificationKey(jwk: JsonWebKey, alg: SigningAlgorithm): Promise<CryptoKey | undefined> {
  try {
    const key = await crypto.subtle.importKey('jwk', keyMembers(jwk), signingParameters[alg].key, false, ['verify'])
    return isStrongEnough(key) ? key : undefined
  } catch {
    return undefined
  }
}

export function isStrongEnough(key: CryptoKey): boolean {
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  return modulusLength === undefined || modulusLength >= minimumRsaBits
}
