// The hop budget of DESIGN §4: sequential round trips out of the isolate, warm and cold, counted at the bindings.
import { beforeAll, describe, expect, it } from 'vitest'
import { aColdIsolate } from '../counting.ts'
import { anUpstream, type FakeUpstream } from '../fakes/upstream.ts'
import {
  authorizeUrl,
  basic,
  browser,
  codeFor,
  issuer,
  operator,
  password,
  redeem,
  redirectUri,
  secret,
  setUp,
} from '../provider.ts'
import { aBrowser, type Browser, fillForm, redirectOf } from '../user-agent.ts'

let upstream: FakeUpstream

beforeAll(async () => {
  await setUp()
  upstream = await anUpstream({ user: { sub: 'ada', given_name: 'Ada' } })
  const user_template = { given_name: { claim: 'given_name' } }
  await operator('PUT', 'identity-providers/corp', upstream.record({ provisioning_enabled: true, user_template }))
})

const isolate = aColdIsolate()
const user = aBrowser(issuer, isolate.fetch)
const asWeb = { method: 'POST', headers: basic('web', secret) }
const post = (path: string, form: Record<string, string>) =>
  isolate.fetch(`${issuer}/connect/${path}`, { ...asWeb, body: new URLSearchParams(form) })

/** Reads the configuration and the client, so that the next request is warm. */
async function warmUp(): Promise<void> {
  await post('token', { grant_type: 'client_credentials' })
  await isolate.fetch(`${issuer}/connect/token`, {
    method: 'POST',
    headers: basic('m2m', secret),
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
}

describe('warm', () => {
  beforeAll(warmUp)

  it('serves discovery and JWKS without a hop', async () => {
    for (const path of ['', '/jwks']) {
      await isolate.fetch(`${issuer}/.well-known/openid-configuration${path}`)
      expect(isolate.hops).toEqual([])
    }
  })

  it('issues a client_credentials token without a hop', async () => {
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    const response = await isolate.fetch(`${issuer}/connect/token`, {
      method: 'POST',
      headers: basic('m2m', secret),
      body,
    })
    expect(response.status).toBe(200)
    expect(isolate.hops).toEqual([])
  })

  it('shows the login page of a request without a session without a hop', async () => {
    const first = await isolate.fetch(authorizeUrl())
    expect(first.status).toBe(303)
    expect(isolate.hops).toEqual([])
  })

  it('signs in by password in three hops, authorizes again in one, and every token operation takes one', async () => {
    const page = await user.open(authorizeUrl({ scope: 'openid offline_access' }))
    expect(isolate.hops).toEqual([])
    const form = fillForm(page.html, { username: 'ada', password }, page.url)
    const headers = { origin: issuer, 'sec-fetch-site': 'same-origin' }
    const signedIn = await user.fetch(form.action, { method: 'POST', headers, body: form.body })
    expect(signedIn.status).toBe(303)
    expect(isolate.hops).toEqual(['D1', 'LoginGuard', 'Subject'])

    const again = await user.open(authorizeUrl({ scope: 'openid offline_access' }))
    const code = redirectOf(again).searchParams.get('code') ?? ''
    expect(isolate.hops).toEqual(['Subject'])

    const redeemed = await post('token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    expect(isolate.hops).toEqual(['Subject'])
    const tokens = await redeemed.json<{ access_token: string; refresh_token: string }>()

    const refreshed = await post('token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(refreshed.status).toBe(200)
    expect(isolate.hops).toEqual(['Subject'])

    await isolate.fetch(`${issuer}/connect/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    expect(isolate.hops).toEqual(['Subject'])
    await post('introspect', { token: tokens.access_token })
    expect(isolate.hops).toEqual(['Subject'])
    await post('revocation', { token: tokens.access_token })
    expect(isolate.hops).toEqual(['Subject'])
  })
})

describe('an external provider', () => {
  const to = (path: string, init?: RequestInit) => user.fetch(path, init)
  let before: FakeUpstream['requests']
  /** Begun last of all and waited for by nobody: the write of the login attempt. */
  const attempt = 'D1'

  /** Calls to the provider since the last look. */
  function calls(): Record<string, number> {
    const now = { ...upstream.requests }
    const since = Object.entries(now).map(([name, count]) => [name, count - (before[name as keyof typeof before] ?? 0)])
    before = now
    return Object.fromEntries(since.filter(([, count]) => count !== 0))
  }

  async function callback(browser: Browser, fetch: typeof to): Promise<Response> {
    browser.cookies.delete('__Host-session')
    const page = await browser.open(authorizeUrl())
    const form = fillForm(page.html, { provider: 'corp' }, page.url)
    const headers = { origin: issuer, 'sec-fetch-site': 'same-origin' }
    before = { ...upstream.requests }
    const there = await fetch(`${issuer}/external/login`, { method: 'POST', headers, body: form.body })
    expect(isolate.hops).toEqual([])
    expect(calls()).toEqual({})
    return fetch(upstream.approve(there.headers.get('location') ?? '').href)
  }

  it('costs no hop on the way there, and on the way back a token call, one D1 (two when it writes) and one Subject', async () => {
    const first = await callback(user, to)
    expect(first.headers.get('location')).toContain('code=')
    // The first sign-in of this person links the account.
    expect(isolate.hops).toEqual(['D1', 'D1', 'Subject', attempt])
    expect(calls()).toEqual({ token: 1 })

    await callback(user, to)
    expect(isolate.hops).toEqual(['D1', 'Subject', attempt])
    expect(calls()).toEqual({ token: 1 })

    upstream.user = { sub: 'ada', given_name: 'Augusta' }
    await callback(user, to)
    expect(isolate.hops).toEqual(['D1', 'D1', 'Subject', attempt])
    expect(calls()).toEqual({ token: 1 })
  })

  it('asks userinfo once, when a claim that is needed is missing', async () => {
    upstream.user = { sub: 'ada' }
    upstream.userinfo = { given_name: 'Augusta' }
    await callback(user, to)
    expect(isolate.hops).toEqual(['D1', 'Subject', attempt])
    expect(calls()).toEqual({ token: 1, userinfo: 1 })
  })

  it('costs a cold isolate one read more', async () => {
    const cold = aColdIsolate()
    const answer = await callback(user, (path, init) =>
      path.includes('/external/callback/')
        ? cold.fetch(path, { headers: { cookie: [...user.cookies].map((pair) => pair.join('=')).join('; ') } })
        : to(path, init),
    )
    expect(answer.headers.get('location')).toContain('code=')
    expect(cold.hops).toEqual(['D1', 'D1', 'Subject', attempt])
  })
})

describe('cold', () => {
  it.each(['/.well-known/openid-configuration', '/.well-known/openid-configuration/jwks'])(
    'adds one read to %s',
    async (path) => {
      const cold = aColdIsolate()
      await cold.fetch(issuer + path)
      expect(cold.hops).toEqual(['D1'])
    },
  )

  it('adds one read to authorize and to client_credentials, the client included', async () => {
    const cold = aColdIsolate()
    await cold.fetch(authorizeUrl())
    expect(cold.hops).toEqual(['D1'])
    const colder = aColdIsolate()
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    const response = await colder.fetch(`${issuer}/connect/token`, {
      method: 'POST',
      headers: basic('m2m', secret),
      body,
    })
    expect(response.status).toBe(200)
    expect(colder.hops).toEqual(['D1'])
  })

  it('adds one read to a code redemption', async () => {
    const cold = aColdIsolate()
    const code = await codeFor(browser())
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    await cold.fetch(`${issuer}/connect/token`, { ...asWeb, body })
    expect(cold.hops).toEqual(['D1', 'Subject'])
  })

  it('adds one read to userinfo, which learns its client from the token', async () => {
    const tokens = await redeem(await codeFor(browser()))
    const cold = aColdIsolate()
    const response = await cold.fetch(`${issuer}/connect/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(response.status).toBe(200)
    expect(cold.hops).toEqual(['D1', 'Subject'])
  })
})
