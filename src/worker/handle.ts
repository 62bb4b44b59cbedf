// One request from arrival to log line: deployment, context, route, handler, error, headers. Nothing here depends on a protocol.
import { noteRefusal } from '../grants/refusal-rings.ts'
import { OAuthError, Problem } from '../model/errors.ts'
import { printable } from '../model/untrusted-text.ts'
import type { RequestContext } from '../request/context.ts'
import { type Deployment, deploymentOf } from '../request/deployment.ts'
import { mostUrlBytes } from '../request/incoming.ts'
import { type Issuer, issuerAt } from '../request/issuer.ts'
import type { ErrorForm } from '../request/route.ts'
import { crossOriginHeaders } from './cross-origin.ts'
import { misconfigured, redirectToIssuer } from './door.ts'
import { isLiteral } from './exact-path.ts'
import { newContext, openContext } from './new-context.ts'
import { refusedAddress } from './refused-address.ts'
import { openRequestLog } from './request-log.ts'
import { asOAuthError, errorResponse } from './responses.ts'
import { dispatch, findRoute, isGuarded, pathOf, type Visit, visitOf } from './router.ts'

export async function handle(request: Request, env: Env, execution: ExecutionContext): Promise<Response> {
  const now = Date.now()
  const requestId = crypto.randomUUID()
  let deployment: Deployment
  try {
    deployment = deploymentOf(env)
  } catch (error) {
    return misconfigured(error, requestId)
  }
  const visit = visitOf(request)
  const issuer = issuerAt(deployment.issuers, visit.url)
  const elsewhere = redirectToIssuer(visit.url, issuer)
  if (elsewhere) return elsewhere

  const requestLog = openRequestLog()
  const context = newContext(request, execution, { env, deployment, issuer, now, requestId, log: requestLog.add })
  const response = await answer(context, visit)
  await addHeaders(context, response, visit)
  if (deployment.requestLog) requestLog.print(context, visit.method, loggedPath(visit, issuer), response.status)
  return response
}

async function answer(context: RequestContext, visit: Visit): Promise<Response> {
  try {
    if (visit.url.length > mostUrlBytes)
      throw refusedAddress('the address is too long', 414, `at most ${mostUrlBytes} characters`)
    return await dispatch(context, visit)
  } catch (error) {
    // An error page needs the configuration (name, locale). If reading it was the error, it is not read again.
    if (asOAuthError(error).status < 500) await openContext(context).catch(() => undefined)
    visit.row ??= findRoute(context, visit)
    return refuse(context, error, visit)
  }
}

function formOf({ row, request }: Visit, path: string | undefined): ErrorForm {
  if (path !== undefined && isGuarded(path)) return 'problem'
  return row?.errors ?? (request.headers.get('accept')?.includes('text/html') ? 'page' : 'json')
}

async function refuse(context: RequestContext, error: unknown, visit: Visit): Promise<Response> {
  const path = pathOf(visit, context.issuer)
  const form = formOf(visit, path)
  const refusal = asOAuthError(error)
  if (form !== 'problem') {
    if (!(error instanceof OAuthError))
      context.fault = error instanceof Error ? (error.stack ?? error.message) : String(error)
    if (refusal.client_id) context.client ??= { client_id: printable(refusal.client_id, 200), knownBy: 'claim' }
    // Unknown addresses and our own outages are not recorded as refusals: the log line of an outage says everything.
    if (refusal.status < 500 && refusal.status !== 404)
      noteRefusal(context, path ?? new URL(visit.url).pathname, refusal)
    if (refusal.status >= 500) context.fault ??= faultOf(refusal)
  }
  context.log({ outcome: error instanceof Problem && error.status < 500 ? 'refused' : refusal.code })
  return errorResponse(context, error, form, visit.request)
}

const faultOf = ({ detail: { check, received, fix } }: OAuthError): string =>
  `${check}: ${[received, fix].filter((part) => part !== undefined).join('; ')}`

async function addHeaders(context: RequestContext, { headers }: Response, visit: Visit): Promise<void> {
  headers.set('x-request-id', context.requestId)
  headers.set('x-content-type-options', 'nosniff')
  if (!context.issuer.isLoopback) headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains')
  const origin = visit.request.headers.get('origin')
  const { row: route } = visit
  if (route && route.crossOrigin !== 'none' && (origin !== null || route.crossOrigin === 'public')) {
    await crossOriginHeaders(context, headers, route, origin)
  }
}

/** What a caller chose freely is not logged, since it may contain a secret: the path of an unknown address, the end of a path with `*`. */
function loggedPath(visit: Visit, issuer: Issuer): string {
  if (visit.row && (isLiteral(visit.row) || visit.row.path.endsWith('*'))) return visit.row.path
  const path = pathOf(visit, issuer)
  return path !== undefined && (visit.row || isGuarded(path)) ? path : '(other)'
}
