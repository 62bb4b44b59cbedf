// The authorization response in HTTP: a redirect (RFC 6749 §4.1.2), or a page whose form submits itself (OAuth 2.0 Form Post Response Mode).

import { renderFormPost } from '../pages/form-post.tsx'
import type { AuthorizationResponse } from '../protocol/authorization-response/authorization-response.ts'
import { encodeResponse } from '../protocol/authorization-response/response-modes.ts'
import type { RequestContext } from '../request/context.ts'
import { frameOf, htmlPage, seeOther } from './page.ts'

/** Sends the response in its response mode. `cookies` are Set-Cookie lines. */
export async function authorizationResponse(
  context: RequestContext,
  request: Request,
  response: AuthorizationResponse,
  cookies: readonly string[] = [],
): Promise<Response> {
  const encoded = await encodeResponse(response)
  if (encoded.kind === 'redirect') return seeOther(encoded.location, cookies)
  const frame = frameOf(context, request)
  const html = renderFormPost({ frame, action: encoded.action, parameters: encoded.fields })
  return htmlPage(html, frame.nonce, { cookies, hasScript: true, leadsToClient: true })
}
