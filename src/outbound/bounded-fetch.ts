// Everything this Worker fetches: bounded in time and size, no redirect followed. What others name leads nowhere inside (SECURITY-CASES T24,
// I11, I13); what a deployment's settings name (vaults) may stand anywhere.
import { concatBytes, fromUtf8 } from '../crypto/encoding.ts'
import { parseJsonDocument } from './json-document.ts'
import { parseOutboundUrl } from './outbound-url.ts'

export interface FetchBounds {
  /** After decompression. */
  maxBytes: number
  /** Milliseconds for everything, the last byte included. */
  timeoutMs: number
}

export interface FetchLimits extends FetchBounds {
  /** See parseOutboundUrl. */
  allowLoopback: boolean
  internalHosts?: readonly string[]
}

export type FetchAnswer =
  | { outcome: 'answered'; status: number; headers: Headers; body: Uint8Array<ArrayBuffer> }
  | FetchRefusal

/** `address`: was not asked. `reason`: for an operator. */
export interface FetchRefusal {
  outcome: 'refused'
  check: 'address' | 'unreachable' | 'redirect' | 'size'
  reason: string
}

interface Asking {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** For an address that somebody else named. Never throws. Any status but a redirect is an answer. */
export async function fetchLimited(address: string, limits: FetchLimits, init: Asking = {}): Promise<FetchAnswer> {
  const target = parseOutboundUrl(address, limits.allowLoopback, limits.internalHosts)
  if ('fault' in target) return refused('address', `${address} ${target.fault}`)
  return fetchWithin(address, target.url, init, limits)
}

/** `who`: named in reasons. Never throws. Any status but a redirect is an answer. */
export async function fetchWithin(
  who: string,
  target: URL | Request,
  init: RequestInit,
  bounds: FetchBounds,
): Promise<FetchAnswer> {
  const abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<FetchAnswer>((resolve) => {
    const answer = refused('unreachable', `${who} did not answer in full within ${bounds.timeoutMs} ms`)
    timer = setTimeout(() => resolve(answer), bounds.timeoutMs)
  })
  try {
    return await Promise.race([answerOf(who, target, { ...init, signal: abort.signal }, bounds.maxBytes), late])
  } catch (fault) {
    return refused('unreachable', `${who}: ${reasonOf(fault)}`)
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

/** The runtime says `internal error; reference = …` of a name that does not resolve. */
function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error) || fault.message.startsWith('internal error')) return 'no connection'
  return fault.message.replace(/\.$/, '')
}

async function answerOf(who: string, target: URL | Request, init: RequestInit, maxBytes: number): Promise<FetchAnswer> {
  const response = await fetch(target, { ...init, redirect: 'manual' })
  const { status, headers } = response
  if (status >= 300 && status < 400) return refused('redirect', `${who} redirects, which is not followed`)
  const body = await readLimited(response, maxBytes)
  return body
    ? { outcome: 'answered', status, headers, body }
    : refused('size', `${who} sent more than ${maxBytes} bytes`)
}

/** Counts what arrives, after decompression, and stops there. */
async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(response.headers.get('content-length')) > maxBytes) return undefined
  const parts: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    length += read.value.length
    if (length > maxBytes) return undefined
    parts.push(read.value)
  }
  return concatBytes(...parts)
}

const refused = (check: FetchRefusal['check'], reason: string): FetchRefusal => ({ outcome: 'refused', check, reason })

/** A JSON object of bounded depth; undefined: something else. */
export function parseJsonBody(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    return parseJsonDocument(fromUtf8(body))
  } catch {
    return undefined
  }
}
