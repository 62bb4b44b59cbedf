// The hash claims that bind an ID token to the values issued with it: at_hash (OIDC Core §3.1.3.6), c_hash (§3.3.2.11), s_hash (FAPI 1.0 Part 2 §5.1).
import { base64url, utf8 } from '../../crypto/encoding.ts'

/** The left half of the hash of an access token, code or state. `alg` is that of the ID token; throws an Error if it names no hash. */
export async function claimHash(text: string, alg: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest(hashOf(alg), utf8(text)))
  return base64url(digest.subarray(0, digest.length / 2))
}

/** RFC 7518 §3.3–3.5: the alg names its SHA-2. Ed25519 hashes with SHA-512 (RFC 8032 §5.1), and `EdDSA` means Ed25519 here. */
function hashOf(alg: string): string {
  if (alg === 'EdDSA' || alg === 'Ed25519') return 'SHA-512'
  const [, bits] = /^(?:RS|PS|ES)(256|384|512)$/.exec(alg) ?? []
  if (!bits) throw new Error(`the alg ${alg} names no hash`)
  return `SHA-${bits}`
}
