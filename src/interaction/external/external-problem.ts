// A sign-in by an external provider that came to nothing: said to the person in their words, kept for the operator with cause and fix.
import { failedAttempt, recordAttempt } from '../../brokering/attempts.ts'
import { newId } from '../../grants/handles.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import type { BrokeringError, PublicCause } from '../../model/login-attempt.ts'
import { renderExternalProblem } from '../../pages/external-problem.tsx'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import type { OngoingAuthorization } from '../continue.ts'
import { type Interaction, sealInteraction } from '../interaction.ts'
import { frameOf, htmlPage } from '../page.ts'

interface Problem {
  provider: ExternalProvider
  interaction: Interaction
  ongoing: OngoingAuthorization | undefined
  error: BrokeringError
  cookies: string[]
}

/** Another server's fault is no outage of ours: nothing here is 5xx. */
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

const wrongPerson: PublicCause[] = ['no_account', 'account_disabled']

/** Never a redirect: what fails once must not be tried again and again by itself. */
export async function showExternalProblem(
  context: RequestContext,
  { request }: Incoming,
  { provider, interaction, ongoing, error, cookies }: Problem,
): Promise<Response> {
  recordAttempt(context, failedAttempt(context, provider.provider_id, error))
  context.log({ outcome: 'access_denied' })
  const frame = frameOf(context, request, ongoing?.request.ui_locales)
  // SessionOutcome anew: an interaction is finished once, and this one may have been.
  const begun = await sealInteraction(context, request, { ...interaction, id: newId() })
  // The provider would send the same person again, unless it is asked to let them choose.
  const other = wrongPerson.includes(error.publicCause) ? '&account=other' : ''
  const html = renderExternalProblem({
    frame,
    provider: provider.name,
    cause: error.publicCause,
    client: ongoing?.client,
    tryAgainHref: `${hrefOf(context.issuer, paths.login)}?interaction=${begun.sealed}&choose=1${other}`,
  })
  return htmlPage(html, frame.nonce, { status: statusOf[error.publicCause], cookies: [...cookies, ...begun.cookies] })
}
