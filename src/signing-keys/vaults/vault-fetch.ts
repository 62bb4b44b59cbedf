// Sends one request to a vault or to its token endpoint, and reads the response as JSON or text.
// The operator's settings name the address, so addresses inside a network are allowed.

import { fromUtf8 } from '../../crypto/encoding.ts'
import { fetchWithin } from '../../outbound/bounded-fetch.ts'
import { VaultError } from './vault.ts'

/** Room for a PFX of 64 KB in base64 with the JSON around it. */
const bounds = { maxBytes: 256 * 1024, timeoutMs: 5000 }

export interface VaultAnswer {
  status: number
  headers: Headers
  text: string
  /** Undefined if the body is not a JSON object. */
  json: Record<string, unknown> | undefined
}

/** `server` names it in messages. Returns any status except a redirect. Throws VaultError `unreachable` or `nonsense`. */
export async function fetchBounded(server: string, request: Request): Promise<VaultAnswer> {
  const answer = await fetchWithin(server, request, {}, bounds)
  if (answer.outcome === 'refused') {
    throw new VaultError(answer.check === 'unreachable' ? 'unreachable' : 'nonsense', answer.reason)
  }
  const { status, headers, body } = answer
  try {
    const text = fromUtf8(body)
    return { status, headers, text, json: parseObject(text) }
  } catch {
    throw new VaultError('nonsense', `${server} sent bytes that are not text`)
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Seconds. The header holds seconds or a date (RFC 9110 §10.2.3). Returns undefined if it is absent or malformed. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after') ?? ''
  if (/^\d{1,6}$/.test(value)) return Number(value)
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1000))
}

export const textMember = (object: Record<string, unknown> | undefined, name: string): string | undefined => {
  const value = object?.[name]
  return typeof value === 'string' ? value : undefined
}

export const objectMember = (
  object: Record<string, unknown> | undefined,
  name: string,
): Record<string, unknown> | undefined => {
  const value = object?.[name]
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}
