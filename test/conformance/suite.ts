// The suite's side of a module: its static clients, its browser, and the steps of a flow with the checks of each step.
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { type Browser, basic, type Page, type Provider, startProvider } from '../node/server.ts'
import {
  checkCodeResponse,
  checkErrorResponse,
  checkIdToken,
  checkKeys,
  checkMetadata,
  checkTokenResponse,
  checkUserinfo,
  type IdToken,
  type Json,
  type Key,
  readJson,
  type Tokens,
} from './checks.ts'
import { callback, expectConsentPage, expectLoginPage, issuer, type ResponseMode, received } from './front-channel.ts'

export interface SuiteClient {
  client_id: string
  client_secret: string
  token_endpoint_auth_method: 'client_secret_basic' | 'client_secret_post'
  redirect_uri: string
}

const password = 'correct horse battery staple'
const secret = () => randomBytes(32).toString('base64url')

const client: SuiteClient = {
  client_id: 'suite-client',
  client_secret: secret(),
  token_endpoint_auth_method: 'client_secret_basic',
  redirect_uri: callback,
}
export const clients = {
  client,
  // These characters come out wrong unless both parts of the Basic credentials are form-decoded (RFC 6749 §2.3.1). The redirect URI has a query,
  // which must be kept (RFC 6749 §3.1.2).
  client2: {
    ...client,
    client_id: 'suite client+2:%41/&=',
    client_secret: `${secret()} +%41:&=/é`,
    redirect_uri: `${callback}?dummy1=lorem&dummy2=ipsum`,
  },
  clientPost: {
    ...client,
    client_id: 'suite-client-post',
    client_secret: secret(),
    token_endpoint_auth_method: 'client_secret_post',
  },
} satisfies Record<string, SuiteClient>

/** Every standard claim of OIDC Core §5.1. */
const person = {
  name: 'Suite Ürsula Example',
  given_name: 'Ürsula',
  family_name: 'Example',
  email: 'ursula@example.test',
  email_verified: true,
  gender: 'female',
  locale: 'en-GB',
  zoneinfo: 'Europe/Amsterdam',
  claims: {
    middle_name: 'Q',
    nickname: 'Uschi',
    profile: 'https://example.test/ursula',
    picture: 'https://example.test/ursula.png',
    website: 'https://ursula.example.test',
    birthdate: '1990-12-10',
    phone_number: '+31201234567',
    phone_number_verified: true,
    address: { formatted: 'Street 1\nAmsterdam', street_address: 'Street 1', locality: 'Amsterdam', country: 'NL' },
  },
}
const { claims: furtherClaims, ...columns } = person
const personClaims: Json = { ...columns, ...furtherClaims, preferred_username: 'ursula' }

/** Starts a provider with the suite's user and clients. */
export async function startSuite(at = issuer): Promise<Provider> {
  const provider = await startProvider({ issuer: at })
  await provider.operator('PUT', 'users/ursula', { ...person, password })
  for (const { client_id, client_secret, token_endpoint_auth_method, redirect_uri } of Object.values(clients)) {
    await provider.operator('PUT', `clients/${encodeURIComponent(client_id)}`, {
      client_name: `Suite (${client_id})`,
      token_endpoint_auth_method,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirect_uri],
      scopes: ['profile', 'email', 'address', 'phone'],
      offline_access: true,
      // The suite uses PKCE in one module only.
      require_pkce: false,
      secrets: [{ value: client_secret, label: 'suite' }],
    })
  }
  return provider
}

/** One run of a module, with a new browser and newly read metadata and keys. */
export interface Module {
  provider: Provider
  client: SuiteClient
  mode: ResponseMode
  browser: Browser
  metadata: Json
  keys: Key[]
}

export async function aModule(
  provider: Provider,
  mode: ResponseMode,
  client: SuiteClient = clients.client,
): Promise<Module> {
  const metadata = await read(provider, `${issuer}/.well-known/openid-configuration`)
  checkMetadata(metadata, client.token_endpoint_auth_method)
  expect(metadata.issuer).toBe(issuer)
  const { keys } = await read(provider, metadata.jwks_uri)
  checkKeys(keys as Key[])
  return { provider, client, mode, browser: provider.browser(), metadata, keys: keys as Key[] }
}

/** Reads a JSON document, without following redirects, as the suite's HTTP client does. */
export async function read(provider: Provider, url: unknown): Promise<Json> {
  const response = await provider.reach(String(url), { headers: { accept: 'application/json' }, redirect: 'manual' })
  expect(response.status, String(url)).toBe(200)
  return readJson(response)
}

export type Parameters = Record<string, string | undefined>

/** Random text of `count` characters. More than ten end with the four unreserved marks of RFC 3986. */
export function randomText(count: number): string {
  const marks = count > 10 ? '-._~' : ''
  const letters = randomBytes(2 * count)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
  return letters.slice(0, count - marks.length) + marks
}

/** The parameters of an authorization request. One set to undefined is omitted. */
export function requestOf({ client, mode }: Module, parameters: Parameters = {}): Parameters {
  return {
    client_id: client.client_id,
    nonce: randomText(10),
    redirect_uri: client.redirect_uri,
    ...(mode === 'form_post' ? { response_mode: mode } : {}),
    response_type: 'code',
    scope: 'openid',
    state: randomText(10),
    ...parameters,
  }
}

export function formOf(parameters: Parameters): URLSearchParams {
  const present = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(present)
}

/** Opens an authorization request by GET. */
export const open = ({ browser, metadata }: Module, request: Parameters): Promise<Page> =>
  browser.open(`${metadata.authorization_endpoint}?${formOf(request)}`)

export function logIn({ browser }: Module, page: Page): Promise<Page> {
  expectLoginPage(page)
  return browser.submit(page, { username: 'ursula', password })
}

export function consent({ browser }: Module, page: Page): Promise<Page> {
  expectConsentPage(page)
  return browser.submit(page, { decision: 'allow' })
}

/** The error at the callback, after the checks of an error response. */
export const errorOf = (module: Module, page: Page, request: Parameters): string | null =>
  checkErrorResponse(received(page, module.mode, module.client.redirect_uri), request, issuer)

export const codeOf = (module: Module, page: Page, request: Parameters): string =>
  checkCodeResponse(received(page, module.mode, module.client.redirect_uri), request, issuer)

export interface Authorized {
  request: Parameters
  code: string
}

const pages = { login: logIn, consent }

/** Gets a code through exactly these pages. */
export async function authorize(
  module: Module,
  parameters: Parameters = {},
  by: (keyof typeof pages)[] = ['login'],
): Promise<Authorized> {
  const request = requestOf(module, parameters)
  let page = await open(module, request)
  for (const kind of by) page = await pages[kind](module, page)
  return { request, code: codeOf(module, page, request) }
}

export function tokenRequest({ provider, client, metadata }: Module, parameters: Parameters): Promise<Response> {
  const { client_id, client_secret } = client
  const isBasic = client.token_endpoint_auth_method === 'client_secret_basic'
  const headers = { accept: 'application/json', ...(isBasic ? basic(client_id, client_secret) : {}) }
  const body = formOf(isBasic ? parameters : { ...parameters, client_id, client_secret })
  return provider.reach(String(metadata.token_endpoint), { method: 'POST', headers, body, redirect: 'manual' })
}

export const codeRequest = (module: Module, code: string, parameters: Parameters = {}): Promise<Response> =>
  tokenRequest(module, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: module.client.redirect_uri,
    ...parameters,
  })

export interface Completed extends Authorized {
  tokens: Tokens
  id_token: IdToken
  userinfo: Json
}

/** Exchanges the code for tokens and calls userinfo, as at the end of every successful flow. */
export async function complete(
  module: Module,
  authorized: Authorized,
  parameters: Parameters = {},
): Promise<Completed> {
  const { request, code } = authorized
  const tokens = await checkTokenResponse(await codeRequest(module, code, parameters))
  const id_token = await idTokenOf(module, tokens, request)
  const userinfo = await userinfoOf(module, tokens, id_token, request)
  return { ...authorized, tokens, id_token, userinfo }
}

export const idTokenOf = (module: Module, tokens: Tokens, request: Parameters): Promise<IdToken> =>
  checkIdToken(tokens.id_token, {
    issuer,
    keys: module.keys,
    client_id: module.client.client_id,
    nonce: request.nonce,
    access_token: tokens.access_token,
    requested: requestedClaims(request, 'id_token'),
  })

/** Runs the whole flow, which must succeed. */
export const succeed = async (
  module: Module,
  parameters: Parameters = {},
  by: (keyof typeof pages)[] = ['login'],
): Promise<Completed> => complete(module, await authorize(module, parameters, by))

export type Presentation = 'get' | 'post-header' | 'post-body'

export function userinfoRequest(module: Module, token: string, by: Presentation = 'get'): Promise<Response> {
  const bearer = { authorization: `Bearer ${token}` }
  const { provider, metadata } = module
  return provider.reach(String(metadata.userinfo_endpoint), {
    method: by === 'get' ? 'GET' : 'POST',
    headers: { accept: 'application/json', ...(by === 'post-body' ? {} : bearer) },
    redirect: 'manual',
    ...(by === 'get' ? {} : { body: formOf(by === 'post-body' ? { access_token: token } : {}) }),
  })
}

/** OIDC Core §5.4 */
const claimsOfScope: Record<string, string> = {
  profile:
    'name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at',
  email: 'email email_verified',
  address: 'address',
  phone: 'phone_number phone_number_verified',
}

/** Expects exactly the requested claims at userinfo; the user has a value for each. */
export async function userinfoOf(
  module: Module,
  tokens: Tokens,
  { claims }: IdToken,
  request: Parameters,
  by: Presentation = 'get',
): Promise<Json> {
  const userinfo = await checkUserinfo(await userinfoRequest(module, tokens.access_token, by), claims.sub)
  const scopes = request.scope?.split(' ') ?? []
  const names = scopes.flatMap((scope) => claimsOfScope[scope]?.split(' ') ?? [])
  const expected = new Set(['sub', ...names, ...requestedClaims(request, 'userinfo')])
  expect(Object.keys(userinfo).sort()).toEqual([...expected].sort())
  for (const [name, value] of Object.entries(userinfo)) {
    if (name in personClaims) expect(value, name).toEqual(personClaims[name])
  }
  return userinfo
}

const requestedClaims = ({ claims }: Parameters, place: 'userinfo' | 'id_token'): string[] =>
  Object.keys(JSON.parse(claims ?? '{}')[place] ?? {})
