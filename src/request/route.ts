// A row of the route table: everything that applies to an address before its handler runs, and to each of its responses.
import type { ParameterName } from './addresses.ts'
import type { RequestContext } from './context.ts'
import type { BodyRule, Incoming } from './incoming.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Handler<Name extends string = never> = (
  context: RequestContext,
  incoming: Incoming<Name>,
) => Promise<Response>

/** `json`: RFC 6749 §5.2. `page`: for a person. `problem`: RFC 9457. */
export type ErrorForm = 'json' | 'page' | 'problem'

/**
 * `public`: every origin may read the response. `client`: preflights pass for every origin, and the origins of the client concerned may read the response.
 * `none`: there is never a CORS header.
 */
export type CrossOrigin = 'public' | 'client' | 'none'

export interface Route<Path extends string = string> {
  /** The path below the issuer. `:name` is one segment that is not empty, `*` the rest of the path. */
  path: Path
  /** The form of a path parameter, as the source of a regular expression. Without one, any segment matches. */
  where?: Readonly<Record<string, string>>
  handlers: Partial<Record<Method, Handler<ParameterName<Path>>>>
  errors: ErrorForm
  crossOrigin: CrossOrigin
  body: BodyRule
  /** `strict`: read before the handler, with no parameter twice (RFC 6749 §3.1). `own`: left to the handler, as is the configuration. */
  query: 'strict' | 'own'
  /** If it returns false, the address answers 404. */
  isServed?(context: RequestContext): boolean
}

/** Ties the parameters of the path to what the handlers may read. */
export const route = <const Path extends string>(row: Route<Path>): Route => row as unknown as Route
