// Serves the playground, the static files of an ordinary public client, in development only.

import { addressOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export async function redirectToPlayground({ issuer }: RequestContext, { request }: Incoming): Promise<Response> {
  const location = addressOf(issuer, paths.playgroundIndex) + new URL(request.url).search
  return new Response(null, { status: 302, headers: { location, 'cache-control': 'no-store' } })
}

export async function playgroundFile({ issuer, env }: RequestContext, { path }: Incoming): Promise<Response> {
  const file = await env.ASSETS.fetch(new URL(path, issuer.origin))
  const response = new Response(file.body, file)
  response.headers.set('content-security-policy', policy)
  response.headers.set('referrer-policy', 'same-origin')
  response.headers.set('cache-control', 'no-store')
  return response
}
