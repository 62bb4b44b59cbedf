// Authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1). Untrusted parameters are parsed once; the parsed request is sealed, and later steps
// never read raw parameters again. What is granted of it is decided anew at each step. The checks and their order are in checks.ts.

import type { Client } from '../../model/client.ts'
import { compact } from '../../model/record.ts'
import { runChecks } from './checks.ts'
import type { ClaimsRequest } from './claims.ts'
import type { ProviderView } from './known.ts'
import type { Prompt } from './prompt.ts'

interface CommonRequest {
  client_id: string
  redirect_uri: string
  response_mode: string
  state?: string | undefined
  nonce?: string
  code_challenge?: string
  prompt: Prompt[]
  /** Seconds. */
  max_age?: number
  login_hint?: string
  ui_locales?: string[]
  /** Without `idp:ID`, which is IdentityServer's hint of an external provider and not an acr. */
  acr_values?: string[]
  /** The person's mail domain, which may select an external provider. */
  domain_hint?: string
}

/** What the client asked for, once it is well-formed. Does not depend on the configuration. */
export interface ParsedAuthorizationRequest extends CommonRequest {
  requested_scope: string[]
  requested_claims?: ClaimsRequest
  /** Where the person is to sign in: an external provider's id, or `local` (`acr_values=idp:ID`, or the parameter `idp`). */
  requested_idp?: string
}

/** What is granted of it, by the current client record and settings. */
export interface ValidatedAuthorizationRequest extends CommonRequest {
  /** Requested, enabled and allowed. */
  scope: string[]
  claims?: ClaimsRequest
  /** Where the person is to sign in: `local`, or an external provider that can be used now. */
  idp?: string
}

/** A request that passed the checks. */
export interface Validation {
  client: Client
  parsed: ParsedAuthorizationRequest
  request: ValidatedAuthorizationRequest
}

/**
 * Validates a request when it arrives. Throws OAuthError: without `redirect` until the redirect_uri is trusted, so the error must be shown as a page
 * (RFC 6749 §4.1.2.1); with `redirect` afterwards. `expected_sub` is the subject of the id_token_hint.
 */
export async function validateAuthorizationRequest(
  parameters: URLSearchParams,
  provider: ProviderView,
): Promise<Validation & { expected_sub: string | undefined }> {
  const known = await runChecks('authorize', { parameters, provider })
  const parsed = compact({
    ...commonOf(known),
    requested_scope: known.requested_scope,
    requested_claims: known.requested_claims,
    requested_idp: known.requested_idp,
  })
  return { client: known.client, parsed, request: grantedOf(known), expected_sub: known.expected_sub }
}

/** Checks a parsed request again, against the current client record and settings, at every later step. Throws as above. */
export async function reauthorise(parsed: ParsedAuthorizationRequest, provider: ProviderView): Promise<Validation> {
  const known = await runChecks('reauthorise', { ...parsed, provider })
  return { client: known.client, parsed, request: grantedOf(known) }
}

function commonOf(known: CommonRequest): CommonRequest {
  const { client_id, redirect_uri, response_mode, state, nonce, code_challenge } = known
  const { prompt, max_age, login_hint, ui_locales, acr_values, domain_hint } = known
  const about = { prompt, max_age, login_hint, ui_locales, acr_values, domain_hint }
  return { client_id, redirect_uri, response_mode, state, nonce, code_challenge, ...about }
}

function grantedOf(known: ValidatedAuthorizationRequest): ValidatedAuthorizationRequest {
  const { scope, claims, idp } = known
  return compact({ ...commonOf(known), scope, claims, idp })
}
