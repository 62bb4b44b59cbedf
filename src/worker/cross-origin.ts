// Cross-origin resource sharing (DESIGN §7): any origin may read documents, a client's own origins may read responses to that client, no origin may read
// pages.

import type { Client } from '../model/client.ts'
import type { RequestContext } from '../request/context.ts'
import type { Route } from '../request/route.ts'

/** Allows every origin except `null`, without credentials. Whether an origin may read the response is decided with the response. */
export function preflight(request: Request, route: Route): Response {
  const origin = request.headers.get('origin')
  if (origin === null || origin === 'null') return new Response(null, { status: 204 })
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': route.crossOrigin === 'public' ? '*' : origin,
      'access-control-allow-methods': Object.keys(route.handlers).join(', '),
      'access-control-allow-headers': 'authorization, content-type, dpop',
      'access-control-max-age': '3600',
      vary: 'origin',
    },
  })
}

export async function crossOriginHeaders(
  context: RequestContext,
  headers: Headers,
  route: Route,
  origin: string | null,
): Promise<void> {
  if (route.crossOrigin === 'public') {
    headers.set('access-control-allow-origin', '*')
    return
  }
  headers.append('vary', 'origin')
  const clientId = context.client?.client_id
  if (origin === null || origin === 'null' || clientId === undefined) return
  // The response is complete. If D1 fails now, the response is sent without a CORS header, so the other origin cannot read it.
  const client = await context.configuration.findClient(clientId).catch(() => undefined)
  if (!client || !originsOf(client).has(origin)) return
  headers.set('access-control-allow-origin', origin)
  headers.set('access-control-expose-headers', 'www-authenticate, dpop-nonce, x-request-id')
}

function originsOf(client: Client): Set<string> {
  const ofRedirects = client.redirect_uris
    .map((uri) => URL.parse(uri)?.origin ?? '')
    .filter((origin) => origin !== 'null')
  return new Set([...ofRedirects, ...client.client_origins])
}
