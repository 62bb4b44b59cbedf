// A public client written with oidc-client-ts that runs in the browser on another site: what it may do, and what other origins may not.
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { claimsOf } from '../node/server.ts'
import { type ClientSite, openClientSite } from './client-site.ts'
import { openStage, press, type Stage, signIn } from './stage.ts'

const library = path.join(
  createRequire(import.meta.url).resolve('oidc-client-ts'),
  '../../browser/oidc-client-ts.min.js',
)
const clientFolder = path.join(import.meta.dirname, 'single-page-client')

let stage: Stage
let otherSite: ClientSite
beforeAll(async () => {
  stage = await openStage({
    files: {
      '/': path.join(clientFolder, 'index.html'),
      '/client.js': path.join(clientFolder, 'client.js'),
      '/oidc-client-ts.js': library,
    },
  })
  otherSite = await openClientSite({ '/': '<!doctype html><title>Other site</title>' })
  await stage.provider.operator('PUT', 'clients/single-page', {
    client_name: 'Single page',
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${stage.site.origin}/`],
    scopes: ['openid', 'profile', 'email'],
    offline_access: true,
  })
})
afterEach(async () => expect(await stage.leave()).toEqual([]))
afterAll(async () => {
  await otherSite?.close()
  await stage?.close()
})

interface Tokens {
  access_token: string
  id_token: string
  refresh_token: string
  scope: string
  profile: Record<string, unknown>
}

/** The result that the client shows once it has finished. */
async function resultOf<T>(page: Page): Promise<T> {
  const result = page.locator('#result')
  await expect.poll(() => result.innerText(), { timeout: 10_000 }).not.toMatch(/^(loading|"working")$/)
  return JSON.parse(await result.innerText())
}

/** Clicks a button of the client and returns the result. */
async function act<T>(page: Page, button: string): Promise<T> {
  await page.click(button)
  return resultOf<T>(page)
}

async function signInToClient(page: Page): Promise<Tokens> {
  await page.goto(`${stage.site.origin}/?authority=${encodeURIComponent(stage.provider.issuer)}`)
  expect(await resultOf(page)).toBe('ready')
  await page.click('#sign-in')
  await page.waitForURL(`${stage.provider.issuer}/account/login?*`)
  await signIn(page)
  return resultOf<Tokens>(page)
}

describe('a single-page client', () => {
  it('signs in with PKCE, calls userinfo, refreshes and revokes, all across origins', async () => {
    const { page } = await stage.visit()
    const tokens = await signInToClient(page)
    expect(page.url()).toBe(`${stage.site.origin}/`)
    expect(tokens.scope).toBe('openid profile email offline_access')
    // The profile includes the userinfo claims, which the library fetched itself.
    expect(tokens.profile).toMatchObject({ sub: 'ada', name: 'Ada Example', email: 'ada@example.test' })
    expect(claimsOf(tokens.id_token)).toMatchObject({ aud: 'single-page', iss: stage.provider.issuer })
    expect(await act(page, '#userinfo')).toMatchObject({ status: 200, body: { sub: 'ada', nickname: 'Ad' } })

    const renewed = await act<Tokens>(page, '#renew')
    expect(renewed.access_token).not.toBe(tokens.access_token)
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token)
    expect(await act(page, '#userinfo')).toMatchObject({ status: 200 })

    await act(page, '#revoke')
    expect(await fetchFrom(page, ...refresh(renewed.refresh_token))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    expect(await fetchFrom(page, ...userinfo(renewed.access_token))).toMatchObject({ status: 401 })
  })

  it('can read error responses, including the challenge', async () => {
    const { page } = await stage.visit()
    const tokens = await signInToClient(page)
    await stage.provider.operator('POST', 'users/ada/sign-out')
    expect(await act(page, '#userinfo')).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('invalid_token'),
    })
    const refused = await fetchFrom(page, ...refresh(tokens.refresh_token))
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(refused?.requestId).toMatch(/^[\da-f-]{36}$/)
  })

  it('H02 no code or token appears in a Referer, an address of another party, or the history', async () => {
    const { page, context } = await stage.visit()
    const requests: { url: string; referer: string }[] = []
    const pending: Promise<unknown>[] = []
    context.on('request', (request) => {
      const read = request.allHeaders().then(({ referer = '' }) => requests.push({ url: request.url(), referer }))
      pending.push(read)
    })
    const tokens = await signInToClient(page)
    await act(page, '#userinfo')
    await Promise.all(pending)

    const callback = requests.find(({ url }) => url.startsWith(`${stage.site.origin}/?`) && url.includes('code='))
    const code = new URL(callback?.url ?? '').searchParams.get('code') ?? ''
    const secrets = [code, tokens.access_token, tokens.id_token, tokens.refresh_token]
    expect(secrets.every((secret) => secret?.length > 20)).toBe(true)
    const leaks = requests.filter(({ url, referer }) =>
      secrets.some((secret) => referer.includes(secret) || (url.includes(secret) && url !== callback?.url)),
    )
    expect(leaks).toEqual([])
    // Only these two origins took part, and neither learned the other's addresses.
    expect(new Set(requests.map(({ url }) => new URL(url).origin))).toEqual(
      new Set([stage.site.origin, stage.provider.issuer]),
    )
    const foreignReferers = requests.filter(
      ({ url, referer }) => referer && new URL(referer).origin !== new URL(url).origin,
    )
    expect(foreignReferers).toEqual([])
    expect(await page.evaluate('history.length')).toBeGreaterThan(1)
    await page.goBack()
    expect(page.url()).not.toContain(code)
  })
})

type Call = [url: string, init?: { method: string; headers?: Record<string, string>; body?: string }]

const refresh = (refresh_token: string): Call => [
  `${stage.provider.issuer}/connect/token`,
  {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'single-page', refresh_token }).toString(),
  },
]
const userinfo = (token: string): Call => [
  `${stage.provider.issuer}/connect/userinfo`,
  { method: 'GET', headers: { authorization: `Bearer ${token}` } },
]

interface ReadableResponse {
  status: number
  requestId: string | null
  body: unknown
}

/** The response that a script of the page can read, or undefined if the browser withholds it. */
function fetchFrom(page: Page, ...call: Call): Promise<ReadableResponse | undefined> {
  return page.evaluate(async ([url, init]) => {
    try {
      const response = await fetch(url, init)
      const text = await response.text()
      const requestId = response.headers.get('x-request-id')
      return { status: response.status, requestId, body: text && JSON.parse(text) }
    } catch {
      return undefined
    }
  }, call)
}

describe('another origin', () => {
  it('can read the public documents, but no response to a client, not even with its tokens', async () => {
    const { page, context } = await stage.visit()
    const tokens = await signInToClient(page)
    const elsewhere = await context.newPage()
    await elsewhere.goto(`${otherSite.origin}/`)
    for (const document of ['openid-configuration', 'openid-configuration/jwks', 'oauth-authorization-server']) {
      const url = `${stage.provider.issuer}/.well-known/${document}`
      expect(await fetchFrom(elsewhere, url), document).toMatchObject({ status: 200 })
    }
    expect(await fetchFrom(page, ...userinfo(tokens.access_token))).toMatchObject({ status: 200 })
    expect(await fetchFrom(elsewhere, ...userinfo(tokens.access_token))).toBeUndefined()
    expect(await fetchFrom(elsewhere, ...refresh(tokens.refresh_token))).toBeUndefined()
    expect(await fetchFrom(elsewhere, ...refresh('no token at all'))).toBeUndefined()
    for (const path of ['/account', '/connect/authorize', '/admin/api/users', '/health']) {
      expect(await fetchFrom(elsewhere, stage.provider.issuer + path), path).toBeUndefined()
    }
  })

  it('is allowed once the operator adds it to the origins of the client', async () => {
    const { page, context } = await stage.visit()
    const tokens = await signInToClient(page)
    await stage.provider.operator('PUT', 'clients/single-page', { client_origins: [otherSite.origin] })
    const elsewhere = await context.newPage()
    await elsewhere.goto(`${otherSite.origin}/`)
    expect(await fetchFrom(elsewhere, ...userinfo(tokens.access_token))).toMatchObject({ status: 200 })
    await stage.provider.operator('PUT', 'clients/single-page', { client_origins: [] })
    expect(await fetchFrom(elsewhere, ...userinfo(tokens.access_token))).toBeUndefined()
  })
})

describe('H02 a third party that our pages link to', () => {
  it('learns nothing about the request from its logo, its links or the redirect back', async () => {
    const { page, context } = await stage.visit()
    const headers: Record<string, Promise<Record<string, string>>> = {}
    await context.route('https://client.test/**', async (route) => {
      headers[new URL(route.request().url()).pathname] = route.request().allHeaders()
      await route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Client</title>' })
    })
    await stage.provider.operator('PUT', 'clients/careful', {
      logo_uri: 'https://client.test/logo.png',
      policy_uri: 'https://client.test/privacy',
    })
    await page.goto(stage.request({ client_id: 'careful' }))
    const [privacy] = await Promise.all([context.waitForEvent('page'), page.click('text=Privacy policy')])
    await privacy.waitForLoadState()
    expect(await privacy.evaluate('[document.referrer, window.opener]')).toEqual(['', null])
    expect(Object.keys(headers).sort()).toEqual(['/logo.png', '/privacy'])
    for (const each of Object.values(headers)) expect(await each).not.toHaveProperty('referer')

    await signIn(page)
    await press(page, '#deny')
    expect(stage.site.call()).toMatchObject({ method: 'GET' })
    expect(stage.site.call().headers).not.toHaveProperty('referer')
    await page.goto(stage.request({ response_mode: 'form_post' }))
    await page.waitForURL(stage.site.redirectUri)
    expect(stage.site.call()).toMatchObject({ method: 'POST' })
    expect(stage.site.call().headers).not.toHaveProperty('referer')
  })
})
