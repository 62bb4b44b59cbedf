// Consent (OIDC Core §3.1.2.4): shows what the client will receive, and records the person's decision by scope and claim.

import { readSession } from '../../authentication/sessions.ts'
import type { Person } from '../../model/person.ts'
import { type ConsentItem, renderConsent } from '../../pages/consent.tsx'
import type { Locale } from '../../pages/layout.tsx'
import { requestedClaims, type Step } from '../../protocol/next-step.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { displayName, formBinding, requireRequest } from '../account/person-page.ts'
import { askNextStep, continueAuthorization, showStep } from '../continue.ts'
import { requireOwnForm } from '../form-guard.ts'
import { clientError, type OngoingAuthorization, resume } from '../ongoing-authorization.ts'
import { frameOf, htmlPage } from '../page.ts'

/** GET: shows the page if consent is the next step, and continues the authorization otherwise. */
export async function showConsent(context: RequestContext, incoming: Incoming): Promise<Response> {
  const { interaction, ongoing } = requireRequest(await resume(context, incoming))
  const session = await readSession(context, incoming.request)
  if (!session) return showStep(context, incoming, ongoing, { kind: 'sign-in' })
  const next = await askNextStep(context, ongoing, session)
  const { result } = next
  if (result.outcome !== 'step' || result.step.kind !== 'consent')
    return continueAuthorization(context, incoming, ongoing, next)

  const frame = frameOf(context, incoming.request, ongoing.request.ui_locales)
  const html = renderConsent({
    frame,
    action: hrefOf(context.issuer, paths.consent),
    interaction: interaction.sealed,
    shown: await formBinding(session, ongoing),
    client: ongoing.client,
    user: displayName(result.person),
    items: itemsOf(context, ongoing, result.step, result.person, frame.locale),
    claims: requestedClaims(ongoing.request),
  })
  return htmlPage(html, frame.nonce, { leadsToClient: true })
}

/** POST: grants what the sealed request asks for, never what the form says, and only if the form belongs to this session and request. */
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
  const isCurrentForm = incoming.parameters.get('shown') === (await formBinding(session, ongoing))
  if (decision !== 'allow' || !isCurrentForm) return showConsent(context, incoming)
  const pageInput = {
    kind: 'consent' as const,
    scopes: ongoing.request.scope,
    claims: requestedClaims(ongoing.request),
  }
  return continueAuthorization(context, incoming, ongoing, await askNextStep(context, ongoing, session, pageInput))
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
