// Back from an external provider: what it says is verified, matched with a user, and becomes a session like any other.
// Sequential round trips: token endpoint, userinfo at most, the directory (twice when it changes), the person's Subject.
import { failedAttempt, recordAttempt, succeededAttempt } from '../../brokering/attempts.ts'
import { completeUpstreamLogin } from '../../brokering/client/sign-in.ts'
import { type ResolvedUser, resolveUser } from '../../brokering/provisioning/provision-user.ts'
import { fromUtf8, utf8 } from '../../crypto/encoding.ts'
import type { UpstreamSession } from '../../grants/subject/sessions.ts'
import { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { beginSession, type Proof, type SessionOutcome } from '../begin-session.ts'
import { clientError, continueAuthorization, type OngoingAuthorization, reauthoriseInteraction } from '../continue.ts'
import { deliver } from '../deliver.ts'
import { sealInteraction } from '../interaction.ts'
import { seeOther } from '../page.ts'
import { assertionSigner, callbackAddress } from './external-login.ts'
import { showExternalProblem } from './external-problem.ts'
import { type OpenedState, openExternalState, providerOf } from './external-state.ts'

/** Not a registered parameter: a POSTed answer that came back to us by GET. */
const resumedResponse = 'sealed_response'
const resumeWithin = 600_000

export async function externalCallback(context: RequestContext, incoming: Incoming<'provider_id'>): Promise<Response> {
  // response_mode=form_post is a POST from another site, which carries no Lax cookie; as a GET to ourselves it does (DESIGN §7).
  if (incoming.request.method === 'POST') return resumeByGet(context, incoming)
  const answer = { ...incoming, parameters: await answerParameters(context, incoming) }
  const state = await openExternalState(context, answer, incoming.params.provider_id)
  const provider = providerOf(context, state)
  if (!provider) throw providerGone(state.provider_id)
  const { provider_id } = provider
  context.log({ idp: provider_id })
  const { interaction } = state
  // Client and redirect URI may have changed while the person was away.
  const ongoing = await reauthoriseInteraction(context, interaction)
  try {
    return await signIn(context, answer, { state, provider, ongoing })
  } catch (error) {
    if (error instanceof BrokeringError)
      return showExternalProblem(context, incoming, { provider, interaction, ongoing, error, cookies: [state.spent] })
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

interface Return {
  state: OpenedState
  provider: ExternalProvider
  ongoing: OngoingAuthorization | undefined
}

async function signIn(
  context: RequestContext,
  incoming: Incoming,
  { state, provider, ongoing }: Return,
): Promise<Response> {
  const { provider_id } = provider
  const answer = {
    provider,
    redirect_uri: callbackAddress(context, provider_id),
    secret: state.secret,
    parameters: incoming.parameters,
  }
  const login = await completeUpstreamLogin(context, answer, assertionSigner(context, provider))
  const arrival = await resolveUser(context, provider, login)
  const proof = await proofOf(context, { state, provider, login, arrival })
  const begun = await beginSession(context, incoming, ongoing, proof)
  if (begun.outcome !== 'begun') throw disabled(provider, login, arrival)
  recordAttempt(context, succeededAttempt(context, provider_id, login, arrival.person.user_id, arrival.changes))
  return leave(context, incoming, state, ongoing, begun)
}

async function proofOf(
  context: RequestContext,
  {
    state,
    provider,
    login,
    arrival,
  }: { state: OpenedState; provider: ExternalProvider; login: UpstreamLogin; arrival: ResolvedUser },
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
    person: arrival.person,
    isConfirmed: true,
    remember: state.remember,
    authenticated_at: authenticatedAt(context, state, login),
    selected_at: context.now,
    // OIDC Core §2: "0" is what nobody vouches for.
    acr: login.acr ?? '0',
    amr: login.amr ?? ['external'],
    idp: provider.provider_id,
    upstream,
  }
}

/** Milliseconds. An authentication since the person left us is of now: the provider's clock is not ours. 0: it does not say. */
function authenticatedAt(context: RequestContext, state: OpenedState, login: UpstreamLogin): number {
  const at = login.authenticated_at
  if (at === undefined) return 0
  const skew = context.configuration.settings.clock_skew * 1000
  return at >= state.begun_at - skew ? context.now : at
}

async function leave(
  context: RequestContext,
  incoming: Incoming,
  state: OpenedState,
  ongoing: OngoingAuthorization | undefined,
  { next, cookies }: Extract<SessionOutcome, { outcome: 'begun' }>,
): Promise<Response> {
  const all = [...cookies, state.spent]
  if (!ongoing || !next) return deliver(context, incoming, { kind: 'account' }, all)
  const { answer } = next
  if (answer.outcome !== 'step' || answer.step.kind !== 'sign-in')
    return continueAuthorization(context, incoming, ongoing, next, all)
  return stepUp(context, incoming, ongoing, all)
}

/** The provider gave less than the application asks for (max_age, prompt=login, acr): by password here, or not at all. Never there again. */
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
  const begun = await sealInteraction(context, incoming.request, ongoing.interaction)
  const location = `${hrefOf(context.issuer, paths.login)}?interaction=${begun.sealed}&choose=1&problem=not_fresh`
  return seeOther(location, [...cookies, ...begun.cookies])
}

async function resumeByGet(context: RequestContext, { path, parameters }: Incoming): Promise<Response> {
  const content = JSON.stringify({ v: 1, at: context.now, parameters: parameters.toString() })
  const sealed = await context.issuer.sealer.seal('external-response', utf8(content))
  return seeOther(`${hrefOf(context.issuer, path)}?${resumedResponse}=${sealed}`)
}

async function answerParameters(context: RequestContext, { parameters }: Incoming): Promise<URLSearchParams> {
  const sealed = parameters.get(resumedResponse)
  if (sealed === null) return parameters
  const opened = await context.issuer.sealer.open('external-response', sealed)
  const content = opened && (JSON.parse(fromUtf8(opened)) as { v: number; at: number; parameters: string })
  // Whatever is wrong with it, it has no state.
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
  const detail = {
    check: 'identity_provider',
    expected: 'the provider that was gone to, still enabled',
    received: `${providerId}, disabled, deleted or made anew`,
    fix: 'enable the provider, then start again from the application',
  }
  return new OAuthError('access_denied', 'this way of signing in was switched off', detail, { status: 403 })
}
