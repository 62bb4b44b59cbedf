// JWTs that others sign: client assertions, ID tokens and logout tokens of external providers (RFC 7519, RFC 8725).
// Our strict parser is the gate; jose imports the keys and verifies. Tokens of this provider do not pass here (jws.ts).
import { compactVerify, importJWK, type JWK } from 'jose'
import { type AcceptedAlgorithm, keyRequirements } from './accepted-algorithms.ts'
import { deepestDocument, isDeeperThan } from './json-depth.ts'
import { isStrongEnough, keyMembers } from './jwk.ts'
import { hasZeroHalf, type JwsHeader, parseJws } from './jws.ts'

export interface ForeignJwt {
  header: JwsHeader
  /** Untrusted before `verifyForeignJwt`. */
  claims: Record<string, unknown>
  signature: Uint8Array
  /** Compact serialisation, as it was received. */
  token: string
}

/** Parses, does not verify. Returns undefined unless `token` is exactly a signed JWT that `parseJws` takes, with claims at most 32 levels deep. */
export function parseForeignJwt(token: string): ForeignJwt | undefined {
  const jws = parseJws(token)
  if (!jws || isDeeperThan(jws.payload, deepestDocument) || isDeeperThan(jws.header, deepestDocument)) return undefined
  return { header: jws.header, claims: jws.payload, signature: jws.signature, token }
}

/**
 * `alg` is the algorithm that the key was imported for. A token that names another is refused (RFC 8725 §3.1). Keys that the token itself
 * contains or points to (`jwk`, `jku`, `x5c`, `x5u`) are ignored (§3.10).
 */
export async function verifyForeignJwt(
  { header, signature, token }: ForeignJwt,
  key: CryptoKey,
  alg: AcceptedAlgorithm,
): Promise<boolean> {
  if (header.alg !== alg) return false
  // Neither r nor s may be zero (CVE-2022-21449); jose leaves that to the platform.
  if (keyRequirements[alg].kty === 'EC' && hasZeroHalf(signature)) return false
  return compactVerify(token, key, { algorithms: [alg] }).then(
    () => true,
    () => false,
  )
}

/** Returns undefined if the key is malformed, too weak, not public, or made for something else. */
export async function importForeignKey(jwk: JsonWebKey, alg: AcceptedAlgorithm): Promise<CryptoKey | undefined> {
  if (!isPublicKey(jwk) || !mayVerify(jwk, alg)) return undefined
  try {
    const key = await importJWK(keyMembers(jwk) as JWK, alg, { extractable: false })
    return key instanceof CryptoKey && key.type === 'public' && isStrongEnough(key) ? key : undefined
  } catch {
    return undefined
  }
}

/** RFC 7518 §6.2.2, §6.3.2, §6.4.1: members that only the holder of the key may know. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Anyone can sign with a key that is published with its secret members. */
export const isPublicKey = (jwk: object): boolean =>
  secretMembers.every((member) => (jwk as Record<string, unknown>)[member] === undefined)

/** Whether the JWK's own members allow it to verify signatures of this algorithm (RFC 7517 §4.1–4.4). */
function mayVerify(jwk: JsonWebKey, alg: AcceptedAlgorithm): boolean {
  const { kty, crv } = keyRequirements[alg]
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv)) return false
  if (jwk.alg !== undefined && jwk.alg !== alg) return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  return jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))
}
