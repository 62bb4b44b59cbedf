/**
 * The operators' interface (DESIGN §8): guard, route, body, handler, in this order and for every route alike.
 * What there is to operate stands in table.ts, one file per resource.
 */

import { OAuthError, Problem } from '../model/errors.ts'
import { problemOf } from '../model/problems.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import type { RequestContext } from '../request/context.ts'
import { readJson } from './body.ts'
import { authenticateOperator } from './guard.ts'
import type { AdminRoute, Outcome, Page } from './route.ts'
import { parseValue } from './schema-faults.ts'
import { adminRoutes } from './table.ts'

/** `path` is what follows /admin/api, with its slash. Throws a Problem for whatever the operator is told, and no OAuthError. */
export async function handleAdmin(context: RequestContext, request: Request, path: string): Promise<Response> {
  try {
    await authenticateOperator(context, request)
    const { route, params } = findRoute(request.method, path)
    const { searchParams } = new URL(request.url)
    const call = {
      params,
      query: route.query && parseValue(route.query, parametersOf(searchParams)),
      body: route.body && parseValue(route.body, await readJson(request)),
      page: parsePage(searchParams),
    }
    return respond(await route.handle(context, call))
  } catch (error) {
    throw error instanceof OAuthError ? problemOf(error) : error
  }
}

function respond({ status, body }: Outcome<unknown>): Response {
  const headers = { 'cache-control': 'no-store' }
  return status === 204 ? new Response(null, { status, headers }) : Response.json(body, { status, headers })
}

function findRoute(method: string, path: string): { route: AdminRoute; params: Record<string, string> } {
  const segments = path.replace(/^\//, '').split('/')
  const candidates = adminRoutes.flatMap((route) => {
    const params = matchPath(route.path, segments)
    return params ? [{ route, params }] : []
  })
  const match = candidates.find(({ route }) => route.method === method)
  if (match) return match
  if (candidates.length === 0) throw new Problem(404, 'There is no such resource')
  const allow = candidates.map(({ route }) => route.method).join(', ')
  throw new Problem(405, `This resource takes ${allow}`, { headers: { allow } })
}

function matchPath(pattern: string, segments: string[]): Record<string, string> | undefined {
  const expected = pattern.split('/')
  if (expected.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of expected.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    const segment = segments[index] ?? ''
    if (name) params[name] = decodeSegment(segment)
    else if (part !== segment) return undefined
  }
  return Object.values(params).includes('') ? undefined : params
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Problem(400, 'The path is not well encoded')
  }
}

/** Besides those of a page. */
function parametersOf(query: URLSearchParams): Record<string, string> {
  const parameters: Record<string, string> = {}
  query.forEach((value, name) => {
    if (name !== 'limit' && name !== 'after') parameters[name] = value
  })
  return parameters
}

const defaultLimit = 50
const mostItems = 500

function parsePage(query: URLSearchParams): Page {
  const text = query.get('limit') ?? String(defaultLimit)
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > mostItems) refuseFaults({ limit: `must be a number from 1 to ${mostItems}` })
  return { limit, after: query.get('after') ?? '' }
}
