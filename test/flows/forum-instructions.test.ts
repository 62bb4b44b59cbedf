// The set-up that customers of the original system use today, exactly as its forum describes it: the OpenID client, the authorization request
// printed there, refresh tokens that work once, and a client that acts as its linked user.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, basic, claimsOf, type Page, type Provider, redirectOf, startProvider } from '../node/server.ts'
import { openAsAda, password, seedAda, seedRobot } from './cast.ts'

/** Registered as printed in the forum: a trailing slash, plain http. */
const redirectUri = 'http://localhost:5000/'
const secret = 'qZ7vT7qLw2ZpK9xRb4NcY6mHs8dJf3gU'

let provider: Provider
let ada: Browser
/** The authorization request as printed in the forum, with a blank between the scopes. */
let printed: string

beforeAll(async () => {
  provider = await startProvider()
  printed = `${provider.issuer}/connect/authorize?response_type=code&client_id=client&redirect_uri=http://localhost:5000/&scope=openid offline_access`
  await seedAda(provider)
  await seedRobot(provider)
  await provider.operator('PUT', 'clients/client', {
    client_name: 'Client',
    enabled: true,
    grant_types: ['authorization_code', 'client_credentials'],
    redirect_uris: [redirectUri],
    // The forum names only two checkboxes: API and Offline.
    scopes: [],
    api_access: true,
    offline_access: true,
    require_consent: true,
    // The forum's request has no PKCE.
    require_pkce: false,
    linked_user: 'robot',
    secrets: [{ value: secret, label: 'client secret' }],
  })
  ada = provider.browser()
})
afterAll(() => provider.stop())

interface Tokens {
  access_token: string
  id_token: string
  refresh_token: string
  token_type: string
  expires_in: number
  error?: string
}

async function postToken(form: Record<string, string>): Promise<Tokens & { status: number }> {
  const body = new URLSearchParams({ client_id: 'client', client_secret: secret, ...form })
  const response = await fetch(`${provider.issuer}/connect/token`, { method: 'POST', body })
  return { ...((await response.json()) as Tokens), status: response.status }
}

const redeem = (code: string) => postToken({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
const refresh = (refresh_token: string) => postToken({ grant_type: 'refresh_token', refresh_token })
const codeOf = (call: URL) => call.searchParams.get('code') ?? ''

describe('the authorize request of the forum', () => {
  let tokens: Tokens

  it('asks to sign in, then for consent, and returns code and session_state', async () => {
    const login = await ada.open(printed)
    expect(new URL(login.url).pathname).toBe('/account/login')
    const consent = await ada.submit(login, { username: 'ada', password })
    expect(new URL(consent.url).pathname).toBe('/account/consent')
    expect(consent.html).toContain('value="allow"')
    const call = redirectOf(await ada.submit(consent, { decision: 'allow' }))
    expect(call.href.startsWith(`${redirectUri}?code=`)).toBe(true)
    expect(call.searchParams.get('session_state')).toMatch(/^[\w-]+\.[\w-]+$/)
    tokens = await redeem(codeOf(call))
    expect(tokens).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 3600 })
    expect(claimsOf(tokens.access_token)).toMatchObject({ sub: 'ada', client_id: 'client' })
    expect(claimsOf(tokens.id_token)).toMatchObject({ sub: 'ada', aud: 'client' })
    expect(tokens.refresh_token).toBeTypeOf('string')
  })

  it('needs sign-in and consent only once', async () => {
    expect(codeOf(await openAsAda(ada, printed))).not.toBe('')
  })

  it('gives a refresh token that works once and is replaced by the next one', async () => {
    const next = await refresh(tokens.refresh_token)
    expect(next.status).toBe(200)
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const last = await refresh(next.refresh_token)
    expect(last.status).toBe(200)
    // Reuse of the first token is refused and revokes the whole family, because one of them may be stolen.
    expect(await refresh(tokens.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
    expect(await refresh(last.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
  })

  it('gives the same successor if a response is lost and the request is repeated', async () => {
    const first = await redeem(codeOf(await openAsAda(ada, printed)))
    const [one, other] = [await refresh(first.refresh_token), await refresh(first.refresh_token)]
    expect(other).toMatchObject({ status: 200, refresh_token: one.refresh_token })
    expect(claimsOf(other.access_token).jti).toBe(claimsOf(one.access_token).jti)
  })

  it('refuses any second use of a refresh token if the client has no grace period', async () => {
    await provider.operator('PUT', 'clients/client', { refresh_token_grace: 0 })
    const first = await redeem(codeOf(await openAsAda(ada, printed)))
    expect((await refresh(first.refresh_token)).status).toBe(200)
    expect(await refresh(first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' })
  })

  it('is refused with a page, not a redirect, if the redirect URI lacks the last slash', async () => {
    const page = await ada.open(printed.replace('localhost:5000/&', 'localhost:5000&'))
    expect(page.status).toBe(400)
    expect(page.headers.has('location')).toBe(false)
    const requestId = page.headers.get('x-request-id')
    expect(page.html).toContain(requestId)
    expect(await provider.operator('GET', `refusals/${requestId}`)).toMatchObject({
      check: 'redirect_uri',
      expected: redirectUri,
      received: 'http://localhost:5000',
      client_id: 'client',
    })
  })
})

describe('the client credentials of the forum', () => {
  it('represent the user that the client is linked to', async () => {
    const { access_token } = await postToken({ grant_type: 'client_credentials' })
    expect(claimsOf(access_token)).toMatchObject({ sub: 'robot', client_id: 'client', scope: 'full_api_access' })
  })

  it('may be sent in a header as well', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'full_api_access' })
    const init = { method: 'POST', headers: basic('client', secret), body }
    const response = await fetch(`${provider.issuer}/connect/token`, init)
    expect(claimsOf(((await response.json()) as Tokens).access_token).sub).toBe('robot')
  })
})

describe('signing out at /account', () => {
  let tokens: { online: Tokens; offline: Tokens }
  let copiedCookies: Map<string, string>

  beforeAll(async () => {
    await provider.operator('PUT', 'clients/client', { refresh_token_grace: null })
    tokens = {
      online: await redeem(codeOf(await openAsAda(ada, printed.replace(' offline_access', '')))),
      offline: await redeem(codeOf(await openAsAda(ada, printed))),
    }
    const account = await ada.open(`${provider.issuer}/account`)
    expect(account.html).toContain('Ada Example')
    copiedCookies = new Map(ada.cookies)
    signedOut = await ada.submit(account, {})
  })
  let signedOut: Page

  it('confirms it and ends the session', async () => {
    expect(signedOut.status).toBe(200)
    expect(signedOut.html).toContain('You are signed out')
    expect(new URL((await ada.open(`${provider.issuer}/account`)).url).pathname).toBe('/account/login')
    const call = redirectOf(await ada.open(`${printed}&prompt=none`))
    expect(call.searchParams.get('error')).toBe('login_required')
  })

  it('L05 ends the session for a copy of the cookies too', async () => {
    const thief = provider.browser()
    for (const [name, value] of copiedCookies) thief.cookies.set(name, value)
    const call = redirectOf(await thief.open(`${printed}&prompt=none`))
    expect(call.searchParams.get('error')).toBe('login_required')
  })

  it('L05 revokes the tokens of the session, except those granted with offline_access', async () => {
    const headers = { authorization: `Bearer ${tokens.online.access_token}` }
    expect((await fetch(`${provider.issuer}/connect/userinfo`, { headers })).status).toBe(401)
    expect((await refresh(tokens.offline.refresh_token)).status).toBe(200)
  })

  it('cannot be done by another site', async () => {
    const init = { method: 'POST', headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' } }
    expect((await ada.fetch(`${provider.issuer}/account/logout`, init)).status).toBe(403)
  })
})
