// One request to a vault or to who vouches for us, the answer read as JSON or text.
// A vault stands where the operator's settings say, so addresses inside a network are as good as others.

import { fromUtf8 } from '../../crypto/encoding.ts'
import { fetchWithin } from '../../outbound/bounded-fetch.ts'
import { VaultError } from './vault.ts'

/** A PFX of 64 KB in base64, with what stands around it. */
const bounds = { maxBytes: 256 * 1024, timeoutMs: 5000 }

export interface VaultAnswer {
  status: number
  headers: Headers
  text: string
  /** Undefined: not a JSON object. */
  json: Record<string, unknown> | undefined
}

/** Any status but a redirect is an answer. Throws VaultError `unreachable` or `nonsense`. */
export async function fetchBounded(who: string, request: Request): Promise<VaultAnswer> {
  const answer = await fetchWithin(who, request, {}, bounds)
  if (answer.outcome === 'refused') {
    throw new VaultError(answer.check === 'unreachable' ? 'unreachable' : 'nonsense', answer.reason)
  }
  const { status, headers, body } = answer
  try {
    const text = fromUtf8(body)
    return { status, headers, text, json: parseObject(text) }
  } catch {
    throw new VaultError('nonsense', `${who} sent bytes that are not text`)
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

/** RFC 9110 §10.2.3: seconds, or a date. */
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
