// One request to a vault or to who vouches for us: bounded in time and size, no redirect, the answer read as JSON or text.
// A vault stands where the operator's settings say, so addresses inside a network are as good as others.
import { concatBytes, fromUtf8 } from '../crypto/encoding.ts'
import { VaultError } from './vault.ts'

const patience = 5000
/** A PFX of 64 KB in base64, with what stands around it. */
const largestAnswer = 256 * 1024

export interface VaultAnswer {
  status: number
  headers: Headers
  text: string
  /** Undefined: not a JSON object. */
  json: Record<string, unknown> | undefined
}

/** Any status but a redirect is an answer. Throws VaultError `unreachable` or `nonsense`. */
export async function fetchBounded(who: string, request: Request): Promise<VaultAnswer> {
  const abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const fault = new VaultError('unreachable', `${who} did not answer in full within ${patience} ms`)
    timer = setTimeout(() => reject(fault), patience)
  })
  try {
    return await Promise.race([answerOf(who, request, abort.signal), late])
  } catch (fault) {
    if (fault instanceof VaultError) throw fault
    throw new VaultError('unreachable', `${who}: ${fault instanceof Error ? fault.message : 'no connection'}`)
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

async function answerOf(who: string, request: Request, signal: AbortSignal): Promise<VaultAnswer> {
  const response = await fetch(new Request(request, { redirect: 'manual' }), { signal })
  const { status, headers } = response
  if (status >= 300 && status < 400) throw new VaultError('nonsense', `${who} redirects, which is not followed`)
  const body = await readBounded(who, response)
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

/** Counts what arrives, after decompression, and stops there. */
async function readBounded(who: string, response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.length
    if (length > largestAnswer) throw new VaultError('nonsense', `${who} sent more than ${largestAnswer} bytes`)
    parts.push(read.value)
  }
  return concatBytes(...parts)
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
