// The end of a sign-in when no step is left (protocol/next-step.ts decides that): a code for the client, or the account page if there is no
// client. A device or CIBA request will be a further kind of delivery.

import { browserState, sessionState } from '../authentication/sessions.ts'
import { type Handle, sealHandle } from '../grants/handles.ts'
import { compact } from '../model/record.ts'
import type { ValidatedAuthorizationRequest } from '../protocol/authorization-request/authorization-request.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { seeOther } from './page.ts'
import { authorizationResponse } from './send-authorization-response.ts'

export type Delivery =
  /** The Subject has issued the code. */
  { kind: 'code'; request: ValidatedAuthorizationRequest; code: Handle } | { kind: 'account' }

/** Redirects to the client with the code, or to the account page. `cookies` are set in that response. */
export async function deliver(
  context: RequestContext,
  incoming: Incoming,
  delivery: Delivery,
  cookies: string[] = [],
): Promise<Response> {
  if (delivery.kind === 'account') return seeOther(hrefOf(context.issuer, paths.account), cookies)
  const { request, code } = delivery
  const state = stateAfter(context, incoming, cookies)
  const parameters = compact({
    code: await sealHandle(context, 'code', code),
    state: request.state,
    iss: context.issuer.url,
    session_state: await sessionState(request.client_id, request.redirect_uri, state.value),
  })
  const { redirect_uri, response_mode } = request
  const all = state.setCookie ? [...cookies, state.setCookie] : cookies
  return authorizationResponse(context, incoming.request, { redirect_uri, response_mode, parameters }, all)
}

/** Returns the browser state for session_state. A sign-in in this request has already set a new one in `cookies`. */
function stateAfter(
  context: RequestContext,
  incoming: Incoming,
  cookies: string[],
): { value: string; setCookie?: string } {
  const prefix = `${context.issuer.cookies.state}=`
  const fresh = cookies.find((each) => each.startsWith(prefix))
  return fresh ? { value: fresh.slice(prefix.length, fresh.indexOf(';')) } : browserState(context, incoming.request)
}
