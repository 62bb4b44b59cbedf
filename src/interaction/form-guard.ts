// Cross-site request forgery (RFC 9700 §4.7): only our own pages may submit our forms.

import { accessDenied } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'

/** Throws access_denied (403) unless the form was sent from our own origin. `Origin: null` never passes. */
export function requireOwnForm(context: RequestContext, request: Request): void {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const isOwn = site === null ? origin === context.issuer.origin : site === 'same-origin'
  if (isOwn) return
  throw accessDenied({
    description: 'the form was not sent by a page of this provider',
    check: 'origin',
    expected: `Sec-Fetch-Site: same-origin, or Origin: ${context.issuer.origin}`,
    received: `Sec-Fetch-Site: ${site ?? '(none)'}, Origin: ${origin ?? '(none)'}`,
    fix: 'open the page at the address of AUTHORITY_URL; a proxy in between must leave Origin and Sec-Fetch-Site alone',
  })
}
