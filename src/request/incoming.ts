// The incoming request, parsed once: path below the issuer, query, form and cookies, within their limits.

import { concatBytes, fromUtf8 } from '../crypto/encoding.ts'
import type { OAuthError } from '../model/errors.ts'
import { invalidRequest } from '../model/oauth-errors.ts'
import { printable } from '../model/untrusted-text.ts'
import { parseParameters } from '../protocol/parameters.ts'

/** `Name`: the parameters of the route's path. */
export interface Incoming<Name extends string = never> {
  request: Request
  /** Below the issuer's path. */
  path: string
  /** The query of a GET; the form of a POST, never its query. */
  parameters: URLSearchParams
  /** The values of the parameters of the route's path, decoded once and never empty. */
  params: Readonly<Record<Name, string>>
}

/** `form` and `json` name the accepted media type. For `none`, the body is not read. */
export type BodyRule = { kind: 'none' } | { kind: 'form' | 'json'; mostBytes: number }

export const mostUrlBytes = 16 * 1024

const formType = 'application/x-www-form-urlencoded'

/** Returns the query without its question mark. A URL object would cost a microsecond more, on every request. */
function queryOf(url: string): string {
  const [address = ''] = url.split('#', 1)
  const at = address.indexOf('?')
  return at < 0 ? '' : address.slice(at + 1)
}

/** Throws invalid_request for malformed parameters, and with status 413 for a body above the limit, before anything is parsed. */
export async function readParameters(request: Request, body: BodyRule): Promise<URLSearchParams> {
  if (request.method !== 'POST' || body.kind !== 'form') return parseParameters(queryOf(request.url))
  const form = await readBody(request, body.mostBytes)
  if (form === '') return new URLSearchParams()
  const type = request.headers.get('content-type') ?? ''
  if (type.split(';', 1)[0]?.trim().toLowerCase() === formType) return parseParameters(form)
  throw invalidRequest({
    description: `the body must be ${formType}`,
    check: 'content_type',
    expected: formType,
    received: printable(type, 100) || '(none)',
    fix: 'send the parameters as a form',
  })
}

/** Stops reading at the limit, whatever Content-Length says. */
export async function readBody(request: Request, mostBytes: number): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > mostBytes) throw tooLarge(mostBytes)
  if (!request.body) return ''
  // The platform never hands out more than Content-Length says.
  const bytes = request.headers.has('content-length')
    ? await request.arrayBuffer()
    : await readChunks(request.body, mostBytes)
  try {
    return fromUtf8(bytes)
  } catch {
    throw invalidRequest({
      description: 'the request body is not text in UTF-8',
      check: 'body',
      expected: 'text in UTF-8',
      received: 'other bytes',
      fix: 'encode the body as UTF-8',
    })
  }
}

async function readChunks(body: ReadableStream<Uint8Array>, mostBytes: number): Promise<Uint8Array> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concatBytes(...chunks)
    length += value.byteLength
    if (length > mostBytes) {
      await reader.cancel()
      throw tooLarge(mostBytes)
    }
    chunks.push(value)
  }
}

function tooLarge(mostBytes: number): OAuthError {
  return invalidRequest({
    description: 'the request body is too large',
    status: 413,
    check: 'body',
    expected: `at most ${mostBytes} bytes`,
    received: 'more',
    fix: 'send a smaller body',
  })
}

/** The value of one cookie of the request. */
export function readCookie(request: Request, name: string): string | undefined {
  const header = request.headers.get('cookie')
  if (!header) return undefined
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
