// The people and clients of the flows, as an operator would set them up, and a loopback server that publishes a client's keys.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type Browser, fillForm, type Page, type Provider, redirectOf } from '../node/server.ts'

export const redirectUri = 'https://rp.test/cb'
export const password = 'correct horse battery staple'
/** The secret of all confidential clients. Many of its characters must be encoded in Basic credentials. */
export const secret = 'qZ7+/w=3:V%41 &nPz~k!ySx9?bT2#rL'

/** The further claims of `ada`, besides names and e-mail address. */
export const adasClaims = { nickname: 'Ad', department: 'Research', address: { country: 'NL' } }

/** Creates the user who signs in. */
export async function seedAda(provider: Provider): Promise<void> {
  await provider.operator('PUT', 'users/ada', {
    name: 'Ada Example',
    given_name: 'Ada',
    family_name: 'Example',
    email: 'ada@example.test',
    email_verified: true,
    claims: adasClaims,
    password,
  })
}

/** Creates the service account that is the subject of client_credentials tokens. */
export const seedRobot = (provider: Provider) =>
  provider.operator('PUT', 'users/robot', { name: 'Robot', service_account: true })

/** Creates a confidential client for authorization_code and client_credentials with one secret. `settings` override its fields. */
export function seedClient(provider: Provider, clientId: string, settings: Record<string, unknown> = {}) {
  return provider.operator('PUT', `clients/${clientId}`, {
    client_name: `Client ${clientId}`,
    grant_types: ['authorization_code', 'client_credentials'],
    redirect_uris: [redirectUri],
    scopes: ['openid', 'profile', 'email'],
    api_access: true,
    offline_access: true,
    linked_user: 'robot',
    secrets: [{ value: secret, label: 'flows' }],
    ...settings,
  })
}

/** Settings of a client that authenticates with a key instead of a secret. */
export const byKey = (settings: Record<string, unknown>) => ({
  secrets: [],
  token_endpoint_auth_method: 'private_key_jwt',
  ...settings,
})

/** Settings of a client without credentials. */
export const byNothing = {
  secrets: [],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code'],
  linked_user: null,
}

export interface ClientKey {
  kid: string
  privateKey: CryptoKey
  /** The public part, as a client publishes it. */
  jwk: JWK
}

export async function newClientKey(alg: string, kid: string): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export interface KeyPublisher {
  jwks_uri: string
  /** The published keys, which tests may change. */
  keys: JWK[]
  /** Number of requests received. */
  requests: number
  close(): Promise<void>
}

/** Serves the JWKS of a client on a loopback address. */
export async function publishKeys(keys: JWK[]): Promise<KeyPublisher> {
  const server = createServer((_, response) => {
    publisher.requests += 1
    response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: publisher.keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const publisher: KeyPublisher = {
    jwks_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    keys,
    requests: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return publisher
}

/** Opens an authorization request, signs ada in if the login page is shown, and returns the redirect to the client. */
export async function openAsAda(browser: Browser, url: string | URL): Promise<URL> {
  return redirectOf(await passLoginAsAda(browser, url))
}

/** The same, but returns the request that the client receives: GET, or POST for response_mode=form_post. */
export async function callOfClient(browser: Browser, url: string | URL): Promise<Request> {
  const page = await passLoginAsAda(browser, url)
  if (page.headers.has('location')) return new Request(redirectOf(page))
  const { action, body } = fillForm(page.html, {}, page.url)
  return new Request(action, { method: 'POST', body })
}

async function passLoginAsAda(browser: Browser, url: string | URL): Promise<Page> {
  const page = await browser.open(url)
  if (!page.html.includes('name="password"')) return page
  return browser.submit(page, { username: 'ada', password })
}
