// Consent (OIDC Core §3.1.2.4): what the client will get, and the person's answer, remembered by scope and claim.

import { readSession } from '../../authentication/sessions.ts'
import type { Person } from '../../model/person.ts'
import { type ConsentItem, renderConsent } from '../../pages/consent.tsx'
import type { Locale } from '../../pages/layout.tsx'
import { requestedClaims, type Step } from '../../protocol/next-step.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { displayName, requireRequest, shownTo } from '../account/person-page.ts'
import {
  askNextStep,
  clientError,
  continueAuthorization,
  type OngoingAuthorization,
  resume,
  showStep,
} from '../continue.ts'
import { requireOwnForm } from '../form-guard.ts'
import { frameOf, htmlPage } from '../page.ts'

/** GET: shows the page if consent is what is missing, and goes on otherwise. */
export async function showConsent(context: RequestContext, incoming: Incoming): Promise<Response> {
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  const next = await askNextStep(context, ongoing, session)
  const { answer } = next
  if (answer.outcome !== 'step' || answer.step.kind !== 'consent')
    return continueAuthorization(context, incoming, ongoing, next)

  const frame = frameOf(context, incoming.request, ongoing.request.ui_locales)
  const html = renderConsent({
    frame,
    action: hrefOf(context.issuer, paths.consent),
    interaction: interaction.sealed,
    shown: await shownTo(session, ongoing),
    client: ongoing.client,
    user: displayName(answer.person),
    items: itemsOf(context, ongoing, answer.step, answer.person, frame.locale),
    claims: requestedClaims(ongoing.request),
  })
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

/** POST: what is allowed is what the sealed request asks for, never what the form says, and only by whom the page was shown to. */
export async function consent(context: RequestContext, incoming: Incoming): Promise<Response> {
  requireOwnForm(context, incoming.request)
  const { ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  const decision = incoming.parameters.get('decision')
  if (decision === 'deny') {
    throw clientError(ongoing, 'access_denied', 'the person did not allow it', {
      check: 'consent',
      expected: 'consent',
      received: 'a refusal by the person',
      fix: 'nothing: this is the person’s own answer',
    })
  }
  const isShown = incoming.parameters.get('shown') === (await shownTo(session, ongoing))
  if (decision !== 'allow' || !isShown) return showConsent(context, incoming)
  const choice = { kind: 'consent' as const, scopes: ongoing.request.scope, claims: requestedClaims(ongoing.request) }
  return continueAuthorization(context, incoming, ongoing, await askNextStep(context, ongoing, session, choice))
}

function itemsOf(
  context: RequestContext,
  { request }: OngoingAuthorization,
  step: Extract<Step, { kind: 'consent' }>,
  person: Person,
  locale: Locale,
): ConsentItem[] {
  return request.scope.map((name) => {
    const scope = context.configuration.scopes.get(name)
    const [title, description] = [
      scope?.title?.[locale] ?? scope?.title?.en,
      scope?.description?.[locale] ?? scope?.description?.en,
    ]
    return {
      scope: name,
      ...(title ? { title } : {}),
      ...(description ? { description } : {}),
      claims: (scope?.claims ?? []).map((entry) => entry.claim).filter((claim) => Object.hasOwn(person.claims, claim)),
      isNew: step.new_scopes.includes(name),
    }
  })
}
