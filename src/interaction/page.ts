// HTML responses: the frame and nonce of a page, and the headers that every page carries (RFC 9700 §4.2.4, §4.16).

import { base64url, randomBytes } from '../crypto/encoding.ts'
import type { PageFrame } from '../pages/layout.tsx'
import { chooseLocale } from '../pages/locale.ts'
import type { RequestContext } from '../request/context.ts'

export interface PageOptions {
  status?: number
  cookies?: readonly string[]
  headers?: Record<string, string>
  /** Allows the script that submits the form. */
  hasScript?: boolean
  /** Omits form-action: the form may end in a redirect to a client, and Chromium applies form-action to the whole redirect chain. */
  leadsToClient?: boolean
}

export function frameOf(context: RequestContext, request: Request, uiLocales?: string[]): PageFrame {
  const { settings } = context.configuration
  return {
    locale: chooseLocale(uiLocales, request.headers.get('accept-language'), settings.default_locale),
    nonce: base64url(randomBytes(16)),
    requestId: context.requestId,
    product: settings.display_name,
  }
}

export function htmlPage(html: string, nonce: string, options: PageOptions = {}): Response {
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' https: data:",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(options.hasScript ? [`script-src 'nonce-${nonce}'`] : []),
    ...(options.leadsToClient ? [] : ["form-action 'self'"]),
  ]
  const headers = new Headers({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy.join('; '),
    'x-frame-options': 'DENY',
    // Under no-referrer Chromium sends `Origin: null` even to its own origin.
    'referrer-policy': 'same-origin',
    ...options.headers,
  })
  for (const cookie of options.cookies ?? []) headers.append('set-cookie', cookie)
  return new Response(html, { status: options.status ?? 200, headers })
}

/** Redirects with 303, so that the next request is a GET without a body, whatever the method was (RFC 9700 §4.12). */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers })
}
