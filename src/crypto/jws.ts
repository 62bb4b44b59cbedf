// JWS in compact serialisation (RFC 7515 §3.1, RFC 8725): strict to read, quick to write. Knows nothing of who signs or what is claimed.
import { base64url, fromUtf8, parseBase64url, utf8 } from './encoding.ts'
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from './signing-algorithms.ts'

export interface JwsHeader {
  alg: string
  kid?: string
  typ?: string
  /** `jwk`, `jku`, `x5u`, `x5c` may stand here: nobody looks at them (RFC 8725 §3.10). */
  [member: string]: unknown
}

export interface ParsedJws {
  header: JwsHeader
  payload: Record<string, unknown>
  /** What the signature covers. */
  signingInput: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
}

/** Characters. */
const longestJws = 16 * 1024

/** The first part of a JWS and its dot: the same for every token of one key and type, so callers keep it. */
export const encodeHeader = (header: JwsHeader): string => `${base64url(utf8(JSON.stringify(header)))}.`

/** `header`: from `encodeHeader`, naming the same `alg`. */
export async function signJws(header: string, payload: object, key: CryptoKey, alg: JwsAlgorithm): Promise<string> {
  const signingInput = header + base64url(utf8(JSON.stringify(payload)))
  const signature = await crypto.subtle.sign(jwsAlgorithms[alg].signature, key, utf8(signingInput))
  return `${signingInput}.${base64url(new Uint8Array(signature))}`
}

/** Reads, does not verify. Undefined for everything that is not exactly a JWS with JSON header and payload. */
export function parseJws(token: string): ParsedJws | undefined {
  if (token.length > longestJws) return undefined
  const [headerPart, payloadPart, signaturePart, ...further] = token.split('.')
  if (!headerPart || !payloadPart || !signaturePart || further.length > 0) return undefined
  const header = parseHeader(headerPart)
  const payload = header && parseJsonObject(payloadPart)
  const signature = parseBase64url(signaturePart)
  if (!payload || !signature) return undefined
  return { header, payload, signature, signingInput: utf8(`${headerPart}.${payloadPart}`) }
}

function parseHeader(part: string): JwsHeader | undefined {
  const bytes = parseBase64url(part)
  const header = parseJsonObject(part)
  if (!bytes || !header || hasDuplicateMembers(fromUtf8(bytes))) return undefined
  // RFC 7515 §4.1.11: an extension we do not know must be refused, and we know none; RFC 7797 (b64) is one of them.
  if ('crit' in header || 'b64' in header) return undefined
  return hasStringMembers(header) ? header : undefined
}

const hasStringMembers = (header: Record<string, unknown>): header is JwsHeader =>
  typeof header.alg === 'string' &&
  [header.kid, header.typ, header.cty].every((member) => member === undefined || typeof member === 'string')

function parseJsonObject(part: string): Record<string, unknown> | undefined {
  const bytes = parseBase64url(part)
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const jsonTokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/** RFC 7515 §4: names in a header are unique. `JSON.parse` keeps the last one, others the first. */
function hasDuplicateMembers(json: string): boolean {
  const names = new Set<unknown>()
  let depth = 0
  for (const [text, colon] of json.matchAll(jsonTokens)) {
    if (text === '{' || text === '[') depth += 1
    else if (text === '}' || text === ']') depth -= 1
    else if (colon !== undefined && depth === 1) {
      const name: unknown = JSON.parse(text.slice(0, -colon.length))
      if (names.has(name)) return true
      names.add(name)
    }
  }
  return false
}

/** `alg` is what the key is for, never what the token says; a token that says otherwise is refused (RFC 8725 §3.1). */
export async function verifyJws(jws: ParsedJws, key: CryptoKey, alg: JwsAlgorithm): Promise<boolean> {
  if (jws.header.alg !== alg || !isJwsAlgorithm(alg)) return false
  // r or s of zero is never a signature, whatever a library thinks of it (CVE-2022-21449).
  if (jwsAlgorithms[alg].signature.name === 'ECDSA' && hasZeroHalf(jws.signature)) return false
  return crypto.subtle.verify(jwsAlgorithms[alg].signature, key, jws.signature, jws.signingInput)
}

function hasZeroHalf(signature: Uint8Array): boolean {
  const half = signature.length / 2
  const isZero = (part: Uint8Array) => part.every((byte) => byte === 0)
  return isZero(signature.subarray(0, half)) || isZero(signature.subarray(half))
}
