// The Worker in the isolate of the test, set up through the administration API with the user and clients of docs/security-cases.md.
import { env, exports } from 'cloudflare:workers'
import type { Subject } from '../src/grants/subject/subject.ts'
import { aBrowser, type Browser, basic, pkce, redirectOf } from './user-agent.ts'

export const issuer = 'https://id.test'
export const operatorToken = 'b3BlcmF0b3ItdG9rZW4tb2YtdGhlLXRlc3RzLTAxMjM'
/** Registered for the client `web`. */
export const redirectUri = 'https://rp.test/cb'
export const password = 'correct horse battery staple'
/** The secret of all confidential clients. */
export const secret = 'bm90LWEtcmVhbC1zZWNyZXQtYnV0LWxvbmctZW5vdWdo'

export const reach = (url: string, init?: RequestInit): Promise<Response> => exports.default.fetch(url, init)

export const browser = (): Browser => aBrowser(issuer, reach)

/** Calls the administration API with the operator token. Returns the JSON; throws unless the status is 2xx. */
export async function operator(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await reach(`${issuer}/admin/api/${path}`, {
    method,
    headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}

/** Every standard claim of OIDC Core §5.1. */
export const fullProfile = {
  name: 'Ada Example',
  given_name: 'Ada',
  family_name: 'Example',
  email: 'ada@example.test',
  email_verified: true,
  gender: 'female',
  locale: 'en-GB',
  zoneinfo: 'Europe/Amsterdam',
  claims: {
    middle_name: 'B',
    nickname: 'Ad',
    profile: 'https://example.test/ada',
    picture: 'https://example.test/ada.png',
    website: 'https://ada.example.test',
    birthdate: '1990-12-10',
    phone_number: '+31201234567',
    phone_number_verified: true,
    address: { formatted: 'Street 1, Amsterdam', country: 'NL' },
  },
}

const scopes = ['profile', 'email', 'address', 'phone']
const secrets = [{ value: secret, label: 'tests' }]

/** Creates the user `ada`, the service `robot`, and the clients `web`, `web2` (confidential), `spa` (public), `m2m` (client_credentials). */
export async function setUp(): Promise<void> {
  await operator('PUT', 'users/ada', { ...fullProfile, password })
  await operator('PUT', 'users/robot', { name: 'Robot', service_account: true })
  const web = {
    client_name: 'Web',
    grant_types: ['authorization_code'],
    redirect_uris: [redirectUri],
    scopes,
    api_access: true,
    offline_access: true,
    require_pkce: false,
    secrets,
  }
  await operator('PUT', 'clients/web', web)
  await operator('PUT', 'clients/web2', { ...web, client_name: 'Web two' })
  await operator('PUT', 'clients/spa', {
    client_name: 'Single page',
    grant_types: ['authorization_code'],
    redirect_uris: ['https://spa.test/'],
    token_endpoint_auth_method: 'none',
    scopes,
    offline_access: true,
  })
  await operator('PUT', 'clients/m2m', {
    client_name: 'Machine',
    grant_types: ['client_credentials'],
    linked_user: 'robot',
    api_access: true,
    scopes: [],
    secrets,
  })
}

/** The Subject of a user. */
export async function subjectOf(userId: string): Promise<DurableObjectStub<Subject>> {
  const query = env.DB.prepare('SELECT subject_ref FROM users WHERE user_id = ?').bind(userId)
  const row = await query.first<{ subject_ref: string }>()
  return env.SUBJECT.get(env.SUBJECT.idFromName(row?.subject_ref ?? ''))
}

/** Presents an access token to the userinfo endpoint. */
export const userinfo = (token: string): Promise<Response> =>
  reach(`${issuer}/connect/userinfo`, { headers: { authorization: `Bearer ${token}` } })

export type Parameters = Record<string, string | undefined>

/** The URL of an authorization request of `web`. A parameter set to undefined is omitted. */
export function authorizeUrl(parameters: Parameters = {}): string {
  const all = {
    client_id: 'web',
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    state: 'a-state',
    ...parameters,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value)
  return `${issuer}/connect/authorize?${query}`
}

/** Opens an authorization request, signs ada in if the login page is shown, and returns the redirect to the client. */
export async function authorize(user: Browser, parameters: Parameters = {}): Promise<URL> {
  const page = await user.open(authorizeUrl(parameters))
  if (!page.html.includes('name="password"')) return redirectOf(page)
  return redirectOf(await user.submit(page, { username: 'ada', password }))
}

/** Like authorize, but returns the code. Throws if the redirect has none. */
export async function codeFor(user: Browser, parameters: Parameters = {}): Promise<string> {
  const target = await authorize(user, parameters)
  const code = target.searchParams.get('code')
  if (!code) throw new Error(`no code: ${target}`)
  return code
}

/** Sends a token request, as `web` unless other `credentials` are given. */
export function tokenRequest(form: Record<string, string>, credentials = basic('web', secret)): Promise<Response> {
  return reach(`${issuer}/connect/token`, { method: 'POST', headers: credentials, body: new URLSearchParams(form) })
}

export interface Tokens {
  access_token: string
  id_token: string
  refresh_token: string
  expires_in: number
  scope: string
}

/** The body of a successful token response. Throws if the status is not 200. */
export async function tokensOf(response: Response): Promise<Tokens> {
  const body = await response.json<Tokens>()
  if (response.status !== 200) throw new Error(`${response.status} ${JSON.stringify(body)}`)
  return body
}

export const redeem = async (code: string): Promise<Tokens> =>
  tokensOf(await tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }))

export const refresh = (refreshToken: string): Promise<Response> =>
  tokenRequest({ grant_type: 'refresh_token', refresh_token: refreshToken })

export { basic, pkce, redirectOf }
