// Dispatches the rows of the route table with itty-router. The library's own patterns also accept a trailing slash, so each row brings its own regular
// expression (exact-path.ts).
import { type RouteEntry, Router } from 'itty-router'
import { guard } from '../admin/admin.ts'
import { paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import { readParameters } from '../request/incoming.ts'
import type { Issuer } from '../request/issuer.ts'
import type { Handler, Route } from '../request/route.ts'
import { clientHint } from './client-hint.ts'
import { preflight } from './cross-origin.ts'
import { exactPath, isLiteral, pathBelowIssuer } from './exact-path.ts'
import { openContext } from './new-context.ts'
import { guardedRefusals, publicRefusals, type Refusals } from './refused-address.ts'
import { guardedRoutes, publicRoutes } from './routes.ts'

/** What the router is given: it reads `method` and `url`, and sets `params`. */
export interface Visit {
  request: Request
  method: string
  url: string
  params?: Record<string, string>
  /** The row that matched. (The library sets a `route` of its own, a string.) */
  row?: Route
}

export const visitOf = (request: Request): Visit => ({ request, method: request.method, url: request.url })

/** Returns the path below the issuer, or undefined outside of it. The hot path does without: the router has parsed the URL already. */
export const pathOf = ({ url }: Visit, issuer: Issuer): string | undefined =>
  pathBelowIssuer(new URL(url).pathname, issuer)

type Step = (visit: Visit, context: RequestContext) => Promise<Response> | undefined

/** A section of the route table: rows that share a guard and an error form. */
interface Section {
  rows: readonly Row[]
  refusals: Refusals
  /** Returns undefined if no row has this method and path. */
  router: { fetch(visit: Visit, context: RequestContext): Promise<Response | undefined> }
}

interface Row {
  route: Route
  pattern: RegExp
}

interface Sections {
  open: Section
  guarded: Section
}

/** The patterns contain the base path of their issuer. */
const known = new WeakMap<Issuer, Sections>()

function sectionsOf(issuer: Issuer): Sections {
  let sections = known.get(issuer)
  if (!sections) {
    sections = createSections(issuer)
    known.set(issuer, sections)
  }
  return sections
}

function createSections(issuer: Issuer): Sections {
  const rowsOf = (routes: readonly Route[]) => routes.map((route) => ({ route, pattern: exactPath(route, issuer) }))
  const entries = (rows: Row[], refusals: Refusals) => rows.flatMap((row) => entriesOf(row, refusals))

  const guardedRows = rowsOf(guardedRoutes)
  const guarded: Section = {
    rows: guardedRows,
    refusals: guardedRefusals,
    router: Router<Visit, [RequestContext]>({
      before: [enterGuarded as (visit: Visit) => Promise<void>],
      routes: entries(guardedRows, guardedRefusals),
    }),
  }
  const openRows = rowsOf(publicRoutes)
  const toGuarded: Step = (visit, context) => dispatchIn(guarded, context, visit)
  const belowAdmin = exactPath({ path: `${paths.admin}/*` }, issuer)
  const open: Section = {
    rows: openRows,
    refusals: publicRefusals,
    router: Router<Visit, [RequestContext]>({
      routes: [...entries(openRows, publicRefusals), entry('ALL', belowAdmin, toGuarded)],
    }),
  }
  return { open, guarded }
}

/** The guard of the administration API runs before its rows are matched (SECURITY-CASES D01, D04). */
async function enterGuarded(visit: Visit, context: RequestContext): Promise<void> {
  await openContext(context)
  await guard(context, visit.request)
}

/** Whether the path belongs to the administration API. */
export const isGuarded = (path: string): boolean => path.startsWith(`${paths.admin}/`)

/** Throws what the handler throws, and the section's 404, or 405 with Allow (RFC 9110 §15.5.6). */
export const dispatch = (context: RequestContext, visit: Visit): Promise<Response> =>
  dispatchIn(sectionsOf(context.issuer).open, context, visit)

async function dispatchIn(section: Section, context: RequestContext, visit: Visit): Promise<Response> {
  const response = await section.router.fetch(visit, context)
  if (response) return response
  const routes = routesAt(context, section, visit)
  if (routes.length === 0) throw section.refusals.nothingThere()
  const allow = routes.flatMap((route) => Object.keys(route.handlers)).join(', ')
  throw section.refusals.otherMethod(allow, visit.method)
}

/** The first public row of an address, whatever its method. It states the form of an error that occurs before a row has matched. */
export const findRoute = (context: RequestContext, visit: Visit): Route | undefined =>
  routesAt(context, sectionsOf(context.issuer).open, visit)[0]

function routesAt(context: RequestContext, { rows }: Section, { url }: Visit): Route[] {
  const { pathname } = new URL(url)
  return rows.flatMap(({ route, pattern }) => (isServed(route, context) && pattern.test(pathname) ? [route] : []))
}

const entry = (method: string, pattern: RegExp, step: Step): RouteEntry => [
  method,
  pattern,
  [step as unknown as RouteEntry[2][number]],
]

function entriesOf({ route, pattern }: Row, refusals: Refusals): RouteEntry[] {
  const entries = Object.entries(route.handlers).map(([method, handler]) =>
    entry(method, pattern, (visit, context) =>
      isServed(route, context) ? serve(context, visit, route, handler, refusals) : undefined,
    ),
  )
  if (route.crossOrigin === 'none') return entries
  const answerPreflight: Step = async (visit) => {
    visit.row = route
    return preflight(visit.request, route)
  }
  return [...entries, entry('OPTIONS', pattern, answerPreflight)]
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
  const { request } = visit
  const path = isLiteral(route) ? route.path : (pathOf(visit, context.issuer) ?? route.path)
  const params = decode(visit.params ?? {}, refusals)
  if (route.query === 'own') return handler(context, { request, path, parameters: new URLSearchParams(), params })
  const parameters = await readParameters(request, route.body)
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
