// "Remember my choice": a cookie that holds how this browser signs in. It does not identify the person.

import { cookie } from '../authentication/sessions.ts'
import type { RequestContext } from '../request/context.ts'
import { type Incoming, readCookie } from '../request/incoming.ts'

/** Seconds. */
const rememberedFor = 365 * 24 * 3600

/** Returns the id of an external provider, or `local`. */
export const readChoice = ({ issuer }: RequestContext, request: Request): string | undefined =>
  readCookie(request, issuer.cookies.choice)

/** Stores `choice` if the form asks to remember it. Otherwise deletes the previous choice. */
export function choiceCookies(context: RequestContext, { request, parameters }: Incoming, choice: string): string[] {
  const { choice: name } = context.issuer.cookies
  if (parameters.has('remember_choice')) return [cookie(context, name, choice, rememberedFor)]
  return readCookie(request, name) === undefined ? [] : [cookie(context, name, '', 0)]
}
