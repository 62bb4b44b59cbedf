// What a sealed interaction or external state holds of its authorization request, and how an older deploy wrote it.

import {
  type ParsedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../protocol/authorization-request/authorization-request.ts'
import { plainParameters } from '../protocol/authorization-request/plain-request.ts'
import { defaultResponseMode } from '../protocol/authorization-response/response-modes.ts'
import type { RequestContext } from '../request/context.ts'
import { providerView } from './provider-view.ts'

/** What is seldom said is left out and lists are texts: a request takes no more room than its parameters did. */
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

/** Both absent: a sign-in without a client. */
export interface SealedRequest {
  request?: CompactRequest
  /** Version 1: the parameters as they came, without id_token_hint. */
  parameters?: string
}

/** Of what is written now. */
export const sealedVersion = 2

/** Versions that may be under way during a deploy. */
export const isReadable = (version: number): boolean => version === 1 || version === sealedVersion

export function compact(request: ParsedAuthorizationRequest): CompactRequest {
  const { requested_scope, requested_claims: claims, requested_idp: idp, response_mode, prompt, ...rest } = request
  return {
    ...rest,
    scope: requested_scope.join(' '),
    ...(claims === undefined ? {} : { claims }),
    ...(idp === undefined ? {} : { idp }),
    ...(response_mode === defaultResponseMode ? {} : { response_mode }),
    ...(prompt.length === 0 ? {} : { prompt }),
  }
}

function expand({ scope, claims, idp, response_mode, prompt, ...rest }: CompactRequest): ParsedAuthorizationRequest {
  return {
    ...rest,
    requested_scope: scope.split(' ').filter(Boolean),
    ...(claims === undefined ? {} : { requested_claims: claims }),
    ...(idp === undefined ? {} : { requested_idp: idp }),
    response_mode: response_mode ?? defaultResponseMode,
    prompt: prompt ?? [],
  }
}

/** A request is parsed once: of version 1, when it is opened. Throws what the checks of such a request throw. */
export async function openRequest(
  context: RequestContext,
  { request, parameters }: SealedRequest,
): Promise<{ request?: ParsedAuthorizationRequest }> {
  if (request !== undefined) return { request: expand(request) }
  if (parameters === undefined) return {}
  const { parsed } = await validateAuthorizationRequest(new URLSearchParams(parameters), providerView(context))
  return { request: parsed }
}

/** The parameters that begin the same request again: possible, since every request comes in plain parameters. */
export const restartParameters = ({ request, parameters }: SealedRequest): string | undefined =>
  request ? plainParameters(expand(request)).toString() : parameters

/** Nothing is verified but the seal. */
export const clientIdOf = ({ request, parameters }: SealedRequest): string | undefined =>
  request?.client_id ?? new URLSearchParams(parameters).get('client_id') ?? undefined
