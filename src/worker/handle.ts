// One request from arrival to log line: deployment, context, route, handler, error, headers. Nothing here depends on a protocol.
import { noteRefusal } from '../grants/refusal-rings.ts'
import { OAuthError, Problem } from '../model/errors.ts'
import { printable } from '../model/untrusted-text.ts'
import type { RequestContext } from '../request/context.ts'
import { type Deployment, deploymentOf } from '../request/deployment.ts'
import { mostUrlBytes } from '../request/incoming.ts'
import { issuerAt } from '../request/issuer.ts'
import type { ErrorForm } from '../request/route.ts'
import { crossOriginHeaders } from './cross-origin.ts'
import { misconfigured, pathBelowIssuer, redirectToIssuer } from './door.ts'
import { newContext, openContext } from './new-context.ts'
import { publicRefusals, refusedAddress } from './refused-address.ts'
import { openRequestLog } from './request-log.ts'
import { asOAuthError, errorResponse } from './responses.ts'
import { dispatch, findRoute, isGuarded, type Visit, visitOf } from './router.ts'

export async function handle(request: Request, env: Env, execution: ExecutionContext): Promise<Response> {
  const now = Date.now()
  const requestId = crypto.randomUUID()
  let deployment: Deployment
  try {
    deployment = deploymentOf(env)
  } catch (error) {
    return misconfigured(error, requestId)
  }
  const address = new URL(request.url)
  const issuer = issuerAt(deployment.issuers, request.url)
  const elsewhere = redirectToIssuer(address, issuer)
  if (elsewhere) return elsewhere

  const requestLog = openRequestLog()
  const context = newContext(request, execution, { env, deployment, issuer, now, requestId, log: requestLog.add })
  const path = pathBelowIssuer(address.pathname, issuer)
  const visit = path === undefined ? undefined : visitOf(request, address, path)
  const response = await answer(context, request, visit)
  await addHeaders(context, response, request, visit)
  if (deployment.requestLog) requestLog.print(context, request.method, loggedPath(visit), response.status)
  return response
}

/** `visit` is undefined outside the issuer. */
async function answer(context: RequestContext, request: Request, visit: Visit | undefined): Promise<Response> {
  try {
    if (request.url.length > mostUrlBytes)
      throw refusedAddress('the address is too long', 414, `at most ${mostUrlBytes} characters`)
    if (!visit) throw publicRefusals.nothingThere()
    return await dispatch(context, visit)
  } catch (error) {
    // An error page needs the configuration (name, locale). If reading it was the error, it is not read again.
    if (asOAuthError(error).status < 500) await openContext(context).catch(() => undefined)
    if (visit) visit.row ??= findRoute(context, visit.path)
    return refuse(context, error, formOf(request, visit), request, visit?.path ?? new URL(request.url).pathname)
  }
}

function formOf(request: Request, visit: Visit | undefined): ErrorForm {
  if (visit && isGuarded(visit.path)) return 'problem'
  return visit?.row?.errors ?? (request.headers.get('accept')?.includes('text/html') ? 'page' : 'json')
}

async function refuse(
  context: RequestContext,
  error: unknown,
  form: ErrorForm,
  request: Request,
  path: string,
): Promise<Response> {
  const refusal = asOAuthError(error)
  if (form !== 'problem') {
    if (!(error instanceof OAuthError))
      context.fault = error instanceof Error ? (error.stack ?? error.message) : String(error)
    if (refusal.client_id) context.client ??= { client_id: printable(refusal.client_id, 200), knownBy: 'claim' }
    // Unknown addresses and our own outages are not recorded as refusals: the log line of an outage says everything.
    if (refusal.status < 500 && refusal.status !== 404) noteRefusal(context, path, refusal)
    if (refusal.status >= 500) context.fault ??= faultOf(refusal)
  }
  context.log({ outcome: error instanceof Problem && error.status < 500 ? 'refused' : refusal.code })
  return errorResponse(context, error, form, request)
}

const faultOf = ({ detail: { check, received, fix } }: OAuthError): string =>
  `${check}: ${[received, fix].filter((part) => part !== undefined).join('; ')}`

async function addHeaders(
  context: RequestContext,
  { headers }: Response,
  request: Request,
  visit: Visit | undefined,
): Promise<void> {
  headers.set('x-request-id', context.requestId)
  headers.set('x-content-type-options', 'nosniff')
  if (!context.issuer.isLoopback) headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains')
  const origin = request.headers.get('origin')
  const route = visit?.row
  if (route && route.crossOrigin !== 'none' && (origin !== null || route.crossOrigin === 'public')) {
    await crossOriginHeaders(context, headers, route, origin)
  }
}

/** What a caller chose freely is not logged, since it may contain a secret: the path of an unknown address, the end of a path with `*`. */
function loggedPath(visit: Visit | undefined): string {
  if (!visit || !(visit.row || isGuarded(visit.path))) return '(other)'
  return visit.row?.path.endsWith('*') ? visit.row.path : visit.path
}
