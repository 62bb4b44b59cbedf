// The checks before a request has a context: whether the deployment is valid, and which path below the issuer was requested.
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'
import { paths } from '../request/addresses.ts'
import { DeploymentError } from '../request/deployment.ts'
import type { Issuer } from '../request/issuer.ts'

/** For an issuer on loopback, the address of the same path at the issuer's own name; other issuers ignore the Host header. Returns undefined if no redirect is needed. */
export function redirectToIssuer(url: URL, issuer: Issuer): Response | undefined {
  if (!issuer.isLoopback || url.origin === issuer.origin || !isLoopbackHost(url.hostname)) return undefined
  const location = `${issuer.origin}${url.pathname}${url.search}`
  return new Response(null, { status: 307, headers: { location, 'cache-control': 'no-store' } })
}

/** Returns undefined outside the issuer. RFC 8414 §3.1 puts the well-known part before the issuer's path. */
export function pathBelowIssuer(pathname: string, { basePath }: Issuer): string | undefined {
  if (basePath === '') return pathname
  if (pathname === paths.authorizationServerMetadata + basePath) return paths.authorizationServerMetadata
  if (pathname === basePath) return paths.home
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : undefined
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
