// Pages without a client: the account page, signing out, and whose page is whose (SECURITY-CASES S03, S12, S16, L05).
import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, issuer, operator, password, setUp } from '../../provider.ts'
import type { Browser, Page } from '../../user-agent.ts'
import { browser, expectBack, expectCode, isLogin } from '../../watched.ts'

const [ada, bob] = [browser(), browser()]

async function signIn(user: Browser, username: string): Promise<Page> {
  const page = await user.open(`${issuer}/account`)
  expect(isLogin(page)).toBe(true)
  return user.submit(page, { username, password })
}

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'users/bob', { name: 'Bob <b>Example</b>', email: 'bob@example.test', password })
})

describe('the account page', () => {
  it('is shown to the person alone, after signing in without any client', async () => {
    const page = await signIn(ada, 'ada')
    expect(page.url).toBe(`${issuer}/account`)
    expect(page.html).toContain('Ada Example')
    const other = await signIn(bob, 'bob')
    expect(other.html).toContain('Bob &lt;b>Example&lt;/b>')
    expect(other.html).not.toContain('Ada Example')
    expect((await ada.open(`${issuer}/account`)).html).not.toContain('bob@example.test')
    expect(isLogin(await browser().open(`${issuer}/account`))).toBe(true)
  })

  it('of a sign-in without a client, the interaction gives no code to anybody', async () => {
    const user = browser()
    const page = await user.open(`${issuer}/account`)
    const query = new URLSearchParams({ client_id: 'web', redirect_uri: 'https://rp.test/cb', response_type: 'code' })
    const url = `${page.url}&${query}`
    expect(isLogin(await user.open(url))).toBe(true)
    const done = await user.submit({ ...page, url }, { username: 'ada', password })
    expect(done.url).toBe(`${issuer}/account`)
  })
})

describe('S16 a shared cache', () => {
  it('keeps no page of anybody, and no answer that sets a cookie', async () => {
    const kept = new Map<string, string>()
    const urls = ['/account', '/', '/connect/authorize?client_id=nope', '/account/nope'].map((path) => issuer + path)
    urls.push(authorizeUrl({ prompt: 'consent' }), authorizeUrl({ response_mode: 'form_post' }), authorizeUrl())
    for (const user of [ada, bob]) {
      for (const url of urls) {
        const response = await user.fetch(url)
        const isCacheable = !/no-store|private/.test(response.headers.get('cache-control') ?? '')
        if (isCacheable) kept.set(url, await response.text())
      }
    }
    expect([...kept.keys()]).toEqual([])
  })
})

describe('signing out', () => {
  it.each<[string, Record<string, string>]>([
    ['another site', { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }],
    ['Origin: null', { origin: 'null' }],
    ['nothing', {}],
  ])('S01 is not done by %s', async (_, headers) => {
    const response = await ada.fetch(`${issuer}/account/logout`, { method: 'POST', headers })
    expect(response.status).toBe(403)
    expect(response.headers.getSetCookie()).toEqual([])
    expect((await ada.open(`${issuer}/account`)).html).toContain('Ada Example')
  })

  it('is not done by GET', async () => {
    expect((await ada.fetch(`${issuer}/account/logout`)).status).toBe(405)
    expectCode(await ada.open(authorizeUrl({ prompt: 'none' })))
  })

  it('L05 ends the session in the browser and here: the old cookie is worth nothing', async () => {
    const cookie = ada.cookies.get('__Host-session') ?? ''
    const state = ada.cookies.get('session-state')
    const page = await ada.open(`${issuer}/account`)
    const done = await ada.submit(page, {})
    expect(done.status).toBe(200)
    expect(ada.cookies.has('__Host-session')).toBe(false)
    expect(ada.cookies.get('session-state')).not.toBe(state)
    const thief = browser()
    thief.cookies.set('__Host-session', cookie)
    expectBack(await thief.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
    expect(isLogin(await thief.open(`${issuer}/account`))).toBe(true)
    // Nobody else was signed out, and doing it again does no harm.
    expect((await bob.open(`${issuer}/account`)).html).toContain('bob@example.test')
    expect((await ada.submit(page, {})).status).toBe(200)
  })
})
