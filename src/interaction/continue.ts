// What authorize and every page after it share: judging the request, asking the Subject for the next step, and going there. Pages never call
// each other: each answers, and comes back here.

import { browserState, type SessionCookie, sessionState } from '../authentication/sessions.ts'
import { hashSecret, newId, newSecret, sealHandle } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { AuthorizationInput, AuthorizationResult, PageInput } from '../grants/subject/calls.ts'
import type { Client } from '../model/client.ts'
import { type ErrorCode, type ErrorRedirect, OAuthError, type RefusalDetail } from '../model/errors.ts'
import { printable } from '../model/untrusted-text.ts'
import { renderFormPost } from '../pages/form-post.tsx'
import {
  type ParsedAuthorizationRequest,
  reauthorise,
  type ValidatedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../protocol/authorization-request/authorization-request.ts'
import { type AuthorizationResponse, withoutAbsent } from '../protocol/authorization-response/authorization-response.ts'
import { encodeResponse } from '../protocol/authorization-response/response-modes.ts'
import { acceptedIdps } from '../protocol/login-choice.ts'
import { decide, type Step } from '../protocol/next-step.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { type Interaction, openInteraction, sealInteraction } from './interaction.ts'
import { frameOf, htmlPage, seeOther } from './page.ts'
import { providerView } from './provider-view.ts'

/** A request that was judged, with the client and the interaction it belongs to. */
export interface Judged {
  client: Client
  request: ValidatedAuthorizationRequest
  interaction: Interaction
}

/** A request that comes in, validated once. Throws: as a page until the redirect_uri is trusted, then to the client. */
export async function beginInteraction(context: RequestContext, parameters: URLSearchParams): Promise<Judged> {
  const { parsed, expected_sub, ...validated } = await validateAuthorizationRequest(parameters, providerView(context))
  noteRequest(context, parsed, validated)
  const interaction = { id: newId(), started_at: context.now, request: parsed }
  return { ...validated, interaction: expected_sub === undefined ? interaction : { ...interaction, expected_sub } }
}

/** At a later step: its request, held against the client and the settings of now. Throws likewise. Undefined: a sign-in without a client. */
export async function reauthoriseInteraction(
  context: RequestContext,
  interaction: Interaction,
): Promise<Judged | undefined> {
  if (interaction.request === undefined) return undefined
  const { parsed, ...validated } = await reauthorise(interaction.request, providerView(context))
  noteRequest(context, parsed, validated)
  return { ...validated, interaction }
}

function noteRequest(
  context: RequestContext,
  { requested_scope }: ParsedAuthorizationRequest,
  { client, request }: Omit<Judged, 'interaction'>,
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
): Promise<{ interaction: Interaction & { sealed: string }; judged: Judged | undefined }> {
  const interaction = await openInteraction(context, incoming)
  return { interaction, judged: await reauthoriseInteraction(context, interaction) }
}

export interface Question {
  question: AuthorizationInput
  /** Of the code that the answer may issue. */
  secret: Uint8Array<ArrayBuffer>
}

export async function questionOf(context: RequestContext, judged: Judged): Promise<Question> {
  const { client, request, interaction } = judged
  const { settings } = context.configuration
  const secret = newSecret()
  const question: AuthorizationInput = {
    request,
    require_consent: client.require_consent,
    expected_sub: interaction.expected_sub,
    accepted_idps: acceptedIdps(context.configuration.identityProviders),
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

/** Where somebody without a session stands. */
export function stepForStranger(context: RequestContext, judged: Judged): Step {
  const { client, request, interaction } = judged
  const { require_consent } = client
  return decide({
    request,
    require_consent,
    expected_sub: interaction.expected_sub,
    started_at: interaction.started_at,
    now: context.now,
  })
}

/** Where the browser's session stands, after `choice`: one hop, in which the code is issued when nothing is missing. */
export async function advance(
  context: RequestContext,
  judged: Judged,
  session: SessionCookie,
  choice: PageInput = { kind: 'none' },
): Promise<Advance> {
  const { question, secret } = await questionOf(context, judged)
  const answer = await askSubject(context, session.subject_ref, (subject) =>
    subject.authorize(session.proof, question, choice, context.now),
  )
  return { answer, code: { subject_ref: session.subject_ref, id: judged.interaction.id, secret } }
}

export interface Advance {
  answer: AuthorizationResult
  code: { subject_ref: string; id: string; secret: Uint8Array<ArrayBuffer> }
}

/** Goes where an answer leads. `cookies` are set on the way. */
export async function goOn(
  context: RequestContext,
  incoming: Incoming,
  judged: Judged,
  { answer, code }: Advance,
  cookies: string[] = [],
): Promise<Response> {
  if (answer.outcome === 'finished') throw finished()
  const step = answer.outcome === 'anonymous' ? stepForStranger(context, judged) : answer.step
  context.log({ step: step.kind })
  if (step.kind === 'respond')
    return respondWithCode(context, incoming, judged, await sealHandle(context, 'code', code), cookies)
  return goToStep(context, incoming, judged, step, cookies)
}

const pageOf = {
  'sign-in': paths.login,
  'select-account': paths.selectAccount,
  consent: paths.consent,
} as const

/** To the page of a step, or with its error to the client. */
export async function goToStep(
  context: RequestContext,
  incoming: Incoming,
  judged: Judged,
  step: Exclude<Step, { kind: 'respond' }>,
  cookies: string[] = [],
): Promise<Response> {
  if (step.kind === 'error') throw clientError(judged, step.code, step.description).withCookies(cookies)
  const begun = await sealInteraction(context, incoming.request, judged.interaction).catch((error) => {
    throw error instanceof OAuthError ? error.withRedirect(redirectOf(judged)).withCookies(cookies) : error
  })
  const location = `${hrefOf(context.issuer, pageOf[step.kind])}?interaction=${begun.sealed}`
  return seeOther(location, [...cookies, ...begun.cookies])
}

async function respondWithCode(
  context: RequestContext,
  incoming: Incoming,
  { request }: Judged,
  code: string,
  cookies: string[],
): Promise<Response> {
  const state = stateAfter(context, incoming, cookies)
  const parameters = withoutAbsent({
    code,
    state: request.state,
    iss: context.issuer.url,
    session_state: await sessionState(request.client_id, request.redirect_uri, state.value),
  })
  const { redirect_uri, response_mode } = request
  const all = state.setCookie ? [...cookies, state.setCookie] : cookies
  return authorizationResponse(context, incoming.request, { redirect_uri, response_mode, parameters }, all)
}

/** A sign-in of this very request has set a new browser state already. */
function stateAfter(
  context: RequestContext,
  incoming: Incoming,
  cookies: string[],
): { value: string; setCookie?: string } {
  const prefix = `${context.issuer.cookies.state}=`
  const fresh = cookies.find((each) => each.startsWith(prefix))
  return fresh ? { value: fresh.slice(prefix.length, fresh.indexOf(';')) } : browserState(context, incoming.request)
}

/** By the response mode of the request: a redirect (RFC 6749 §4.1.2), or a page whose form submits itself. */
export async function authorizationResponse(
  context: RequestContext,
  request: Request,
  response: AuthorizationResponse,
  cookies: readonly string[] = [],
): Promise<Response> {
  const encoded = await encodeResponse(response)
  if (encoded.kind === 'redirect') return seeOther(encoded.location, cookies)
  const frame = frameOf(context, request)
  const html = renderFormPost({ frame, action: encoded.action, parameters: encoded.fields })
  return htmlPage(html, frame.nonce, { cookies, hasScript: true, leadsToClient: true })
}

export const redirectOf = ({ request }: Judged): ErrorRedirect => ({
  redirect_uri: request.redirect_uri,
  response_mode: request.response_mode,
  state: request.state,
})

/** An error that goes to the client. */
export function clientError(
  judged: Judged,
  code: ErrorCode,
  description: string,
  detail?: Partial<RefusalDetail>,
): OAuthError {
  const { prompt } = judged.request
  return new OAuthError(code, description, {
    check: code,
    expected: 'a request that the present session can answer',
    received: description,
    fix: prompt.includes('none') ? 'repeat the request without prompt=none' : 'start again from the application',
    ...detail,
  })
    .withRedirect(redirectOf(judged))
    .withClient(judged.client.client_id)
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
