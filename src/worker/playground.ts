// The playground: static files of an ordinary client, served in development only.

import { OAuthError } from '../model/errors.ts'
import type { RequestContext } from '../request/context.ts'

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

export async function servePlayground(context: RequestContext, request: Request, path: string): Promise<Response> {
  const { deployment, issuer, env } = context
  if (!deployment.playground || request.method !== 'GET') {
    const detail = {
      check: 'playground',
      expected: 'PLAYGROUND=on, which is for development',
      received: 'another setting',
    }
    throw new OAuthError('invalid_request', 'there is nothing at this address', detail, { status: 404 })
  }
  if (path === '/playground') {
    const location = `${issuer.url}/playground/${new URL(request.url).search}`
    return new Response(null, { status: 302, headers: { location, 'cache-control': 'no-store' } })
  }
  const file = await env.ASSETS.fetch(new URL(path, issuer.origin))
  const response = new Response(file.body, file)
  response.headers.set('content-security-policy', policy)
  response.headers.set('referrer-policy', 'same-origin')
  response.headers.set('cache-control', 'no-store')
  return response
}
