// Builders of the rows that most endpoints share.
import type { BodyRule } from '../../request/incoming.ts'
import { type Route, route } from '../../request/route.ts'

export const noBody: BodyRule = { kind: 'none' }
export const form: BodyRule = { kind: 'form', mostBytes: 64 * 1024 }

/** A page and the target of its form. No other origin may read the response. */
export const page = <const Path extends string>(
  path: Path,
  handlers: Route<Path>['handlers'],
  where: Route<Path>['where'] = {},
): Route => route<Path>({ path, where, handlers, errors: 'page', crossOrigin: 'none', body: form, query: 'strict' })
