// What changes between two pages of one sign-in: the request is held against the client and the settings of now at every step.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { anUpstream, type FakeUpstream } from '../fakes/upstream.ts'
import {
  authorizeUrl,
  basic,
  issuer,
  operator,
  type Parameters,
  password,
  pkce,
  redirectOf,
  redirectUri,
  secret,
  setUp,
  tokenRequest,
  tokensOf,
} from '../provider.ts'
import { claimsOf, type Page } from '../user-agent.ts'
import { browser, expectBack, expectCode, isLogin } from '../watched.ts'
import { saveProvider } from './external/external.ts'

const client = {
  client_name: 'Changing',
  enabled: true,
  grant_types: ['authorization_code', 'client_credentials'],
  redirect_uris: [redirectUri, 'https://rp.test/other'],
  scopes: ['email', 'profile'],
  offline_access: false,
  require_pkce: false,
  linked_user: 'robot',
  secrets: [{ value: secret, label: 'tests' }],
}

const changeClient = (changes: Record<string, unknown>) =>
  operator('PUT', 'clients/changing', { ...client, ...changes })
const switchEmail = (enabled: boolean) => operator('PUT', 'scopes/email', { ...email, enabled })

let corp: FakeUpstream
let email: object

beforeAll(async () => {
  await setUp()
  const { name, ...rest } = (await operator('GET', 'scopes/email')) as Record<string, unknown>
  expect(name).toBe('email')
  email = rest
  corp = await anUpstream({ host: 'corp.test' })
})
beforeEach(async () => {
  await operator('PUT', 'clients/changing', client)
  await switchEmail(true)
  await operator('PATCH', 'settings', { allow_local_accounts: true })
  await saveProvider(corp, 'corp', { enabled: false })
})

/** The login page of a request; then `change`; then the password. */
async function signInAfter(change: () => Promise<unknown>, parameters: Parameters = {}): Promise<Page> {
  const user = browser()
  const page = await user.open(authorizeUrl({ client_id: 'changing', ...parameters }))
  expect(isLogin(page)).toBe(true)
  await change()
  return user.submit(page, { username: 'ada', password })
}

async function tokensAfter(page: Page) {
  const form = { grant_type: 'authorization_code', code: expectCode(page), redirect_uri: redirectUri }
  return tokensOf(await tokenRequest(form, basic('changing', secret)))
}

describe('a change that ends the sign-in is shown, never redirected', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['the client was disabled', { enabled: false }, 'client_id is not known here'],
    ['it may not sign people in', { grant_types: ['client_credentials'] }, 'this client may not sign people in'],
    ['its redirect_uri was removed', { redirect_uris: ['https://rp.test/other'] }, 'redirect_uri is not registered'],
  ])('%s', async (_, changes, description) => {
    const page = await signInAfter(() => changeClient(changes))
    expect(page.status).toBe(400)
    expect(page.html).toContain(description)
    expect(page.headers.has('location')).toBe(false)
    expect(page.headers.has('set-cookie')).toBe(false)
  })
})

describe('a change that the client must hear of goes to the client', () => {
  it('no scope is left', async () => {
    const page = await signInAfter(() => switchEmail(false), { scope: 'email' })
    expectBack(page, 'invalid_scope')
  })

  it('PKCE is required now, and the request had none', async () => {
    expectBack(await signInAfter(() => changeClient({ require_pkce: true })), 'invalid_request')
  })

  it('PKCE is required now, and the request had it', async () => {
    const { code_challenge } = pkce()
    const parameters = { code_challenge, code_challenge_method: 'S256' }
    expectCode(await signInAfter(() => changeClient({ require_pkce: true }), parameters))
  })
})

describe('scopes and claims are those of now', () => {
  it.each<[string, () => Promise<unknown>, string, string]>([
    ['a scope was disabled', () => switchEmail(false), 'openid email profile', 'openid profile'],
    ['a scope was taken away', () => changeClient({ scopes: ['profile'] }), 'openid email profile', 'openid profile'],
    ['a scope was added', () => changeClient({ scopes: ['email', 'address'] }), 'openid address', 'openid address'],
  ])('%s', async (_, change, scope, granted) => {
    expect((await tokensAfter(await signInAfter(change, { scope }))).scope).toBe(granted)
  })

  it.each<[string, Record<string, unknown>, boolean]>([
    ['kept', {}, true],
    ['taken away', { scopes: ['profile'] }, false],
  ])('a single claim, its scope %s', async (_, changes, isGiven) => {
    const claims = '{"id_token":{"email":null}}'
    const { id_token } = await tokensAfter(await signInAfter(() => changeClient(changes), { claims, scope: 'openid' }))
    expect('email' in claimsOf(id_token)).toBe(isGiven)
  })

  it('a single claim, its scope added', async () => {
    await changeClient({ scopes: ['profile'] })
    const claims = '{"id_token":{"email":null}}'
    const { id_token } = await tokensAfter(await signInAfter(() => changeClient(client), { claims, scope: 'openid' }))
    expect('email' in claimsOf(id_token)).toBe(true)
  })
})

describe('the hint of a provider counts as long as that provider can be used', () => {
  it('switched on meanwhile', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl({ client_id: 'changing', acr_values: 'idp:corp' }))
    expect(isLogin(page)).toBe(true)
    await saveProvider(corp, 'corp')
    expect(redirectOf(await user.open(page.url)).origin).toBe(corp.issuer)
  })

  it('switched off meanwhile', async () => {
    await saveProvider(corp, 'corp')
    const user = browser()
    const first = await user.fetch(authorizeUrl({ client_id: 'changing', idp: 'corp' }))
    const login = new URL(first.headers.get('location') ?? '', issuer)
    expect(login.pathname).toBe('/account/login')
    await saveProvider(corp, 'corp', { enabled: false })
    expect(isLogin(await user.open(login))).toBe(true)
  })
})
