// Dispatches the rows of one section with itty-router. Matching is exact (SECURITY-CASES A32): the library's own patterns also accept a trailing slash, so
// each row brings its own regular expression.
import { type RouteEntry, Router } from 'itty-router'
import { guard } from '../admin/admin.ts'
import { paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import { readParameters } from '../request/incoming.ts'
import type { Handler, Route } from '../request/route.ts'
import { clientHint } from './client-hint.ts'
import { preflight } from './cross-origin.ts'
import { openContext } from './new-context.ts'
import { guardedRefusals, publicRefusals, type Refusals } from './refused-address.ts'
import { guardedRoutes, publicRoutes } from './routes.ts'

/** What the router is given: it reads `method` and `url`, and sets `params`. */
export interface Visit {
  request: Request
  /** The requested address. */
  address: URL
  /** The path below the issuer. */
  path: string
  method: string
  /** The path without its query, because the library parses the query of the URL it is given. */
  url: string
  params?: Record<string, string>
  /** The row that matched. (The library sets a `route` of its own, a string.) */
  row?: Route
}

export const visitOf = (request: Request, address: URL, path: string): Visit => ({
  request,
  address,
  path,
  method: request.method,
  url: `https://issuer.invalid${path}`,
})

type Step = (visit: Visit, context: RequestContext) => Promise<Response> | undefined

/** A section of the route table: rows that share a guard and an error form. */
interface Section {
  rows: { route: Route; pattern: RegExp }[]
  /** Returns undefined if no row has this method and path. */
  fetch(visit: Visit, context: RequestContext): Promise<Response | undefined>
  refusals: Refusals
}

const open = sectionOf(publicRoutes, publicRefusals)
const guarded = sectionOf(guardedRoutes, guardedRefusals, async (visit, context) => {
  await openContext(context)
  await guard(context, visit.request)
})

/** Whether the path belongs to the administration API, whose guard runs before its rows are matched. */
export const isGuarded = (path: string): boolean => path.startsWith(`${paths.admin}/`)

const sectionAt = (path: string): Section => (isGuarded(path) ? guarded : open)

/** Throws what the handler throws, and the section's 404, or 405 with Allow (RFC 9110 §15.5.6). */
export async function dispatch(context: RequestContext, visit: Visit): Promise<Response> {
  const section = sectionAt(visit.path)
  const response = await section.fetch(visit, context)
  if (response) return response
  const routes = routesAt(context, section, visit.path)
  visit.row = routes[0]
  if (routes.length === 0) throw section.refusals.nothingThere()
  const allow = routes.flatMap((route) => Object.keys(route.handlers)).join(', ')
  throw section.refusals.otherMethod(allow, visit.method)
}

/** The first row of a path, whatever its method. It states the form of an error that occurs before dispatch. */
export const findRoute = (context: RequestContext, path: string): Route | undefined =>
  routesAt(context, sectionAt(path), path)[0]

const routesAt = (context: RequestContext, { rows }: Section, path: string): Route[] =>
  rows.flatMap(({ route, pattern }) => (isServed(route, context) && pattern.test(path) ? [route] : []))

function sectionOf(
  routes: readonly Route[],
  refusals: Refusals,
  before?: (visit: Visit, context: RequestContext) => Promise<void>,
): Section {
  const rows = routes.map((route) => ({ route, pattern: exactly(route) }))
  const router = Router<Visit, [RequestContext]>({
    ...(before ? { before: [before] } : {}),
    routes: rows.flatMap(({ route, pattern }) => entriesOf(route, pattern, refusals)),
  })
  return { rows, refusals, fetch: (visit, context) => router.fetch(visit, context) }
}

function entriesOf(route: Route, pattern: RegExp, refusals: Refusals): RouteEntry[] {
  const entry = (method: string, step: Step): RouteEntry => [
    method,
    pattern,
    [step as unknown as RouteEntry[2][number]],
    route.path,
  ]
  const entries = Object.entries(route.handlers).map(([method, handler]) =>
    entry(method, (visit, context) =>
      isServed(route, context) ? serve(context, visit, route, handler, refusals) : undefined,
    ),
  )
  if (route.crossOrigin === 'none') return entries
  const answerPreflight: Step = async (visit) => {
    visit.row = route
    return preflight(visit.request, route)
  }
  return [...entries, entry('OPTIONS', answerPreflight)]
}

const isServed = (route: Route, context: RequestContext): boolean => route.isServed?.(context) ?? true

async function serve(
  context: RequestContext,
  visit: Visit,
  route: Route,
  handler: Handler<string>,
  refusals: Refusals,
): Promise<Response> {
  visit.row = route
  const { request, address, path } = visit
  const params = decode(visit.params ?? {}, refusals)
  if (route.query === 'own') return handler(context, { request, path, parameters: address.searchParams, params })
  const parameters = await readParameters(request, address, route.body)
  await openContext(context, () => clientHint(request, parameters, context.issuer))
  return handler(context, { request, path, parameters, params })
}

/** Decodes each parameter once. */
function decode(encoded: Record<string, string>, refusals: Refusals): Record<string, string> {
  const decoded: Record<string, string> = {}
  try {
    for (const name in encoded) decoded[name] = decodeURIComponent(encoded[name] ?? '')
  } catch {
    throw refusals.badlyEncoded()
  }
  return decoded
}

/** Letter case, slashes and percent-encoding are significant; a parameter is one segment. */
function exactly({ path, where = {} }: Route): RegExp {
  const source = path.replaceAll(/:(\w+)|\*|[.\\+?^$()[\]{}|]/g, (part, name: string | undefined) => {
    if (name) return `(?<${name}>${where[name] ?? '[^/]+'})`
    return part === '*' ? '.*' : `\\${part}`
  })
  return new RegExp(`^${source}$`)
}
