// Fetching what somebody else named: https to a public host, no redirect, in bounded time and size (SECURITY-CASES T24, I11, I13).
import { concatBytes } from '../crypto/encoding.ts'
import { parseOutboundUrl } from '../protocol/outbound-url.ts'

export interface FetchLimits {
  maxBytes: number
  /** Milliseconds for everything, the last byte included. */
  timeoutMs: number
  /** See parseOutboundUrl. */
  allowLoopback: boolean
}

export type FetchAnswer =
  | { outcome: 'answered'; status: number; headers: Headers; body: Uint8Array<ArrayBuffer> }
  /** `reason`: for an operator. */
  | { outcome: 'refused'; reason: string }

/** Never throws. Any status but a redirect is an answer. */
export async function fetchLimited(
  address: string,
  limits: FetchLimits,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<FetchAnswer> {
  const target = parseOutboundUrl(address, limits.allowLoopback)
  if ('fault' in target) return refused(`${address} ${target.fault}`)
  const abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<FetchAnswer>((resolve) => {
    timer = setTimeout(
      () => resolve(refused(`${address} did not answer in full within ${limits.timeoutMs} ms`)),
      limits.timeoutMs,
    )
  })
  try {
    return await Promise.race([answerOf(target.url, { ...init, signal: abort.signal }, limits), late])
  } catch (fault) {
    return refused(`${address}: ${fault instanceof Error ? fault.message : String(fault)}`)
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

async function answerOf(url: URL, init: RequestInit, { maxBytes }: FetchLimits): Promise<FetchAnswer> {
  const response = await fetch(url, { ...init, redirect: 'manual' })
  if (response.status >= 300 && response.status < 400) return refused(`${url} redirects, which is not followed`)
  const body = await readLimited(response, maxBytes)
  if (!body) return refused(`${url} sent more than ${maxBytes} bytes`)
  return { outcome: 'answered', status: response.status, headers: response.headers, body }
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

const refused = (reason: string): FetchAnswer => ({ outcome: 'refused', reason })
