// Authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2) by GET and POST.

import { readSession } from '../authentication/sessions.ts'
import { fromUtf8, utf8 } from '../crypto/encoding.ts'
import { OAuthError } from '../model/errors.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { askNextStep, beginInteraction, continueAuthorization, showStep, stepWithoutSession } from './continue.ts'
import { seeOther } from './page.ts'

/** Not a registered parameter: a POSTed request that came back to us by GET. */
const resumed = 'sealed_request'
const resumeWithin = 600_000

export async function authorize(context: RequestContext, incoming: Incoming): Promise<Response> {
  const session = await readSession(context, incoming.request)
  // A POST from another site carries no Lax cookie: as a GET to ourselves it does, and finds the session (DESIGN §7).
  if (incoming.request.method === 'POST' && !session) return resumeByGet(context, incoming)

  const ongoing = await beginInteraction(context, await requestParameters(context, incoming))
  if (session) return continueAuthorization(context, incoming, ongoing, await askNextStep(context, ongoing, session))
  const step = stepWithoutSession(context, ongoing)
  if (step.kind === 'respond') throw new Error('nobody is signed in')
  return showStep(context, incoming, ongoing, step)
}

async function resumeByGet(context: RequestContext, incoming: Incoming): Promise<Response> {
  const content = JSON.stringify({ v: 1, at: context.now, parameters: incoming.parameters.toString() })
  const sealed = await context.issuer.sealer.seal('authorization-request', utf8(content))
  if (sealed.length > 8 * 1024) throw unusable('a request of at most 6 KB', `${content.length} bytes`)
  return seeOther(`${hrefOf(context.issuer, paths.authorize)}?${resumed}=${sealed}`)
}

async function requestParameters(context: RequestContext, { parameters }: Incoming): Promise<URLSearchParams> {
  const sealed = parameters.get(resumed)
  if (sealed === null) return parameters
  const opened = await context.issuer.sealer.open('authorization-request', sealed)
  if (!opened) throw unusable('a request sealed here', 'a changed one')
  const content = JSON.parse(fromUtf8(opened)) as { v: number; at: number; parameters: string }
  if (content.v !== 1 || context.now - content.at > resumeWithin)
    throw unusable('a request of the last ten minutes', 'an older one')
  return new URLSearchParams(content.parameters)
}

function unusable(expected: string, received: string): OAuthError {
  const detail = { check: 'sealed_request', expected, received, fix: 'start again from the application' }
  return new OAuthError('invalid_request', 'the request cannot be resumed', detail)
}
