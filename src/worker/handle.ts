// One request from door to log line: address, limits, route, context, handler, error, headers. Nothing here knows a protocol.

import { handleAdmin } from '../admin/admin.ts'
import { noteRefusal } from '../grants/refusal-rings.ts'
import { OAuthError, Problem } from '../model/errors.ts'
import { defaultSettings } from '../model/settings.ts'
import { printable } from '../model/untrusted-text.ts'
import { networkOf, parseAddress } from '../outbound/internet-address.ts'
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'
import { paths } from '../request/addresses.ts'
import { openConfiguration } from '../request/configuration.ts'
import { hop, type Log, type RequestContext } from '../request/context.ts'
import { type Deployment, DeploymentError, deploymentOf } from '../request/deployment.ts'
import { type Incoming, mostUrlBytes, readParameters } from '../request/incoming.ts'
import { type Issuer, issuerAt } from '../request/issuer.ts'
import { clientHint } from './client-hint.ts'
import { crossOriginHeaders, preflight } from './cross-origin.ts'
import { servePlayground } from './playground.ts'
import { openRequestLog } from './request-log.ts'
import { asOAuthError, errorResponse } from './responses.ts'
import { findRoute, type Handler, type Method, type Route } from './routes.ts'

export async function handle(request: Request, env: Env, execution: ExecutionContext): Promise<Response> {
  const startedAt = Date.now()
  const requestId = crypto.randomUUID()
  let deployment: Deployment
  try {
    deployment = deploymentOf(env)
  } catch (error) {
    return misconfigured(error, requestId)
  }
  const url = new URL(request.url)
  const issuer = issuerAt(deployment.issuers, request.url)
  const elsewhere = canonicalAddress(url, issuer)
  if (elsewhere)
    return new Response(null, { status: 307, headers: { location: elsewhere, 'cache-control': 'no-store' } })

  const requestLog = openRequestLog()
  const context = newContext(request, env, execution, deployment, issuer, requestId, startedAt, requestLog.add)
  const path = pathBelowIssuer(url.pathname, issuer)
  const response = await answer(context, request, url, path)
  await finish(context, response, request, path)
  if (deployment.requestLog) requestLog.print(context, request.method, loggedPath(path), response.status)
  return response
}

async function answer(
  context: RequestContext,
  request: Request,
  url: URL,
  path: string | undefined,
): Promise<Response> {
  const isAdmin = path?.startsWith('/admin/api/') === true
  const route = path === undefined ? undefined : findRoute(path)
  try {
    if (request.url.length > mostUrlBytes)
      throw refusedAddress('the address is too long', 414, `at most ${mostUrlBytes} characters`)
    if (path !== undefined && isAdmin) {
      await openContext(context)
      return await handleAdmin(context, request, path.slice('/admin/api'.length))
    }
    if (path !== undefined && (path === '/playground' || path.startsWith('/playground/')))
      return await servePlayground(context, request, path)
    if (!route) throw refusedAddress('there is nothing at this address', 404, 'a path that discovery names')
    if (request.method === 'OPTIONS' && route.crossOrigin !== 'none') return preflight(request, route)
    return await serve(context, request, url, path ?? '', route)
  } catch (error) {
    // An error before the configuration was needed is shown with it; one that came of opening it is not tried again.
    if (asOAuthError(error).status < 500) await openContext(context).catch(() => undefined)
    return refuse(
      context,
      error,
      isAdmin ? 'problem' : (route?.errors ?? formFor(request)),
      request,
      path ?? url.pathname,
    )
  }
}

async function serve(
  context: RequestContext,
  request: Request,
  url: URL,
  path: string,
  route: Route,
): Promise<Response> {
  const handler = handlerOf(route, request)
  const parameters = await readParameters(request, url)
  await openContext(context, () => clientHint(request, parameters, context.issuer))
  const incoming: Incoming = { request, url, path, parameters }
  return handler(context, incoming)
}

async function refuse(
  context: RequestContext,
  error: unknown,
  form: Route['errors'],
  request: Request,
  path: string,
): Promise<Response> {
  const refusal = asOAuthError(error)
  if (form !== 'problem') {
    if (!(error instanceof OAuthError))
      context.fault = error instanceof Error ? (error.stack ?? error.message) : String(error)
    if (refusal.client_id) context.client ??= { client_id: printable(refusal.client_id, 200), knownBy: 'claim' }
    // What nobody can look up is not kept: addresses that do not exist, and our own outages, whose line in the log has to say it all.
    if (refusal.status < 500 && refusal.status !== 404) noteRefusal(context, path, refusal)
    if (refusal.status >= 500) context.fault ??= faultOf(refusal)
  }
  context.log({ outcome: error instanceof Problem && error.status < 500 ? 'refused' : refusal.code })
  return errorResponse(context, error, form, request)
}

const faultOf = ({ detail: { check, received, fix } }: OAuthError): string =>
  `${check}: ${[received, fix].filter((part) => part !== undefined).join('; ')}`

/** A known path with another method (RFC 9110 §15.5.6). */
function handlerOf(route: Route, request: Request): Handler {
  const handler = route.handlers[request.method as Method]
  if (handler) return handler
  const allow = Object.keys(route.handlers).join(', ')
  const detail = {
    check: 'method',
    expected: allow,
    received: request.method,
    fix: 'use the method of the specification',
  }
  throw new OAuthError('invalid_request', 'the method is not allowed here', detail, { status: 405, headers: { allow } })
}

function refusedAddress(description: string, status: number, expected: string): OAuthError {
  return new OAuthError(
    'invalid_request',
    description,
    { check: 'address', expected, received: 'another address' },
    { status },
  )
}

const formFor = (request: Request): 'page' | 'json' =>
  request.headers.get('accept')?.includes('text/html') ? 'page' : 'json'

function newContext(
  request: Request,
  env: Env,
  execution: ExecutionContext,
  deployment: Deployment,
  issuer: Issuer,
  requestId: string,
  now: number,
  log: Log,
): RequestContext {
  return {
    env,
    deployment,
    issuer,
    configuration: unopened,
    now,
    requestId,
    address: callerOf(request),
    hops: 0,
    client: undefined,
    fault: undefined,
    log,
    waitUntil: (promise) => execution.waitUntil(promise),
  }
}

/** Those who state no address, or one that cannot be read, share one allowance (SECURITY-CASES P06). */
function callerOf(request: Request): string {
  const address = request.headers.get('cf-connecting-ip') ?? ''
  return parseAddress(address) ? networkOf(address) : 'unknown'
}

/** Enough to show an error with. */
const unopened: RequestContext['configuration'] = {
  epoch: 0,
  settings: defaultSettings,
  scopes: new Map(),
  resources: [],
  keys: [],
  externalProviders: [],
  confirmedAt: 0,
  findClient: async () => undefined,
  refresh: async () => undefined,
}
const isConfigured = (context: RequestContext): boolean => context.configuration !== unopened

const noHint = async (): Promise<undefined> => undefined

async function openContext(context: RequestContext, hint: () => Promise<string | undefined> = noHint): Promise<void> {
  if (isConfigured(context)) return
  context.configuration = await openConfiguration(
    context.env.DB,
    hint,
    context.now,
    (read) => hop(context, 'D1', read),
    context.waitUntil,
  )
}

/** `npm start` writes one issuer; the other loopback names lead to it. Elsewhere the request's host changes nothing. */
function canonicalAddress(url: URL, issuer: Issuer): string | undefined {
  if (!issuer.isLoopback || url.origin === issuer.origin || !isLoopbackHost(url.hostname)) return undefined
  return `${issuer.origin}${url.pathname}${url.search}`
}

/** Undefined: outside the issuer. RFC 8414 §3.1 puts the well-known part before the issuer's path. */
function pathBelowIssuer(pathname: string, { basePath }: Issuer): string | undefined {
  if (basePath === '') return pathname
  if (pathname === paths.authorizationServerMetadata + basePath) return paths.authorizationServerMetadata
  if (pathname === basePath) return '/'
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : undefined
}

async function finish(
  context: RequestContext,
  response: Response,
  request: Request,
  path: string | undefined,
): Promise<void> {
  const { headers } = response
  headers.set('x-request-id', context.requestId)
  headers.set('x-content-type-options', 'nosniff')
  if (!context.issuer.isLoopback) headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains')
  const origin = request.headers.get('origin')
  const route = path === undefined ? undefined : findRoute(path)
  if (route && route.crossOrigin !== 'none' && (origin !== null || route.crossOrigin === 'public')) {
    await crossOriginHeaders(context, headers, route, origin)
  }
}

/** An address that does not exist may hold anything, a secret too. */
const loggedPath = (path: string | undefined): string =>
  path !== undefined && (findRoute(path) || path.startsWith('/admin/api/')) ? path : '(other)'

/** Nothing is served with half a configuration; the fix is named to whoever looks, the values are not. */
function misconfigured(error: unknown, requestId: string): Response {
  if (!(error instanceof DeploymentError)) throw error
  console.error(
    JSON.stringify({ level: 'error', request_id: requestId, message: 'misconfigured', faults: error.faults }),
  )
  const body = { error: 'server_error', error_description: 'this provider is not configured', faults: error.faults }
  return Response.json(body, { status: 503, headers: { 'cache-control': 'no-store', 'x-request-id': requestId } })
}
