// A row of the route table: everything that holds for an address before its handler runs, and for every answer it gives.
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
 * `public`: anybody may read the answer. `client`: preflights pass for any origin, the answer is for origins of the client concerned.
 * `none`: no CORS header, ever.
 */
export type CrossOrigin = 'public' | 'client' | 'none'

export interface Route<Path extends string = string> {
  /** Below the issuer. `:name` stands for one segment that is not empty, `*` for whatever follows. */
  path: Path
  /** What a parameter of the path must look like, as the source of a regular expression; any segment where nothing is said. */
  where?: Readonly<Record<string, string>>
  handlers: Partial<Record<Method, Handler<ParameterName<Path>>>>
  errors: ErrorForm
  crossOrigin: CrossOrigin
  body: BodyRule
  /** `strict`: read before the handler, with no parameter twice (RFC 6749 §3.1). `own`: left to the handler, as is the configuration. */
  query: 'strict' | 'own'
  /** Where this is false there is nothing at the address. */
  isServed?(context: RequestContext): boolean
}

/** Ties the parameters of the path to what the handlers may read. */
export const route = <const Path extends string>(row: Route<Path>): Route => row as unknown as Route
