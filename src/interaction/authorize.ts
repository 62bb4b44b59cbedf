// Authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2) by GET and POST.

import { readSession } from '../authentication/sessions.ts'
import { fromUtf8, utf8 } from '../crypto/encoding.ts'
import type { OAuthError } from '../model/errors.ts'
import { invalidRequest } from '../model/oauth-errors.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { askNextStep, continueAuthorization, showStep, stepWithoutSession } from './continue.ts'
import { beginInteraction } from './ongoing-authorization.ts'
import { seeOther } from './page.ts'

/** Our own query parameter: a POSTed request, sealed, that the browser repeats by GET. */
const resumed = 'sealed_request'
/** Milliseconds. */
const resumeWithin = 600_000

export async function authorize(context: RequestContext, incoming: Incoming): Promise<Response> {
  const session = await readSession(context, incoming.request)
  // A POST from another site carries no SameSite=Lax cookie. A redirect to ourselves by GET carries it, so that the session is found.
  if (incoming.request.method === 'POST' && !session) return resumeByGet(context, incoming)

  const ongoing = await beginInteraction(context, await requestParameters(context, incoming))
  if (session) return continueAuthorization(context, incoming, ongoing, await askNextStep(context, ongoing, session))
  const step = stepWithoutSession(context, ongoing)
  if (step.kind === 'respond') throw new Error('a request without a session cannot be complete')
  return showStep(context, incoming, ongoing, step)
}

async function resumeByGet(context: RequestContext, incoming: Incoming): Promise<Response> {
  const content = JSON.stringify({ v: 1, at: context.now, parameters: incoming.parameters.toString() })
  const sealed = await context.issuer.sealer.seal('authorization-request', utf8(content))
  if (sealed.length > 8 * 1024)
    throw cannotResume({ expected: 'a request of at most 6 KB', received: `${content.length} bytes` })
  return seeOther(`${hrefOf(context.issuer, paths.authorize)}?${resumed}=${sealed}`)
}

async function requestParameters(context: RequestContext, { parameters }: Incoming): Promise<URLSearchParams> {
  const sealed = parameters.get(resumed)
  if (sealed === null) return parameters
  const opened = await context.issuer.sealer.open('authorization-request', sealed)
  if (!opened) throw cannotResume({ expected: 'a request sealed here', received: 'a changed one' })
  const content = JSON.parse(fromUtf8(opened)) as { v: number; at: number; parameters: string }
  if (content.v !== 1 || context.now - content.at > resumeWithin)
    throw cannotResume({ expected: 'a request of the last ten minutes', received: 'an older one' })
  return new URLSearchParams(content.parameters)
}

const cannotResume = (detail: { expected: string; received: string }): OAuthError =>
  invalidRequest({
    description: 'the request cannot be resumed',
    check: 'sealed_request',
    ...detail,
    fix: 'start again from the application',
  })
