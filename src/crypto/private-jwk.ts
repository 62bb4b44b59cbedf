// Reads and writes a private key as JWK (RFC 7517 §4, RFC 7518 §6), with or without its certificates in `x5c`.
import { type CertifiedKey, certify, exportPrivateKey, importPrivateJwk, openPrivateKey } from './certified-key.ts'
import { base64 } from './encoding.ts'
import { keyMembers } from './jwk.ts'
import { KeyFileError } from './key-file-error.ts'
import { checkSize } from './pkcs12/limits.ts'

/** A JWK without `x5c` has no certificate: the caller makes one or refuses it. */
export type JwkContent = CertifiedKey | { privateKey: Uint8Array<ArrayBuffer>; certificate: undefined; chain: [] }

/** Throws only KeyFileError. */
export async function readPrivateJwk(text: string): Promise<JwkContent> {
  checkSize(text.length)
  const jwk = parseJson(text)
  if (typeof jwk.d !== 'string') throw new KeyFileError('no_key', 'the JWK holds no private key')
  const key = await importPrivateJwk(jwk as JsonWebKey)
  if (jwk.x5c !== undefined) return certify(key, parseX5c(jwk.x5c))
  return { privateKey: await exportPrivateKey(key), certificate: undefined, chain: [] }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'kty' in value) return value as Record<string, unknown>
  } catch {}
  throw new KeyFileError('not_jwk', 'the text is not a JSON object with a kty')
}

/** RFC 7517 §4.7: base64, not base64url. */
function parseX5c(x5c: unknown): Uint8Array<ArrayBuffer>[] {
  try {
    if (!Array.isArray(x5c)) throw new Error('x5c is not an array')
    return x5c.map((each) => Uint8Array.from(atob(each), (character) => character.charCodeAt(0)))
  } catch {
    throw new KeyFileError('not_jwk', 'x5c is not an array of base64 certificates')
  }
}

/** Not encrypted. */
export async function writePrivateJwk(key: CertifiedKey, kid: string, alg: string): Promise<string> {
  const jwk = (await crypto.subtle.exportKey('jwk', await openPrivateKey(key.privateKey))) as JsonWebKey
  const { d, p, q, dp, dq, qi } = jwk
  const x5c = [key.certificate, ...key.chain].map(base64)
  const secret = jwk.kty === 'RSA' ? { d, p, q, dp, dq, qi } : { d }
  return `${JSON.stringify({ ...keyMembers(jwk), ...secret, use: 'sig', kid, alg, x5c }, null, 2)}\n`
}
