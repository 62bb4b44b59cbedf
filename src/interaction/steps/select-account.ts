// prompt=select_account (OIDC Core §3.1.2.1): the person continues with this account or chooses another.

import { readSession } from '../../authentication/sessions.ts'
import { renderSelectAccount } from '../../pages/select-account.tsx'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { displayName, formBinding, requireRequest } from '../account/person-page.ts'
import { askNextStep, continueAuthorization, showStep } from '../continue.ts'
import { requireOwnForm } from '../form-guard.ts'
import { resume } from '../ongoing-authorization.ts'
import { frameOf, htmlPage, seeOther } from '../page.ts'

/** GET: shows the page if account selection is the next step, and continues the authorization otherwise. */
export async function showAccounts(context: RequestContext, incoming: Incoming): Promise<Response> {
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  const next = await askNextStep(context, ongoing, session)
  const { result } = next
  if (result.outcome !== 'step' || result.step.kind !== 'select-account')
    return continueAuthorization(context, incoming, ongoing, next)

  const frame = frameOf(context, incoming.request, ongoing.request.ui_locales)
  const html = renderSelectAccount({
    frame,
    action: hrefOf(context.issuer, paths.selectAccount),
    interaction: interaction.sealed,
    shown: await formBinding(session, ongoing),
    client: ongoing.client,
    user: displayName(result.person),
    username: String(result.person.claims.preferred_username ?? ''),
  })
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

/** POST: continues with this account if the form belongs to this session and request, or redirects to the login page for another account. */
export async function selectAccount(context: RequestContext, incoming: Incoming): Promise<Response> {
  requireOwnForm(context, incoming.request)
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  if (incoming.parameters.get('decision') === 'other') {
    return seeOther(`${hrefOf(context.issuer, paths.login)}?interaction=${interaction.sealed}&account=other`)
  }
  const isCurrentForm = incoming.parameters.get('shown') === (await formBinding(session, ongoing))
  if (incoming.parameters.get('decision') !== 'continue' || !isCurrentForm) return showAccounts(context, incoming)
  return continueAuthorization(
    context,
    incoming,
    ongoing,
    await askNextStep(context, ongoing, session, { kind: 'select-account' }),
  )
}
