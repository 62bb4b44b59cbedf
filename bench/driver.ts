// Drives the flows over HTTP as a client and its user's browser do, for benchmarks and experiments.
import { type Browser, basic, type Page, type Provider, pkce, redirectOf } from '../test/node/server.ts'

export const redirectUri = 'https://rp.test/cb'
export const scope = 'openid profile offline_access'

export interface User {
  username: string
  password: string
}

export interface ConfidentialClient {
  clientId: string
  secret: string
}

export interface Tokens {
  access_token: string
  id_token?: string
  refresh_token?: string
  scope?: string
}

export interface TokenEndpointResponse {
  status: number
  /** Tokens, or error and error_description. */
  body: Tokens & { error?: string; error_description?: string }
}

/** Creates a user, and a confidential client with every permission linked to that user. */
export async function seedPair(
  provider: Provider,
  name: string,
  settings: Record<string, unknown> = {},
): Promise<{ user: User; client: ConfidentialClient }> {
  const user = { username: `user-${name}`, password: `a long password of ${name}` }
  await provider.operator('PUT', `users/${user.username}`, {
    login_name: user.username,
    password: user.password,
    name: `User ${name}`,
    email: `${name}@rp.test`,
    email_verified: true,
  })
  return { user, client: await seedClient(provider, name, user, settings) }
}

/** Creates a confidential client with every permission, linked to this user. `settings` override its fields. */
export async function seedClient(
  provider: Provider,
  name: string,
  user: User,
  settings: Record<string, unknown> = {},
): Promise<ConfidentialClient> {
  const client = {
    clientId: `client-${name}`,
    secret: `${name}-`.padEnd(43, 'vT7qLw2ZpK9xRb4NcY6mHs8dJf3gUe5aXo1iQz0t'),
  }
  await provider.operator('PUT', `clients/${client.clientId}`, {
    client_name: `Client ${name}`,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scopes: ['openid', 'profile', 'email'],
    api_access: true,
    offline_access: true,
    linked_user: user.username,
    secrets: [{ value: client.secret }],
    ...settings,
  })
  return client
}

export interface AuthorizationAttempt {
  url: string
  code_verifier: string
}

export function authorizationAttempt(issuer: string, clientId: string): AuthorizationAttempt {
  const { code_verifier, code_challenge } = pkce()
  const query = new URLSearchParams({
    ...authorizationQuery(code_challenge),
    client_id: clientId,
    state: 'of-the-client',
  })
  return { url: `${issuer}/connect/authorize?${query}`, code_verifier }
}

export const authorizationQuery = (code_challenge: string): Record<string, string> => ({
  response_type: 'code',
  scope,
  redirect_uri: redirectUri,
  nonce: 'of-the-client',
  code_challenge,
  code_challenge_method: 'S256',
})

/** Opens the authorization request and signs in if a form is shown. Returns the redirect to the client. */
export async function signIn(browser: Browser, attempt: AuthorizationAttempt, user: User): Promise<URL> {
  const page = await browser.open(attempt.url)
  const result = isRedirect(page) ? page : await browser.submit(page, { ...user })
  if (!isRedirect(result)) {
    throw new Error(`no redirect after signing in: ${result.status} ${result.html.slice(0, 1000)}`)
  }
  return redirectOf(result)
}

const isRedirect = (page: Page): boolean => page.headers.has('location')

/** Gets a new code for the user who is signed in in this browser, and signs `user` in if there is none. */
export async function newCode(browser: Browser, issuer: string, clientId: string, user: User) {
  const attempt = authorizationAttempt(issuer, clientId)
  const code = (await signIn(browser, attempt, user)).searchParams.get('code')
  if (!code) throw new Error('the redirect has no code')
  return { code, code_verifier: attempt.code_verifier }
}

/** Sends one request to the token endpoint at this address. */
export async function askForTokens(
  endpoint: string,
  client: ConfidentialClient,
  fields: Record<string, string>,
  init: RequestInit = {},
): Promise<TokenEndpointResponse> {
  const headers = { ...basic(client.clientId, client.secret), 'cf-connecting-ip': '198.19.0.1' }
  const body = new URLSearchParams(fields)
  const response = await fetch(endpoint, { ...init, method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as TokenEndpointResponse['body'] }
}

export const codeFields = (code: { code: string; code_verifier: string }): Record<string, string> => ({
  grant_type: 'authorization_code',
  redirect_uri: redirectUri,
  ...code,
})

export const refreshFields = (token: string): Record<string, string> => ({
  grant_type: 'refresh_token',
  refresh_token: token,
})
