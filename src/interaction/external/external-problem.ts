// A failed sign-in by an external provider: the page shows the person a plain cause, and the login attempt records cause and fix for the
// administrator.

import { failedAttempt, recordAttempt } from '../../brokering/attempts.ts'
import { newId } from '../../grants/handles.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import type { BrokeringError, PublicCause } from '../../model/login-attempt.ts'
import { renderExternalProblem } from '../../pages/external-problem.tsx'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { type Interaction, sealInteraction } from '../interaction.ts'
import type { OngoingAuthorization } from '../ongoing-authorization.ts'
import { frameOf, htmlPage } from '../page.ts'

interface Problem {
  provider: ExternalProvider
  interaction: Interaction
  ongoing: OngoingAuthorization | undefined
  error: BrokeringError
  cookies: string[]
}

/** No status is 5xx: a failure of the external provider is not an outage of this service. */
const statusOf: Record<PublicCause, number> = {
  denied: 403,
  no_account: 403,
  account_disabled: 403,
  provisioning: 403,
  unreachable: 400,
  invalid_answer: 400,
  too_weak: 403,
  used: 400,
}

/** Causes that another account at the external provider could remedy. */
const wrongPerson: PublicCause[] = ['no_account', 'account_disabled']

/** Shows the error page. Never redirects: a sign-in that failed must not be tried again automatically, or it would loop. */
export async function showExternalProblem(
  context: RequestContext,
  { request }: Incoming,
  { provider, interaction, ongoing, error, cookies }: Problem,
): Promise<Response> {
  recordAttempt(context, failedAttempt(context, provider.provider_id, error))
  context.log({ outcome: 'access_denied' })
  const frame = frameOf(context, request, ongoing?.request.ui_locales)
  // A new id: an interaction can be finished only once, and this one may be finished already.
  const sealing = await sealInteraction(context, request, { ...interaction, id: newId() })
  // Without this, the external provider would return the same account again.
  const other = wrongPerson.includes(error.publicCause) ? '&account=other' : ''
  const html = renderExternalProblem({
    frame,
    provider: provider.name,
    cause: error.publicCause,
    client: ongoing?.client,
    tryAgainHref: `${hrefOf(context.issuer, paths.login)}?interaction=${sealing.sealed}&choose=1${other}`,
  })
  return htmlPage(html, frame.nonce, { status: statusOf[error.publicCause], cookies: [...cookies, ...sealing.cookies] })
}
