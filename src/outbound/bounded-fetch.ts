// Every fetch of this Worker: bounded in time and size, and no redirect is followed. An address that a client or provider names must not be
// internal (SECURITY-CASES T24, I11, I13); one from a deployment's settings (vaults) may be.
import { concatBytes, fromUtf8 } from '../crypto/encoding.ts'
import { parseJsonDocument } from './json-document.ts'
import { parseOutboundUrl } from './outbound-url.ts'

export interface FetchBounds {
  /** Size of the body after decompression. */
  maxBytes: number
  /** Milliseconds until the last byte of the body. */
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

/** With `check: 'address'` no request was sent. `reason` is for the administrator. */
export interface FetchRefusal {
  outcome: 'refused'
  check: 'address' | 'unreachable' | 'redirect' | 'size'
  reason: string
}

interface RequestOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Fetches an address that a client or an external provider named. Never throws. Returns any status except a redirect. */
export async function fetchLimited(
  address: string,
  limits: FetchLimits,
  init: RequestOptions = {},
): Promise<FetchAnswer> {
  const target = parseOutboundUrl(address, limits.allowLoopback, limits.internalHosts)
  if ('fault' in target) return refused('address', `${address} ${target.fault}`)
  return fetchWithin(address, target.url, init, limits)
}

/** Fetches any address, also an internal one. `server` names it in reasons. Never throws. Returns any status except a redirect. */
export async function fetchWithin(
  server: string,
  target: URL | Request,
  init: RequestInit,
  bounds: FetchBounds,
): Promise<FetchAnswer> {
  const abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<FetchAnswer>((resolve) => {
    const answer = refused('unreachable', `${server} did not answer in full within ${bounds.timeoutMs} ms`)
    timer = setTimeout(() => resolve(answer), bounds.timeoutMs)
  })
  try {
    return await Promise.race([answerOf(server, target, { ...init, signal: abort.signal }, bounds.maxBytes), late])
  } catch (fault) {
    return refused('unreachable', `${server}: ${reasonOf(fault)}`)
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

/** The runtime reports a name that does not resolve as `internal error; reference = …`. */
function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error) || fault.message.startsWith('internal error')) return 'no connection'
  return fault.message.replace(/\.$/, '')
}

async function answerOf(
  server: string,
  target: URL | Request,
  init: RequestInit,
  maxBytes: number,
): Promise<FetchAnswer> {
  const response = await fetch(target, { ...init, redirect: 'manual' })
  const { status, headers } = response
  if (status >= 300 && status < 400) return refused('redirect', `${server} redirects, which is not followed`)
  const body = await readLimited(response, maxBytes)
  return body
    ? { outcome: 'answered', status, headers, body }
    : refused('size', `${server} sent more than ${maxBytes} bytes`)
}

/** Counts bytes after decompression. Returns undefined if there are more than `maxBytes`. */
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

/** Returns undefined unless the body is a JSON object of bounded depth. */
export function parseJsonBody(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    return parseJsonDocument(fromUtf8(body))
  } catch {
    return undefined
  }
}
