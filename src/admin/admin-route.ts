// The definition of a route of the administration API. The same value parses requests and becomes the OpenAPI document.
import * as z from 'zod/mini'
import type { RequestContext } from '../request/context.ts'

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

/** `users/{user_id}/password` → `'user_id'`. */
type ParameterName<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterName<Rest>
  : never

export interface Page {
  limit: number
  /** Key of the last item already seen; '' for none. */
  after: string
}

export interface Call<Name extends string, Body, Query> {
  params: Record<Name, string>
  body: Body
  query: Query
  page: Page
}

/** `body` is the JSON of the response; absent with 204. */
export interface Outcome<Body> {
  status: 200 | 201 | 204
  body?: Body
}

export interface AdminRoute {
  method: Method
  /** Below /admin/api/, with `{name}` for each parameter. */
  path: string
  summary: string
  description?: string
  /** Takes `limit` and `after`. */
  isPaged: boolean
  /** Schema of the query parameters except those of a page: an object of texts. Unknown parameters are refused. */
  query: z.ZodMiniType | undefined
  body: z.ZodMiniType | undefined
  answer: z.ZodMiniType | undefined
  handle(context: RequestContext, call: Call<string, unknown, unknown>): Promise<Outcome<unknown>>
}

interface RouteDefinition<
  Path extends string,
  Body extends z.ZodMiniType,
  Answer extends z.ZodMiniType,
  Query extends z.ZodMiniType,
> {
  method: Method
  path: Path
  summary: string
  description?: string
  isPaged?: boolean
  query?: Query
  body?: Body
  answer?: Answer
  handle(
    context: RequestContext,
    call: Call<ParameterName<Path>, z.output<Body>, z.output<Query>>,
  ): Promise<Outcome<z.input<Answer>>>
}

/** Ties the types of path, query, body and response to the handler's. */
export function route<
  const Path extends string,
  Body extends z.ZodMiniType = z.ZodMiniUndefined,
  Answer extends z.ZodMiniType = z.ZodMiniUndefined,
  Query extends z.ZodMiniType = z.ZodMiniUndefined,
>(definition: RouteDefinition<Path, Body, Answer, Query>): AdminRoute {
  return {
    isPaged: false,
    query: undefined,
    body: undefined,
    answer: undefined,
    ...definition,
  } as AdminRoute
}

/** One page of a list, and the `after` of the next page if there may be one. */
export const pageOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.object({ items: z.array(item), next: z.nullable(z.string()) })

export function page<Item>({ limit }: Page, items: Item[], keyOf: (item: Item) => string): Outcome<PageBody<Item>> {
  const last = items.length === limit ? items.at(-1) : undefined
  return { status: 200, body: { items, next: last === undefined ? null : keyOf(last) } }
}

interface PageBody<Item> {
  items: Item[]
  next: string | null
}

export const ok = <Body>(body: Body): Outcome<Body> => ({ status: 200, body })
export const saved = <Body>(body: Body, isNew: boolean): Outcome<Body> => ({ status: isNew ? 201 : 200, body })
export const done: Outcome<undefined> = { status: 204 }
