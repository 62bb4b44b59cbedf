// prompt=select_account (OIDC Core §3.1.2.1): this account, or another.

import { readSession } from '../../authentication/sessions.ts'
import { renderSelectAccount } from '../../pages/select-account.tsx'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { displayName, requireRequest, shownTo } from '../account/person-page.ts'
import { advance, goOn, goToStep, resume } from '../continue.ts'
import { requireOwnForm } from '../form-guard.ts'
import { frameOf, htmlPage, seeOther } from '../page.ts'

export async function showAccounts(incoming: Incoming, context: RequestContext): Promise<Response> {
  const { interaction, judged } = requireRequest(await resume(incoming, context))
  const session = await readSession(incoming.request, context)
  if (!session) return goToStep(incoming, context, judged, { kind: 'sign-in' })
  const advanced = await advance(context, judged, session)
  const { answer } = advanced
  if (answer.outcome !== 'step' || answer.step.kind !== 'select-account')
    return goOn(incoming, context, judged, advanced)

  const frame = frameOf(incoming.request, context, judged.request.ui_locales)
  const html = renderSelectAccount({
    frame,
    action: `${context.settings.basePath}/account/select`,
    interaction: interaction.sealed,
    shown: await shownTo(session, judged),
    client: judged.client,
    user: displayName(answer.person),
    username: String(answer.person.claims.preferred_username ?? ''),
  })
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

export async function selectAccount(incoming: Incoming, context: RequestContext): Promise<Response> {
  requireOwnForm(incoming.request, context)
  const { interaction, judged } = requireRequest(await resume(incoming, context))
  const session = await readSession(incoming.request, context)
  if (!session) return goToStep(incoming, context, judged, { kind: 'sign-in' })
  if (incoming.parameters.get('decision') === 'other') {
    return seeOther(`${context.settings.basePath}/account/login?interaction=${interaction.sealed}&account=other`)
  }
  const isShown = incoming.parameters.get('shown') === (await shownTo(session, judged))
  if (incoming.parameters.get('decision') !== 'continue' || !isShown) return showAccounts(incoming, context)
  return goOn(incoming, context, judged, await advance(context, judged, session, { kind: 'select-account' }))
}
