// The callback of an external provider: verifies its response, finds or provisions the user, and begins a session.
// Sequential round trips: token endpoint, userinfo if needed, the directory (twice if the user changes), the person's Subject.

import { failedAttempt, recordAttempt, succeededAttempt } from '../../brokering/attempts.ts'
import { completeUpstreamLogin } from '../../brokering/client/sign-in.ts'
import { type ResolvedUser, resolveUser } from '../../brokering/provisioning/provision-user.ts'
import { fromUtf8, utf8 } from '../../crypto/encoding.ts'
import type { UpstreamSession } from '../../grants/subject/sessions.ts'
import { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { accessDenied } from '../../model/oauth-errors.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { beginSession, type Proof, type SignedIn } from '../begin-session.ts'
import { continueAuthorization } from '../continue.ts'
import { deliver } from '../deliver.ts'
import { sealInteraction } from '../interaction.ts'
import { clientError, type OngoingAuthorization, reauthoriseInteraction } from '../ongoing-authorization.ts'
import { seeOther } from '../page.ts'
import { assertionSigner, callbackAddress } from './external-login.ts'
import { showExternalProblem } from './external-problem.ts'
import { type OpenedState, openExternalState, providerOf } from './external-state.ts'

/** Our own query parameter: a POSTed response, sealed, that the browser repeats by GET. */
const resumedResponse = 'sealed_response'
/** Milliseconds. */
const resumeWithin = 600_000

export async function externalCallback(context: RequestContext, incoming: Incoming<'provider_id'>): Promise<Response> {
  // response_mode=form_post is a POST from another site, which carries no SameSite=Lax cookie. A redirect to ourselves by GET carries it.
  if (incoming.request.method === 'POST') return resumeByGet(context, incoming)
  const response = { ...incoming, parameters: await responseParameters(context, incoming) }
  const state = await openExternalState(context, response, incoming.params.provider_id)
  const provider = providerOf(context, state)
  if (!provider) throw providerGone(state.provider_id)
  const { provider_id } = provider
  context.log({ idp: provider_id })
  const { interaction } = state
  // The client or its redirect URIs may have changed while the person was at the external provider.
  const ongoing = await reauthoriseInteraction(context, interaction)
  try {
    return await signIn(context, response, { state, provider, ongoing })
  } catch (error) {
    if (error instanceof BrokeringError)
      return showExternalProblem(context, incoming, {
        provider,
        interaction,
        ongoing,
        error,
        cookies: [state.clearedCookie],
      })
    if (isOutage(error)) recordAttempt(context, failedAttempt(context, provider_id, outage(context)))
    throw error
  }
}

const isOutage = (error: unknown): boolean => !(error instanceof OAuthError) || error.status >= 500

function outage({ fault }: RequestContext): BrokeringError {
  return new BrokeringError({
    step: 'session',
    check: 'outage',
    publicCause: 'unreachable',
    cause: `A part of this service did not answer: ${fault ?? 'see the log'}.`,
    fix: 'Look for the request id in the log and at /health; the person can sign in again.',
    outcome: 'failed',
  })
}

interface ReturnedSignIn {
  state: OpenedState
  provider: ExternalProvider
  ongoing: OngoingAuthorization | undefined
}

async function signIn(
  context: RequestContext,
  incoming: Incoming,
  { state, provider, ongoing }: ReturnedSignIn,
): Promise<Response> {
  const { provider_id } = provider
  const upstreamResponse = {
    provider,
    redirect_uri: callbackAddress(context, provider_id),
    secret: state.secret,
    parameters: incoming.parameters,
  }
  const login = await completeUpstreamLogin(context, upstreamResponse, assertionSigner(context, provider))
  const resolved = await resolveUser(context, provider, login)
  const proof = await proofOf(context, { state, provider, login, resolved })
  const session = await beginSession(context, incoming, ongoing, proof)
  if (session.outcome !== 'signed_in') throw disabled(provider, login, resolved)
  recordAttempt(context, succeededAttempt(context, provider_id, login, resolved.person.user_id, resolved.changes))
  return finishSignIn(context, incoming, { state, ongoing, session })
}

async function proofOf(
  context: RequestContext,
  {
    state,
    provider,
    login,
    resolved,
  }: { state: OpenedState; provider: ExternalProvider; login: UpstreamLogin; resolved: ResolvedUser },
): Promise<Proof> {
  const upstream: UpstreamSession = {
    provider_id: provider.provider_id,
    issuer: login.issuer,
    subject: login.subject,
    sid: login.sid ?? null,
    id_token:
      login.id_token === undefined ? null : await context.issuer.sealer.seal('upstream-id-token', utf8(login.id_token)),
  }
  return {
    person: resolved.person,
    isConfirmed: true,
    remember: state.remember,
    authenticated_at: authenticatedAt(context, state, login),
    selected_at: context.now,
    // OIDC Core §2: "0" claims no level of assurance.
    acr: login.acr ?? '0',
    amr: login.amr ?? ['external'],
    idp: provider.provider_id,
    upstream,
  }
}

/**
 * Returns auth_time in milliseconds, or 0 if the external provider does not state it. An authentication during this round trip counts as of
 * now by our clock, to avoid skew.
 */
function authenticatedAt(context: RequestContext, state: OpenedState, login: UpstreamLogin): number {
  const at = login.authenticated_at
  if (at === undefined) return 0
  const skew = context.configuration.settings.clock_skew * 1000
  return at >= state.begun_at - skew ? context.now : at
}

async function finishSignIn(
  context: RequestContext,
  incoming: Incoming,
  { state, ongoing, session }: { state: OpenedState; ongoing: OngoingAuthorization | undefined; session: SignedIn },
): Promise<Response> {
  const { next } = session
  const all = [...session.cookies, state.clearedCookie]
  if (!ongoing || !next) return deliver(context, incoming, { kind: 'account' }, all)
  const { result } = next
  if (result.outcome !== 'step' || result.step.kind !== 'sign-in')
    return continueAuthorization(context, incoming, ongoing, next, all)
  return stepUp(context, incoming, ongoing, all)
}

/**
 * The external provider's authentication does not satisfy the request (max_age, prompt=login, acr). Shows the login page for a local
 * password, or throws an error for the client if local accounts are off. Never redirects to the external provider again, which would loop.
 */
async function stepUp(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization,
  cookies: string[],
): Promise<Response> {
  if (!context.configuration.settings.allow_local_accounts) {
    throw clientError(ongoing, 'unmet_authentication_requirements', 'the provider did not authenticate as asked', {
      check: 'step_up',
      expected: 'an authentication as new and as strong as the application asks for (max_age, prompt, acr)',
      received: 'an older or weaker one',
      fix: 'let the provider honour prompt, max_age and acr_values and state auth_time and acr, or ask for less',
    }).withCookies(cookies)
  }
  const sealing = await sealInteraction(context, incoming.request, ongoing.interaction)
  const location = `${hrefOf(context.issuer, paths.login)}?interaction=${sealing.sealed}&choose=1&problem=not_fresh`
  return seeOther(location, [...cookies, ...sealing.cookies])
}

async function resumeByGet(context: RequestContext, { path, parameters }: Incoming): Promise<Response> {
  const content = JSON.stringify({ v: 1, at: context.now, parameters: parameters.toString() })
  const sealed = await context.issuer.sealer.seal('external-response', utf8(content))
  return seeOther(`${hrefOf(context.issuer, path)}?${resumedResponse}=${sealed}`)
}

async function responseParameters(context: RequestContext, { parameters }: Incoming): Promise<URLSearchParams> {
  const sealed = parameters.get(resumedResponse)
  if (sealed === null) return parameters
  const opened = await context.issuer.sealer.open('external-response', sealed)
  const content = opened && (JSON.parse(fromUtf8(opened)) as { v: number; at: number; parameters: string })
  // An unreadable response is treated like one without `state`; the state check rejects it.
  if (content?.v !== 1 || context.now - content.at > resumeWithin) return new URLSearchParams()
  return new URLSearchParams(content.parameters)
}

function disabled(
  provider: ExternalProvider,
  { issuer, subject }: UpstreamLogin,
  { person, changes }: ResolvedUser,
): BrokeringError {
  return new BrokeringError({
    step: 'session',
    check: 'enabled',
    publicCause: 'account_disabled',
    cause: `The user ${person.user_id} was disabled at the moment of signing in by ${provider.name}.`,
    fix: 'Enable the user if this person may sign in.',
    known: { issuer, subject, user_id: person.user_id },
    changes,
  })
}

function providerGone(providerId: string): OAuthError {
  return accessDenied({
    description: 'this way of signing in was switched off',
    check: 'identity_provider',
    expected: 'the external provider to which the person was sent, still enabled',
    received: `${providerId}, disabled, deleted or created again`,
    fix: 'enable the external provider, then start again from the application',
  })
}
