// A validated authorization request on its way through the pages: how it begins, how each later step reads it again, and how its errors
// reach the client (RFC 6749 §4.1.2.1).

import { newId } from '../grants/handles.ts'
import type { Client } from '../model/client.ts'
import { type ErrorCode, type ErrorRedirect, OAuthError, type RefusalDetail } from '../model/errors.ts'
import { printable } from '../model/untrusted-text.ts'
import {
  type ParsedAuthorizationRequest,
  reauthorise,
  type ValidatedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../protocol/authorization-request/authorization-request.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { type Interaction, openInteraction } from './interaction.ts'
import { providerView } from './provider-view.ts'

/** A validated authorization request with its client and its interaction. */
export interface OngoingAuthorization {
  client: Client
  request: ValidatedAuthorizationRequest
  interaction: Interaction
}

/** Validates a new request, once. Throws OAuthError: shown as a page until the redirect_uri is trusted, sent to the client after that. */
export async function beginInteraction(
  context: RequestContext,
  parameters: URLSearchParams,
): Promise<OngoingAuthorization> {
  const { parsed, expected_sub, ...validated } = await validateAuthorizationRequest(parameters, providerView(context))
  noteRequest(context, parsed, validated)
  const interaction = { id: newId(), started_at: context.now, request: parsed }
  return { ...validated, interaction: expected_sub === undefined ? interaction : { ...interaction, expected_sub } }
}

/**
 * Checks the request of a later step against the present client and settings. Throws as beginInteraction does.
 * Returns undefined for a sign-in without a client.
 */
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
  logOmittedScopes(context, requested_scope, request.scope)
}

/** A misspelled scope is no error (RFC 6749 §3.3), so only the log line shows it to the client's developer. */
function logOmittedScopes(context: RequestContext, requested: string[], granted: string[]): void {
  const omitted = requested.filter((scope) => !granted.includes(scope))
  if (omitted.length > 0) context.log({ scope_left_out: printable(omitted.join(' '), 200) })
}

export interface ResumedInteraction {
  interaction: Interaction & { sealed: string }
  /** Undefined for a sign-in without a client. */
  ongoing: OngoingAuthorization | undefined
}

/** Opens the interaction named by a page's URL or form, and reauthorises its request. Throws as openInteraction and beginInteraction do. */
export async function resume(context: RequestContext, incoming: Incoming): Promise<ResumedInteraction> {
  const interaction = await openInteraction(context, incoming)
  return { interaction, ongoing: await reauthoriseInteraction(context, interaction) }
}

export const redirectOf = ({ request }: OngoingAuthorization): ErrorRedirect => ({
  redirect_uri: request.redirect_uri,
  response_mode: request.response_mode,
  state: request.state,
})

/** Returns an error that is sent to the client's redirect_uri. */
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
