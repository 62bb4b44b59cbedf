// The dispatcher of an authorization request: asks the person's Subject which step comes next, and sends the browser there. Pages never call
// each other; each handles its own form and returns here.

import type { SessionCookie } from '../authentication/sessions.ts'
import { type Handle, hashSecret, newSecret } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { AuthorizationInput, AuthorizationResult, PageInput } from '../grants/subject/calls.ts'
import { OAuthError } from '../model/errors.ts'
import { accessDenied } from '../model/oauth-errors.ts'
import { acceptedIdps } from '../protocol/login-choice.ts'
import { decide, type Step } from '../protocol/next-step.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { deliver } from './deliver.ts'
import { sealInteraction } from './interaction.ts'
import { clientError, type OngoingAuthorization, redirectOf } from './ongoing-authorization.ts'
import { seeOther } from './page.ts'

/** Returns the input of a Subject's decision, and the secret of the code that the decision may issue. */
export async function authorizationInput(
  context: RequestContext,
  { client, request, interaction }: OngoingAuthorization,
): Promise<{ input: AuthorizationInput; secret: Uint8Array<ArrayBuffer> }> {
  const { settings } = context.configuration
  const secret = newSecret()
  const input: AuthorizationInput = {
    request,
    require_consent: client.require_consent,
    expected_sub: interaction.expected_sub,
    accepted_idps: acceptedIdps(context.configuration.externalProviders),
    client_since: client.created_at,
    id: interaction.id,
    started_at: interaction.started_at,
    ends_at: interaction.started_at + settings.interaction_lifetime * 1000,
    code_hash: await hashSecret(secret),
    code_lifetime: (client.code_lifetime ?? settings.code_lifetime) * 1000,
    access_token_lifetime: (client.access_token_lifetime ?? settings.access_token_lifetime) * 1000,
  }
  return { input, secret }
}

/** Returns the step that the request needs while no user is signed in. */
export function stepWithoutSession(context: RequestContext, ongoing: OngoingAuthorization): Step {
  const { client, request, interaction } = ongoing
  const { require_consent } = client
  return decide({
    request,
    require_consent,
    expected_sub: interaction.expected_sub,
    started_at: interaction.started_at,
    now: context.now,
  })
}

export interface NextStep {
  result: AuthorizationResult
  /** The handle of the code. The code exists only if the step is `respond`. */
  code: Handle
}

/** Asks which step the request needs in this session after `pageInput`. One hop, which also issues the code if nothing is missing. */
export async function askNextStep(
  context: RequestContext,
  ongoing: OngoingAuthorization,
  session: SessionCookie,
  pageInput: PageInput = { kind: 'none' },
): Promise<NextStep> {
  const { input, secret } = await authorizationInput(context, ongoing)
  const result = await askSubject(context, session.subject_ref, (subject) =>
    subject.authorize(session.proof, input, pageInput, context.now),
  )
  return { result, code: { subject_ref: session.subject_ref, id: ongoing.interaction.id, secret } }
}

/**
 * Redirects to the page of the next step, or to the client with a code. `cookies` are set in that response.
 * Throws an OAuthError for the client if the step is an error, and access_denied (a page) if the interaction was finished before.
 */
export async function continueAuthorization(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization,
  { result, code }: NextStep,
  cookies: string[] = [],
): Promise<Response> {
  if (result.outcome === 'finished') throw alreadyFinished()
  const step = result.outcome === 'anonymous' ? stepWithoutSession(context, ongoing) : result.step
  context.log({ step: step.kind })
  if (step.kind === 'respond')
    return deliver(context, incoming, { kind: 'code', request: ongoing.request, code }, cookies)
  return showStep(context, incoming, ongoing, step, cookies)
}

const pageOf = {
  'sign-in': paths.login,
  'select-account': paths.selectAccount,
  consent: paths.consent,
} as const

/** Redirects to the page of a step. Throws an OAuthError for the client if the step is an error or the request is too large to seal. */
export async function showStep(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization,
  step: Exclude<Step, { kind: 'respond' }>,
  cookies: string[] = [],
): Promise<Response> {
  if (step.kind === 'error') throw clientError(ongoing, step.code, step.description).withCookies(cookies)
  const sealing = await sealInteraction(context, incoming.request, ongoing.interaction).catch((error) => {
    throw error instanceof OAuthError ? error.withRedirect(redirectOf(ongoing)).withCookies(cookies) : error
  })
  const location = `${hrefOf(context.issuer, pageOf[step.kind])}?interaction=${sealing.sealed}`
  return seeOther(location, [...cookies, ...sealing.cookies])
}

/** An interaction issues at most one code, so finishing it twice is refused. */
const alreadyFinished = (): OAuthError =>
  accessDenied({
    description: 'you are already signed in: this sign-in was finished before, go back to the application',
    check: 'interaction',
    expected: 'each interaction finished once',
    received: 'a finished one',
    fix: 'start again from the application',
  })
