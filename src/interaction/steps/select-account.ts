// prompt=select_account (OIDC Core §3.1.2.1): this account, or another.

import { readSession } from '../../authentication/sessions.ts'
import { renderSelectAccount } from '../../pages/select-account.tsx'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { displayName, requireRequest, shownTo } from '../account/person-page.ts'
import { askNextStep, continueAuthorization, resume, showStep } from '../continue.ts'
import { requireOwnForm } from '../form-guard.ts'
import { frameOf, htmlPage, seeOther } from '../page.ts'

export async function showAccounts(context: RequestContext, incoming: Incoming): Promise<Response> {
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  const next = await askNextStep(context, ongoing, session)
  const { answer } = next
  if (answer.outcome !== 'step' || answer.step.kind !== 'select-account')
    return continueAuthorization(context, incoming, ongoing, next)

  const frame = frameOf(context, incoming.request, ongoing.request.ui_locales)
  const html = renderSelectAccount({
    frame,
    action: hrefOf(context.issuer, paths.selectAccount),
    interaction: interaction.sealed,
    shown: await shownTo(session, ongoing),
    client: ongoing.client,
    user: displayName(answer.person),
    username: String(answer.person.claims.preferred_username ?? ''),
  })
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

export async function selectAccount(context: RequestContext, incoming: Incoming): Promise<Response> {
  requireOwnForm(context, incoming.request)
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  if (incoming.parameters.get('decision') === 'other') {
    return seeOther(`${hrefOf(context.issuer, paths.login)}?interaction=${interaction.sealed}&account=other`)
  }
  const isShown = incoming.parameters.get('shown') === (await shownTo(session, ongoing))
  if (incoming.parameters.get('decision') !== 'continue' || !isShown) return showAccounts(context, incoming)
  return continueAuthorization(
    context,
    incoming,
    ongoing,
    await askNextStep(context, ongoing, session, { kind: 'select-account' }),
  )
}
