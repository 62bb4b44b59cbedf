// "Remember my choice": which way this browser signs in. It says nothing of who.

import { cookie } from '../authentication/sessions.ts'
import type { RequestContext } from '../request/context.ts'
import { type Incoming, readCookie } from '../request/incoming.ts'

/** Seconds. */
const rememberedFor = 365 * 24 * 3600

/** A provider's id, or `local`. */
export const readChoice = ({ issuer }: RequestContext, request: Request): string | undefined =>
  readCookie(request, issuer.cookies.choice)

/** What the form says about it: remember this one, or, chosen anew without that, forget the last. */
export function choiceCookies(context: RequestContext, { request, parameters }: Incoming, choice: string): string[] {
  const { choice: name } = context.issuer.cookies
  if (parameters.has('remember_choice')) return [cookie(context, name, choice, rememberedFor)]
  return readCookie(request, name) === undefined ? [] : [cookie(context, name, '', 0)]
}
