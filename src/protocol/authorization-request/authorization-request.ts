// Authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1): untrusted parameters → ValidatedAuthorizationRequest, or the error and where it goes.

import { type Client, isPublicClient } from '../../model/client.ts'
import { type ErrorRedirect, OAuthError } from '../../model/errors.ts'
import { type ClaimsRequest, parseClaimsRequest } from './claims-request.ts'
import { parseCodeChallenge } from './pkce.ts'
import { matchesRedirectUri } from './redirect-uri.ts'
import { grantableScopes, parseScope } from './scope.ts'

export type Prompt = 'none' | 'login' | 'consent' | 'select_account'
export type ResponseMode = 'query' | 'form_post'

export interface ValidatedAuthorizationRequest {
  client_id: string
  redirect_uri: string
  response_mode: ResponseMode
  /** What will be granted: requested, enabled and allowed. */
  scope: string[]
  state?: string
  nonce?: string
  code_challenge?: string
  prompt: Prompt[]
  /** Seconds. */
  max_age?: number
  login_hint?: string
  ui_locales?: string[]
  /** Without `idp:`, which is a hint of IdentityServer's and no acr. */
  acr_values?: string[]
  /** Where the person shall sign in: a provider's id, or `local` (`acr_values=idp:ID`, or the parameter `idp`). */
  idp?: string
  /** Mail domain of the person, by which a provider may be known. */
  domain_hint?: string
  claims?: ClaimsRequest
}

/** What the provider offers, as far as a request is judged by it. */
export interface Offer {
  isEnabledScope(scope: string): boolean
  /** Claims of every enabled scope that the client may request. */
  claimsFor(client: Client): ReadonlySet<string>
  /** `local`, or an external provider that can be used now. */
  isUsableIdp(idp: string): boolean
}

/**
 * Judges a request. An error before the redirect_uri is trusted has no `redirect` and must be shown as a page (RFC 6749 §4.1.2.1); every
 * later one carries where it goes.
 */
export function parseAuthorizationRequest(
  parameters: URLSearchParams,
  client: Client,
  offer: Offer,
): ValidatedAuthorizationRequest {
  const redirect = parseRedirect(parameters, client)
  try {
    return parseTrusted(parameters, client, offer, redirect)
  } catch (error) {
    throw error instanceof OAuthError ? error.withRedirect(redirect) : error
  }
}

/** Checks that stand between a stranger and a redirect: nothing here may be answered by one. */
function parseRedirect(parameters: URLSearchParams, client: Client): ErrorRedirect {
  const redirectUri = parameters.get('redirect_uri')
  if (!client.grant_types.includes('authorization_code')) {
    throw new OAuthError('unauthorized_client', 'this client may not sign people in', {
      check: 'grant_types',
      expected: 'authorization_code among the grant types of the client',
      received: client.grant_types.join(' '),
      fix: 'add authorization_code to the client, or use another client',
    })
  }
  if (!redirectUri || !client.redirect_uris.some((registered) => matchesRedirectUri(registered, redirectUri))) {
    const description = redirectUri ? 'redirect_uri is not registered for this client' : 'redirect_uri is missing'
    throw new OAuthError('invalid_request', description, {
      check: 'redirect_uri',
      expected: client.redirect_uris.join(' | ') || '(none registered)',
      received: redirectUri ?? '(none)',
      fix: 'register exactly the redirect_uri that the application sends, or correct it there: every character counts',
    })
  }
  const isFormPost = parameters.get('response_mode') === 'form_post'
  return {
    redirect_uri: redirectUri,
    response_mode: isFormPost ? 'form_post' : 'query',
    state: parameters.get('state') ?? undefined,
  }
}

function parseTrusted(
  parameters: URLSearchParams,
  client: Client,
  offer: Offer,
  redirect: ErrorRedirect,
): ValidatedAuthorizationRequest {
  refuseUnsupported(parameters)
  checkResponseType(parameters.get('response_type'))
  checkResponseMode(parameters.get('response_mode'))
  const claims = parameters.get('claims')
  const maxAge = parameters.get('max_age')
  const acrValues = words(parameters.get('acr_values'))
  return definedOnly({
    client_id: client.client_id,
    redirect_uri: redirect.redirect_uri,
    response_mode: redirect.response_mode,
    state: redirect.state,
    scope: grantableScopes(parseScope(parameters.get('scope')), client, offer.isEnabledScope),
    nonce: parameters.get('nonce') ?? undefined,
    code_challenge: parseCodeChallenge(parameters, client.require_pkce || isPublicClient(client)),
    prompt: parsePrompt(parameters.get('prompt')),
    max_age: maxAge === null ? undefined : parseMaxAge(maxAge),
    login_hint: parameters.get('login_hint')?.slice(0, 320),
    ui_locales: words(parameters.get('ui_locales')),
    acr_values: acrValues?.filter((value) => !value.startsWith(idpPrefix)),
    idp: parseIdp(parameters.get('idp'), acrValues, offer),
    domain_hint: parameters.get('domain_hint')?.slice(0, 253),
    claims: claims === null ? undefined : parseClaimsRequest(claims, offer.claimsFor(client)),
  })
}

/** OIDC Core §6 and §7.2.1: the registered answers to what this provider does not take. */
function refuseUnsupported(parameters: URLSearchParams): void {
  for (const name of ['request', 'request_uri', 'registration'] as const) {
    if (!parameters.has(name)) continue
    throw new OAuthError(`${name}_not_supported`, `the ${name} parameter is not supported`, {
      check: name,
      expected: 'an authorization request in plain parameters',
      received: `a ${name} parameter`,
      fix: `let the application send its parameters without ${name}`,
    })
  }
}

function checkResponseType(responseType: string | null): void {
  if (responseType === 'code') return
  const code = responseType ? 'unsupported_response_type' : 'invalid_request'
  throw new OAuthError(code, responseType ? 'response_type must be code' : 'response_type is missing', {
    check: 'response_type',
    expected: 'code',
    received: responseType ?? '(none)',
    fix: 'use the authorization code flow: tokens are never sent in a URL',
  })
}

function checkResponseMode(mode: string | null): void {
  if (mode === null || mode === 'query' || mode === 'form_post') return
  throw new OAuthError('invalid_request', 'response_mode must be query or form_post', {
    check: 'response_mode',
    expected: 'query or form_post',
    received: mode,
    fix: 'leave response_mode out, or use form_post',
  })
}

const prompts: readonly string[] = ['none', 'login', 'consent', 'select_account'] satisfies Prompt[]

function parsePrompt(text: string | null): Prompt[] {
  const values = words(text) ?? []
  const isKnown = (value: string): value is Prompt => prompts.includes(value)
  if (values.every(isKnown) && !(values.includes('none') && values.length > 1)) return values
  throw new OAuthError('invalid_request', 'prompt has a value that is unknown or excludes the others', {
    check: 'prompt',
    expected: 'none alone, or some of login, consent, select_account',
    received: values.join(' '),
    fix: 'correct the prompt parameter',
  })
}

function parseMaxAge(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new OAuthError('invalid_request', 'max_age must be a whole number of seconds', {
    check: 'max_age',
    expected: 'a whole number of seconds, zero or more',
    received: text,
    fix: 'correct the max_age parameter',
  })
}

const idpPrefix = 'idp:'

/** A provider that is not known (any more) is no error: the person chooses. */
function parseIdp(parameter: string | null, acrValues: string[] | undefined, offer: Offer): string | undefined {
  const hint = parameter ?? acrValues?.find((value) => value.startsWith(idpPrefix))?.slice(idpPrefix.length)
  return hint !== undefined && offer.isUsableIdp(hint) ? hint : undefined
}

/** Space-separated values, at most twenty. */
const words = (text: string | null): string[] | undefined => text?.split(' ').filter(Boolean).slice(0, 20)

function definedOnly<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T
}
