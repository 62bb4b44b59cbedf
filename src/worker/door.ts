// The checks before a request has a context: whether the deployment is valid, and whether the address is the issuer's own.
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'
import { DeploymentError } from '../request/deployment.ts'
import type { Issuer } from '../request/issuer.ts'

/** For an issuer on loopback, the address of the same path at the issuer's own name; other issuers ignore the Host header. Returns undefined if no redirect is needed. */
export function redirectToIssuer(address: string, issuer: Issuer): Response | undefined {
  if (!issuer.isLoopback || address.startsWith(`${issuer.origin}/`)) return undefined
  const url = new URL(address)
  if (url.origin === issuer.origin || !isLoopbackHost(url.hostname)) return undefined
  const location = `${issuer.origin}${url.pathname}${url.search}`
  return new Response(null, { status: 307, headers: { location, 'cache-control': 'no-store' } })
}

/** An invalid deployment serves nothing. The response names each fault and its fix, but no value. */
export function misconfigured(error: unknown, requestId: string): Response {
  if (!(error instanceof DeploymentError)) throw error
  console.error(
    JSON.stringify({ level: 'error', request_id: requestId, message: 'misconfigured', faults: error.faults }),
  )
  const body = { error: 'server_error', error_description: 'this provider is not configured', faults: error.faults }
  return Response.json(body, { status: 503, headers: { 'cache-control': 'no-store', 'x-request-id': requestId } })
}
