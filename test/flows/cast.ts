// Who takes part in the flows: people and clients as an operator sets them up, and a loopback server that publishes a client's keys.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type Browser, fillForm, type Page, type Provider, redirectOf } from '../node/server.ts'

export const redirectUri = 'https://rp.test/cb'
export const password = 'correct horse battery staple'
/** One secret for all confidential clients of the tests; half of its characters need encoding in a Basic header. */
export const secret = 'qZ7+/w=3:V%41 &nPz~k!ySx9?bT2#rL'

/** What `ada` has beside her name and e-mail address. */
export const adasClaims = { nickname: 'Ad', department: 'Research', address: { country: 'NL' } }

/** The person who signs in. */
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

/** A service account: whom tokens of client_credentials stand for. */
export const seedRobot = (provider: Provider) =>
  provider.operator('PUT', 'users/robot', { name: 'Robot', service_account: true })

/** A confidential client for people and for itself, with one secret, unless `settings` says otherwise. */
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

/** Settings of a client that has a key instead of a secret. */
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
  /** What it serves; may be changed. */
  keys: JWK[]
  /** How often it was asked. */
  requests: number
  close(): Promise<void>
}

/** The jwks_uri of a client, on a loopback address. */
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

/** Opens an authorization request as ada's browser does; signs her in where the login page comes. Where the client is called. */
export async function openAsAda(browser: Browser, url: string | URL): Promise<URL> {
  return redirectOf(await answerAsAda(browser, url))
}

/** The same, as the request that calls the client: by GET, or by POST when it asked for form_post. */
export async function callOfClient(browser: Browser, url: string | URL): Promise<Request> {
  const page = await answerAsAda(browser, url)
  if (page.headers.has('location')) return new Request(redirectOf(page))
  const { action, body } = fillForm(page.html, {}, page.url)
  return new Request(action, { method: 'POST', body })
}

async function answerAsAda(browser: Browser, url: string | URL): Promise<Page> {
  const page = await browser.open(url)
  if (!page.html.includes('name="password"')) return page
  return browser.submit(page, { username: 'ada', password })
}
