// What authorize and every page after it share: validating the request, asking the Subject what it still needs, and going there. Pages never
// call each other: each answers, and comes back here.

import type { SessionCookie } from '../authentication/sessions.ts'
import { hashSecret, newId, newSecret } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { AuthorizationInput, AuthorizationResult, PageInput } from '../grants/subject/calls.ts'
import type { Client } from '../model/client.ts'
import { type ErrorCode, type ErrorRedirect, OAuthError, type RefusalDetail } from '../model/errors.ts'
import { printable } from '../model/untrusted-text.ts'
import {
  type ParsedAuthorizationRequest,
  reauthorise,
  type ValidatedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../protocol/authorization-request/authorization-request.ts'
import { acceptedIdps } from '../protocol/login-choice.ts'
import { decide, type Step } from '../protocol/next-step.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { deliver } from './deliver.ts'
import { type Interaction, openInteraction, sealInteraction } from './interaction.ts'
import { seeOther } from './page.ts'
import { providerView } from './provider-view.ts'

/** A validated authorization request on its way through our pages, with its client and its interaction. */
export interface OngoingAuthorization {
  client: Client
  request: ValidatedAuthorizationRequest
  interaction: Interaction
}

/** A request that comes in, validated once. Throws: as a page until the redirect_uri is trusted, then to the client. */
export async function beginInteraction(
  context: RequestContext,
  parameters: URLSearchParams,
): Promise<OngoingAuthorization> {
  const { parsed, expected_sub, ...validated } = await validateAuthorizationRequest(parameters, providerView(context))
  noteRequest(context, parsed, validated)
  const interaction = { id: newId(), started_at: context.now, request: parsed }
  return { ...validated, interaction: expected_sub === undefined ? interaction : { ...interaction, expected_sub } }
}

/** At a later step: its request, held against the client and the settings of now. Throws likewise. Undefined: a sign-in without a client. */
export async function reauthoriseInteraction(
  context: RequestContext,
  interaction: Interaction,
): Promise<OngoingAuthorization | undefined> {
  if (interaction.request === undefined) return undefined
  const { parsed, ...validated } = await reauthorise(interaction.request, providerView(context))
  noteRequest(context, parsed, validated)
  return { ...validated, interaction }
}

function noteRequest(
  context: RequestContext,
  { requested_scope }: ParsedAuthorizationRequest,
  { client, request }: Omit<OngoingAuthorization, 'interaction'>,
): void {
  context.client = { client_id: client.client_id, knownBy: 'authorization_request' }
  noteLeftOut(context, requested_scope, request.scope)
}

/** A misspelled scope is no error (RFC 6749 §3.3), so the log line is where its author finds it. */
function noteLeftOut(context: RequestContext, requested: string[], granted: string[]): void {
  const leftOut = requested.filter((scope) => !granted.includes(scope))
  if (leftOut.length > 0) context.log({ scope_left_out: printable(leftOut.join(' '), 200) })
}

/** The interaction of a page's URL or form. */
export async function resume(
  context: RequestContext,
  incoming: Incoming,
): Promise<{ interaction: Interaction & { sealed: string }; ongoing: OngoingAuthorization | undefined }> {
  const interaction = await openInteraction(context, incoming)
  return { interaction, ongoing: await reauthoriseInteraction(context, interaction) }
}

export interface Question {
  question: AuthorizationInput
  /** Of the code that the answer may issue. */
  secret: Uint8Array<ArrayBuffer>
}

export async function questionOf(context: RequestContext, ongoing: OngoingAuthorization): Promise<Question> {
  const { client, request, interaction } = ongoing
  const { settings } = context.configuration
  const secret = newSecret()
  const question: AuthorizationInput = {
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
  return { question, secret }
}

/** What the request needs while nobody is signed in. */
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

/** What the request needs in this session, after `choice`: one hop, in which the code is issued when nothing is missing. */
export async function askNextStep(
  context: RequestContext,
  ongoing: OngoingAuthorization,
  session: SessionCookie,
  choice: PageInput = { kind: 'none' },
): Promise<NextStep> {
  const { question, secret } = await questionOf(context, ongoing)
  const answer = await askSubject(context, session.subject_ref, (subject) =>
    subject.authorize(session.proof, question, choice, context.now),
  )
  return { answer, code: { subject_ref: session.subject_ref, id: ongoing.interaction.id, secret } }
}

export interface NextStep {
  answer: AuthorizationResult
  code: { subject_ref: string; id: string; secret: Uint8Array<ArrayBuffer> }
}

/** To the page of the next step, to the client with a code, or there with an error. `cookies` are set on the way. */
export async function continueAuthorization(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization,
  { answer, code }: NextStep,
  cookies: string[] = [],
): Promise<Response> {
  if (answer.outcome === 'finished') throw finished()
  const step = answer.outcome === 'anonymous' ? stepWithoutSession(context, ongoing) : answer.step
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

/** To the page of a step, or with its error to the client. */
export async function showStep(
  context: RequestContext,
  incoming: Incoming,
  ongoing: OngoingAuthorization,
  step: Exclude<Step, { kind: 'respond' }>,
  cookies: string[] = [],
): Promise<Response> {
  if (step.kind === 'error') throw clientError(ongoing, step.code, step.description).withCookies(cookies)
  const begun = await sealInteraction(context, incoming.request, ongoing.interaction).catch((error) => {
    throw error instanceof OAuthError ? error.withRedirect(redirectOf(ongoing)).withCookies(cookies) : error
  })
  const location = `${hrefOf(context.issuer, pageOf[step.kind])}?interaction=${begun.sealed}`
  return seeOther(location, [...cookies, ...begun.cookies])
}

export const redirectOf = ({ request }: OngoingAuthorization): ErrorRedirect => ({
  redirect_uri: request.redirect_uri,
  response_mode: request.response_mode,
  state: request.state,
})

/** An error that goes to the client. */
export function clientError(
  ongoing: OngoingAuthorization,
  code: ErrorCode,
  description: string,
  detail?: Partial<RefusalDetail>,
): OAuthError {
  const { prompt } = ongoing.request
  return new OAuthError(code, description, {
    check: code,
    expected: 'a request that the present session can answer',
    received: description,
    fix: prompt.includes('none') ? 'repeat the request without prompt=none' : 'start again from the application',
    ...detail,
  })
    .withRedirect(redirectOf(ongoing))
    .withClient(ongoing.client.client_id)
}

/** Finishing twice gives no second code. */
function finished(): OAuthError {
  return new OAuthError(
    'access_denied',
    'you are already signed in: this sign-in was finished before, go back to the application',
    {
      check: 'interaction',
      expected: 'each interaction finished once',
      received: 'a finished one',
      fix: 'start again from the application',
    },
    { status: 403 },
  )
}
