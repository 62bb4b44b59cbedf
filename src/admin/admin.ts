/**
 * The administration API: guard, then query, body and handler, in this order for every route.
 * The routes are in table.ts, one file per resource.
 */

import { OAuthError } from '../model/errors.ts'
import { problemOf } from '../model/problems.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import type { Handler, Route } from '../request/route.ts'
import type { AdminRoute, Outcome, Page } from './admin-route.ts'
import { readJson } from './body.ts'
import { authenticateOperator } from './guard.ts'
import { parseValue } from './schema-faults.ts'

const mostBytes = 64 * 1024

/** A row of table.ts as a row of the Worker's route table. Its handler reports every fault as a Problem, never as an OAuthError. */
export function asRoute(route: AdminRoute): Route {
  const path = `${paths.admin}/${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`
  const handler: Handler<string> = (context, incoming) => inProblems(() => answer(context, incoming, route))
  return {
    path,
    handlers: { [route.method]: handler },
    errors: 'problem',
    crossOrigin: 'none',
    body: route.body ? { kind: 'json', mostBytes } : { kind: 'none' },
    query: 'own',
  }
}

async function answer(
  context: RequestContext,
  { request, params }: Incoming<string>,
  route: AdminRoute,
): Promise<Response> {
  const { searchParams } = new URL(request.url)
  const call = {
    params,
    query: route.query && parseValue(route.query, parametersOf(searchParams)),
    body: route.body && parseValue(route.body, await readJson(request, mostBytes)),
    page: parsePage(searchParams),
  }
  return respond(await route.handle(context, call))
}

/** Runs before any route is matched (SECURITY-CASES D01, D04). Throws a Problem. */
export const guard = (context: RequestContext, request: Request): Promise<void> =>
  inProblems(() => authenticateOperator(context, request))

async function inProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof OAuthError ? problemOf(error) : error
  }
}

function respond({ status, body }: Outcome<unknown>): Response {
  const headers = { 'cache-control': 'no-store' }
  return status === 204 ? new Response(null, { status, headers }) : Response.json(body, { status, headers })
}

/** The query parameters except those of a page. */
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
