// Builds the authorization request to an external provider (RFC 6749 §4.1.1, OIDC Core §3.1.2.1), pushed first if the provider requires it (RFC 9126).

import { base64url, utf8 } from '../../crypto/encoding.ts'
import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { compact } from '../../model/record.ts'
import { shown } from '../../model/untrusted-text.ts'
import type { RequestContext } from '../../request/context.ts'
import { fetchJson, startBudget } from './provider-fetch.ts'
import { clientCredentials, type SignAssertion } from './upstream-client-authentication.ts'
import { said } from './upstream-response.ts'

export interface UpstreamRequest {
  provider: ExternalProvider
  redirect_uri: string
  state: string
  /** 32 random bytes; nonce and code_verifier are derived from it. */
  secret: Uint8Array<ArrayBuffer>
  /** If absent, the provider's record decides. */
  prompt?: string[]
  /** Seconds. */
  max_age?: number
  login_hint?: string
  acr_values?: string[]
  ui_locales?: string[]
}

/** Returns the URL to send the browser to. Throws BrokeringError. */
export async function authorizationUrl(
  context: RequestContext,
  request: UpstreamRequest,
  metadata: ProviderMetadata,
  sign: SignAssertion,
): Promise<string> {
  const parameters = await requestParameters(request, metadata)
  const url = new URL(metadata.authorization_endpoint)
  const shownParameters = metadata.require_pushed_authorization_requests
    ? await push(context, request.provider, metadata, parameters, sign)
    : parameters
  // RFC 6749 §3.1: the endpoint's own query is kept.
  for (const [name, value] of Object.entries(shownParameters)) url.searchParams.set(name, value)
  return url.href
}

async function requestParameters(
  request: UpstreamRequest,
  metadata: ProviderMetadata,
): Promise<Record<string, string>> {
  const { provider, secret, max_age, login_hint } = request
  const parameters: Record<string, string | undefined> = {
    client_id: provider.client_id,
    redirect_uri: request.redirect_uri,
    response_type: 'code',
    scope: scopesOf(provider).join(' ') || undefined,
    state: request.state,
    nonce: provider.kind === 'openid' ? await nonceOf(secret) : undefined,
    response_mode: provider.response_mode ?? undefined,
    prompt: joined(request.prompt ?? (provider.prompt ? [provider.prompt] : [])),
    max_age: max_age === undefined ? undefined : String(max_age),
    login_hint,
    acr_values: joined(request.acr_values),
    ui_locales: joined(request.ui_locales),
    ...(usesPkce(provider, metadata) ? await challengeOf(secret) : {}),
  }
  return compact(parameters)
}

const joined = (values: string[] | undefined): string | undefined => values?.join(' ') || undefined

const scopesOf = ({ kind, scopes }: ExternalProvider): string[] =>
  kind === 'openid' ? [...new Set(['openid', ...scopes])] : scopes

/** Sends PKCE unless the metadata rules it out: a provider that does not know it ignores it (RFC 6749 §3.1). Public clients always send it. */
export function usesPkce(provider: ExternalProvider, { code_challenge_methods_supported: methods }: ProviderMetadata) {
  return methods === undefined || methods.includes('S256') || provider.token_endpoint_auth_method === 'none'
}

async function challengeOf(secret: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> {
  const verifier = await codeVerifierOf(secret)
  const hash = await crypto.subtle.digest('SHA-256', utf8(verifier))
  return { code_challenge: base64url(new Uint8Array(hash)), code_challenge_method: 'S256' }
}

export const nonceOf = (secret: Uint8Array<ArrayBuffer>): Promise<string> => derived(secret, 'nonce')
export const codeVerifierOf = (secret: Uint8Array<ArrayBuffer>): Promise<string> => derived(secret, 'code_verifier')

/** Derives a value of 43 characters. One derived value reveals neither the secret nor another value. */
async function derived(secret: Uint8Array<ArrayBuffer>, purpose: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(purpose))))
}

/** RFC 9126 §2, §4. */
async function push(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  parameters: Record<string, string>,
  sign: SignAssertion,
): Promise<Record<string, string>> {
  const url = metadata.pushed_authorization_request_endpoint
  if (url === undefined) throw pushFailed('The metadata demands pushed requests, but names no endpoint for them.')
  const { headers, fields } = await clientCredentials(context, provider, metadata, sign, 'start')
  const call = { step: 'start', name: 'pushed authorization request endpoint', check: pushCheck, url } as const
  const form = new URLSearchParams({ ...parameters, ...fields })
  const { status, body } = await fetchJson(context, provider, startBudget(), { ...call, headers, form })
  const { request_uri, error, error_description } = body
  if ((status === 201 || status === 200) && typeof request_uri === 'string' && request_uri !== '') {
    return { client_id: provider.client_id, request_uri }
  }
  const answer = typeof error === 'string' ? said(error, shown(error_description ?? '')) : 'no request_uri'
  throw pushFailed(`The provider refused the pushed request with status ${status}: ${answer}.`)
}

const pushCheck = 'pushed_authorization_request_endpoint'

function pushFailed(cause: string): BrokeringError {
  return new BrokeringError({
    step: 'start',
    check: pushCheck,
    publicCause: 'invalid_answer',
    cause,
    fix: 'Compare client id, client authentication, redirect URI and scopes with what the provider registered.',
    outcome: 'failed',
  })
}
