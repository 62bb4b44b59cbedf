// The form in which a sealed interaction or external state holds its authorization request, now and in the previous version.

import { compact } from '../model/record.ts'
import {
  type ParsedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../protocol/authorization-request/authorization-request.ts'
import { plainParameters } from '../protocol/authorization-request/plain-request.ts'
import { defaultResponseMode } from '../protocol/authorization-response/response-modes.ts'
import type { RequestContext } from '../request/context.ts'
import { providerView } from './provider-view.ts'

/** Omits defaults and joins lists, so that a sealed request is no longer than its parameters were. */
interface CompactRequest
  extends Omit<
    ParsedAuthorizationRequest,
    'requested_scope' | 'requested_claims' | 'requested_idp' | 'response_mode' | 'prompt'
  > {
  scope: string
  claims?: ParsedAuthorizationRequest['requested_claims']
  idp?: string
  response_mode?: string
  prompt?: ParsedAuthorizationRequest['prompt']
}

/** Both members are absent for a sign-in without a client. */
export interface SealedRequest {
  request?: CompactRequest
  /** Version 1 held the parameters as received, without id_token_hint. */
  parameters?: string
}

/** The version that is written now. */
export const sealedVersion = 2

/** True for the versions that browsers may still carry after a deploy. */
export const isReadable = (version: number): boolean => version === 1 || version === sealedVersion

export function compactRequest(request: ParsedAuthorizationRequest): CompactRequest {
  const { requested_scope, requested_claims: claims, requested_idp: idp, response_mode, prompt, ...rest } = request
  return {
    ...rest,
    scope: requested_scope.join(' '),
    ...compact({
      claims,
      idp,
      response_mode: response_mode === defaultResponseMode ? undefined : response_mode,
      prompt: prompt.length === 0 ? undefined : prompt,
    }),
  }
}

function expandRequest({
  scope,
  claims,
  idp,
  response_mode,
  prompt,
  ...rest
}: CompactRequest): ParsedAuthorizationRequest {
  return {
    ...rest,
    requested_scope: scope.split(' ').filter(Boolean),
    ...compact({ requested_claims: claims, requested_idp: idp }),
    response_mode: response_mode ?? defaultResponseMode,
    prompt: prompt ?? [],
  }
}

/** Returns the parsed request. Version 1 is parsed here, so the checks of an authorization request may throw. */
export async function openRequest(
  context: RequestContext,
  { request, parameters }: SealedRequest,
): Promise<{ request?: ParsedAuthorizationRequest }> {
  if (request !== undefined) return { request: expandRequest(request) }
  if (parameters === undefined) return {}
  const { parsed } = await validateAuthorizationRequest(new URLSearchParams(parameters), providerView(context))
  return { request: parsed }
}

/** Returns the parameters that begin the same request again. */
export const restartParameters = ({ request, parameters }: SealedRequest): string | undefined =>
  request ? plainParameters(expandRequest(request)).toString() : parameters

/** Returns the `client_id`, without validating the client. */
export const clientIdOf = ({ request, parameters }: SealedRequest): string | undefined =>
  request?.client_id ?? new URLSearchParams(parameters).get('client_id') ?? undefined
