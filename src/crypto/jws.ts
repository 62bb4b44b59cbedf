// JWS in compact serialisation (RFC 7515 §3.1, RFC 8725): the strict parser for every token, and signing and verifying with the keys of this provider.
// Tokens that others sign are verified in foreign-jwt.ts.
import { base64url, fromUtf8, parseBase64url, utf8 } from './encoding.ts'
import { type SigningAlgorithm, signingParameters } from './signing-algorithms.ts'

export interface JwsHeader {
  alg: string
  kid?: string
  typ?: string
  /** May include `jwk`, `jku`, `x5u` and `x5c`, which are ignored (RFC 8725 §3.10). */
  [member: string]: unknown
}

export interface ParsedJws {
  header: JwsHeader
  payload: Record<string, unknown>
  /** The bytes that the signature covers. */
  signingInput: Uint8Array<ArrayBuffer>
  signature: Uint8Array<ArrayBuffer>
}

/** Characters. */
const longestJws = 16 * 1024

/** The first part of a JWS and its dot. Callers cache it, since it is the same for all tokens of one key and type. */
export const encodeHeader = (header: JwsHeader): string => `${base64url(utf8(JSON.stringify(header)))}.`

/** `header`: from `encodeHeader`, naming the same `alg`. */
export async function signJws(header: string, payload: object, key: CryptoKey, alg: SigningAlgorithm): Promise<string> {
  const signingInput = header + base64url(utf8(JSON.stringify(payload)))
  const signature = await crypto.subtle.sign(signingParameters[alg].signature, key, utf8(signingInput))
  return `${signingInput}.${base64url(new Uint8Array(signature))}`
}

/** Parses, does not verify. Returns undefined unless `token` is exactly a JWS with JSON header and payload. */
export function parseJws(token: string): ParsedJws | undefined {
  if (token.length > longestJws) return undefined
  const [headerPart, payloadPart, signaturePart, ...further] = token.split('.')
  if (!headerPart || !payloadPart || !signaturePart || further.length > 0) return undefined
  const header = parseHeader(headerPart)
  const payload = header && parseJsonObject(textOf(payloadPart))
  const signature = payload && parseBase64url(signaturePart)
  if (!signature) return undefined
  return { header, payload, signature, signingInput: utf8(`${headerPart}.${payloadPart}`) }
}

/** A cache by encoded header, since all tokens of one key and type have the same. */
const knownHeaders = new Map<string, JwsHeader>()
const [maxHeaders, longestKnownHeader] = [64, 512]

function parseHeader(part: string): JwsHeader | undefined {
  const known = knownHeaders.get(part)
  if (known) return known
  const header = readHeader(part)
  if (header && part.length <= longestKnownHeader) {
    if (knownHeaders.size >= maxHeaders) knownHeaders.clear()
    knownHeaders.set(part, header)
  }
  return header
}

function readHeader(part: string): JwsHeader | undefined {
  const text = textOf(part)
  const header = parseJsonObject(text)
  if (!text || !header || hasDuplicateMembers(text, header)) return undefined
  // RFC 7515 §4.1.11: unknown extensions must be refused, and none is supported here, `b64` (RFC 7797) included.
  if ('crit' in header || 'b64' in header) return undefined
  const { alg, kid, typ, cty } = header
  const isText = (member: unknown) => member === undefined || typeof member === 'string'
  // RFC 7519 §5.2: nested JWTs (cty) are not supported.
  if (typeof alg !== 'string' || !isText(kid) || !isText(typ) || cty !== undefined) return undefined
  return header as JwsHeader
}

function textOf(part: string): string | undefined {
  const bytes = parseBase64url(part)
  try {
    return bytes && fromUtf8(bytes)
  } catch {
    return undefined
  }
}

function parseJsonObject(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

const jsonTokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g

/** RFC 7515 §4: member names of a header must be unique. Parsers differ: `JSON.parse` keeps the last one, others the first. */
function hasDuplicateMembers(json: string, parsed: object): boolean {
  // Fast path: serialising writes each name once, so text that comes back unchanged has no duplicate.
  if (JSON.stringify(parsed) === json) return false
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

/** `alg` is the algorithm of the key, never taken from the token. A token that names another is refused (RFC 8725 §3.1). */
export async function verifyJws(jws: ParsedJws, key: CryptoKey, alg: SigningAlgorithm): Promise<boolean> {
  const { signature: parameters, signatureLength } = signingParameters[alg]
  if (jws.header.alg !== alg) return false
  // workerd throws on an Ed25519 signature of another length.
  if (signatureLength !== undefined && jws.signature.length !== signatureLength) return false
  // Neither r nor s may be zero, even if a library accepts it (CVE-2022-21449).
  if (parameters.name === 'ECDSA' && hasZeroHalf(jws.signature)) return false
  return crypto.subtle.verify(parameters, key, jws.signature, jws.signingInput)
}

/** Whether r or s of an ECDSA signature (RFC 7518 §3.4) is zero. */
export function hasZeroHalf(signature: Uint8Array): boolean {
  const half = signature.length / 2
  const isZero = (part: Uint8Array) => part.every((byte) => byte === 0)
  return isZero(signature.subarray(0, half)) || isZero(signature.subarray(half))
}
