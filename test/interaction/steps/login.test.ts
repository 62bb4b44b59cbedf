// Signing in by password: who may send the form, what of it is read, and what it can never do (SECURITY-CASES A07, A18, S01, S03, S05, S15, P06, P08).
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { handle } from '../../../src/worker/handle.ts'
import { anUpstream } from '../../fakes/upstream.ts'
import {
  authorizeUrl,
  basic,
  codeFor,
  issuer,
  operator,
  password,
  redeem,
  redirectOf,
  redirectUri,
  secret,
  setUp,
  tokenRequest,
} from '../../provider.ts'
import { aBrowser, type Browser, claimsOf, fillForm, type Page } from '../../user-agent.ts'
import { browser, expectBack, expectCode, isLogin, lines, loggingEnv, reach, watched } from '../../watched.ts'

const session = '__Host-session'
const right = { username: 'ada', password }

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'users/bob', { name: 'Bob', password })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A POST of the page's form as the browser would send it, but with these headers. */
function post(user: Browser, page: Page, headers: Record<string, string>, fields: Record<string, string> = right) {
  const form = fillForm(page.html, fields, page.url)
  return user.fetch(form.action, { method: 'POST', body: form.body, headers })
}

const own = { origin: issuer, 'sec-fetch-site': 'same-origin' }

/** Whether the browser's session, or this cookie value, is worth anything. */
async function isSignedIn(user: Browser, cookie?: string): Promise<boolean> {
  const visitor = browser()
  visitor.cookies.set(session, cookie ?? user.cookies.get(session) ?? '')
  const page = await visitor.open(authorizeUrl({ prompt: 'none' }))
  return redirectOf(page).searchParams.has('code')
}

describe('S01 the login form counts only from our own page, in the browser it was made for', () => {
  it.each<[string, Record<string, string>]>([
    ['another site’s Origin', { origin: 'https://evil.test' }],
    ['Origin: null', { origin: 'null' }],
    ['no Origin and no Sec-Fetch-Site', {}],
    ['an Origin that begins like ours', { origin: `${issuer}.evil.test` }],
    ['our Origin over plain http', { origin: 'http://id.test' }],
    ['our Origin at another port', { origin: `${issuer}:8443` }],
    ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: cross-site under our Origin', { origin: issuer, 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { origin: issuer, 'sec-fetch-site': 'same-site' }],
    ['Sec-Fetch-Site: none', { origin: issuer, 'sec-fetch-site': 'none' }],
    ['only a Referer', { referer: `${issuer}/account/login` }],
  ])('%s: 403', async (_, headers) => {
    const user = browser()
    const response = await post(user, await user.open(authorizeUrl()), headers)
    expect(response.status).toBe(403)
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('an interaction that is missing, changed, of another browser or sealed for something else: nobody signs in', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const foreign = new URL((await browser().open(authorizeUrl())).url).searchParams.get('interaction') ?? ''
    const mine = new URL(page.url).searchParams.get('interaction') ?? ''
    const form = { method: 'POST', body: new URL(authorizeUrl()).searchParams }
    const posted = await reach(`${issuer}/connect/authorize`, form)
    const otherPurpose = posted.headers.get('location')?.split('=')[1] ?? ''
    for (const [interaction, status] of [
      ['', 400],
      ['x', 400],
      [`${mine.slice(0, -3)}AAA`, 400],
      [`${mine}AAAA`, 400],
      [otherPurpose, 400],
      [foreign, 403],
    ] as const) {
      const response = await post(user, page, own, { ...right, interaction })
      expect(response.status, interaction).toBe(status)
      expect(response.headers.getSetCookie()).toEqual([])
    }
    user.cookies.delete('__Host-browser')
    expect((await post(user, page, own)).status).toBe(403)
    expect(user.cookies.has(session)).toBe(false)
  })

  it('an interaction that was finished signs nobody in again and gives no second code', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    expectCode(await user.submit(page, right))
    const cookies = new Map(user.cookies)
    const again = await user.submit(page, right)
    expect(again.status).toBe(403)
    expect(again.headers.has('location')).toBe(false)
    expect(user.cookies).toEqual(cookies)
    expect((await user.open(page.url)).status).toBe(403)
    user.cookies.delete(session)
    expect((await user.submit(page, right)).status).toBe(403)
    expect(user.cookies.has(session)).toBe(false)
  })
})

describe('A07 what is answered is the request that was sealed', () => {
  it('whatever the form says besides', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl({ state: 'sealed' }))
    const form = fillForm(page.html, right, page.url)
    const evil = {
      redirect_uri: 'https://evil.test/cb',
      scope: 'openid email full_api_access',
      client_id: 'web2',
      state: 'evil',
      response_mode: 'form_post',
      prompt: 'none',
      started_at: '0',
      expected_sub: 'bob',
    }
    for (const [name, value] of Object.entries(evil)) form.body.set(name, value)
    const query = new URLSearchParams(evil)
    const response = await user.fetch(`${form.action}?${query}`, { method: 'POST', body: form.body, headers: own })
    const target = new URL(response.headers.get('location') ?? '')
    expect(target.href.startsWith(`${redirectUri}?`)).toBe(true)
    expect(target.searchParams.get('state')).toBe('sealed')
    expect((await redeem(target.searchParams.get('code') ?? '')).scope).toBe('openid')
  })

  it('a field twice is refused', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const form = fillForm(page.html, right, page.url)
    form.body.append('interaction', new URL(page.url).searchParams.get('interaction') ?? '')
    const response = await user.fetch(form.action, { method: 'POST', body: form.body, headers: own })
    expect(response.status).toBe(400)
    expect(user.cookies.has(session)).toBe(false)
  })
})

describe('A18 S03 signing in again', () => {
  const clock = Date.now() - 3_600_000
  const at = (seconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: clock + seconds * 1000 })

  it('A18 prompt=login asks for the password in a live session, and says when it was given', async () => {
    const user = browser()
    at(0)
    const page = await user.open(authorizeUrl())
    at(1)
    await user.submit(page, right)
    const old = user.cookies.get(session) ?? ''
    at(5)
    const asked = await user.open(authorizeUrl({ prompt: 'login' }))
    expect(isLogin(asked)).toBe(true)
    // Neither the page again, nor another page of the flow, answers in its stead.
    const interaction = new URL(asked.url).searchParams.get('interaction') ?? ''
    expect(isLogin(await user.open(asked.url))).toBe(true)
    for (const path of ['consent', 'select']) {
      expect(isLogin(await user.open(`${issuer}/account/${path}?interaction=${interaction}`))).toBe(true)
      const body = new URLSearchParams({ interaction, decision: path === 'consent' ? 'allow' : 'continue' })
      const answer = await user.open(`${issuer}/account/${path}`, { method: 'POST', body, headers: own })
      expect(isLogin(answer), path).toBe(true)
    }
    at(7)
    const code = expectCode(await user.submit(asked, right))
    expect(claimsOf((await redeem(code)).id_token).auth_time).toBe(Math.floor(clock / 1000) + 7)
    const reloaded = await user.submit(asked, right)
    expect(reloaded.status).toBe(403)
    expect(reloaded.headers.has('location')).toBe(false)
    // S03: the session lives on under another secret.
    expect(user.cookies.get(session)).not.toBe(old)
    expect(await isSignedIn(user, old)).toBe(false)
    expect(await isSignedIn(user)).toBe(true)
  })

  it('S03 a planted session id is not taken over, and dies', async () => {
    const attacker = browser()
    await attacker.submit(await attacker.open(authorizeUrl()), { username: 'bob', password })
    const planted = attacker.cookies.get(session) ?? ''
    const victim = browser()
    victim.cookies.set(session, planted)
    const page = await victim.open(authorizeUrl({ prompt: 'login' }))
    expectCode(await victim.submit(page, right))
    expect(victim.cookies.get(session)).not.toBe(planted)
    expect(await isSignedIn(attacker, planted)).toBe(false)
    expect(await isSignedIn(victim)).toBe(true)
  })

  it('S03 a made-up session id is replaced', async () => {
    const victim = browser()
    for (const planted of ['x', 'A'.repeat(120), '../../', '%00']) {
      victim.cookies.set(session, planted)
      expect(isLogin(await victim.open(authorizeUrl()))).toBe(true)
    }
    expectCode(await victim.submit(await victim.open(authorizeUrl()), right))
    expect(victim.cookies.get(session)?.length).toBeGreaterThan(100)
  })
})

describe('S05 no step is skipped', () => {
  it('an empty POST advances nothing', async () => {
    const user = browser()
    for (const path of ['login', 'select', 'consent']) {
      for (const body of [new URLSearchParams(), new URLSearchParams({ interaction: '' })]) {
        const response = await user.fetch(`${issuer}/account/${path}`, { method: 'POST', body, headers: own })
        expect(response.status, path).toBe(400)
        expect(response.headers.has('location')).toBe(false)
      }
    }
    const page = await user.open(authorizeUrl())
    const interaction = new URL(page.url).searchParams.get('interaction') ?? ''
    const empty = { method: 'POST', body: new URLSearchParams({ interaction }), headers: own }
    const refused = await user.open(`${issuer}/account/login`, empty)
    expect(refused.status).toBe(400)
    expect(user.cookies.has(session)).toBe(false)
  })

  it('the page of a later step leads back to the right one', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const interaction = new URL(page.url).searchParams.get('interaction') ?? ''
    for (const path of ['consent', 'select']) {
      expect(isLogin(await user.open(`${issuer}/account/${path}?interaction=${interaction}`))).toBe(true)
      const body = new URLSearchParams({ interaction, decision: path === 'consent' ? 'allow' : 'continue' })
      expect(isLogin(await user.open(`${issuer}/account/${path}`, { method: 'POST', body, headers: own }))).toBe(true)
    }
  })

  it('a client that was disabled meanwhile ends it', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl({ client_id: 'web2' }))
    await operator('PUT', 'clients/web2', { enabled: false })
    const response = await post(user, page, own)
    await operator('PUT', 'clients/web2', { enabled: true })
    expect(response.status).toBe(400)
    expect(response.headers.getSetCookie()).toEqual([])
  })
})

/** The page without what differs from answer to answer. */
const withoutRandom = (html: string, headers: Headers): string =>
  html.replaceAll(headers.get('x-request-id') ?? '', '').replaceAll(/nonce="[\w-]+"/g, '')

describe('S15 who has no local account here', () => {
  it('learns nothing by a right password while local accounts are off; clients go on', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    // Without another way in, local accounts cannot be switched off.
    const upstream = await anUpstream()
    await operator('PUT', 'identity-providers/idp', upstream.record())
    await operator('PATCH', 'settings', { allow_local_accounts: false })
    expect((await user.open(authorizeUrl())).html).not.toContain('name="password"')
    const answers: [number, string][] = []
    for (const guess of [password, 'a wrong one']) {
      const response = await post(user, page, own, { username: 'ada', password: guess })
      answers.push([response.status, withoutRandom(await response.text(), response.headers)])
    }
    const service = await tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret))
    await operator('PATCH', 'settings', { allow_local_accounts: null })
    await operator('DELETE', 'identity-providers/idp')
    vi.mocked(fetch).mockRestore()
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.[0]).toBe(400)
    expect(user.cookies.has(session)).toBe(false)
    expect(service.status).toBe(200)
  })

  it('a service account and a disabled person learn nothing either', async () => {
    await operator('PUT', 'users/machine', { name: 'Machine', service_account: true, password })
    await operator('PUT', 'users/gone', { name: 'Gone', enabled: false, password })
    const user = browser()
    const page = await user.open(authorizeUrl())
    const answers: string[] = []
    for (const username of ['machine', 'gone', 'nobody']) {
      const response = await post(user, page, own, { username, password })
      expect(response.status, username).toBe(400)
      answers.push(withoutRandom(await response.text(), response.headers).replaceAll(username, 'NAME'))
    }
    expect(new Set(answers).size).toBe(1)
    expect(user.cookies.has(session)).toBe(false)
  })
})

describe('P06 the caller’s address', () => {
  async function keysOf(headers: Record<string, string>): Promise<string[]> {
    const keys: string[] = []
    const limit = async ({ key }: { key: string }) => {
      keys.push(key)
      return { success: true }
    }
    const answer = await watched({ ...loggingEnv, ANONYMOUS_RATE: { limit } })(authorizeUrl({ client_id: 'nope' }), {
      headers,
    })
    expect(answer.status).toBe(400)
    return keys
  }

  it.each([
    ['one', '192.0.2.66'],
    ['a list', Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(', ')],
    ['ours', '127.0.0.1'],
    ['markup', '"><script>'],
  ])('is never taken from X-Forwarded-For: %s', async (_, forwarded) => {
    const spoofed = {
      'x-forwarded-for': forwarded,
      'x-real-ip': '192.0.2.67',
      forwarded: 'for=192.0.2.68',
      'true-client-ip': '192.0.2.69',
    }
    expect(await keysOf({ 'cf-connecting-ip': '203.0.113.7', ...spoofed })).toEqual(['refusal:203.0.113.7'])
    expect(await keysOf(spoofed)).toEqual(['refusal:unknown'])
  })

  it('is the network of an IPv6 address, which has 2^64 of them', async () => {
    expect(await keysOf({ 'cf-connecting-ip': '2001:db8:1:2::1' })).toEqual(['refusal:2001:db8:1:2::/64'])
    expect(await keysOf({ 'cf-connecting-ip': '2001:db8:1:2:ffff::9' })).toEqual(['refusal:2001:db8:1:2::/64'])
  })

  it.each(['x', '1.2.3.4, 5.6.7.8', '1.2.3', '999.1.1.1', '::1::', ''])(
    'fails closed when it is none: %j shares one allowance with all such callers',
    async (address) => {
      expect(await keysOf({ 'cf-connecting-ip': address })).toEqual(['refusal:unknown'])
    },
  )
})

describe('P08 the password', () => {
  it('travels by POST only, from a form that works without script', async () => {
    const page = await browser().open(authorizeUrl())
    expect(page.html).toMatch(/<form method="post" action="\/account\/login">/)
    expect(page.html).not.toContain('<script')
    expect(page.html).toMatch(/type="password"[^>]*autocomplete="current-password"/)
    expect(page.html).toMatch(/name="username"[^>]*autocomplete="username"/)
    expect(page.headers.get('referrer-policy')).toBe('same-origin')
  })

  it('in a URL signs nobody in', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const query = fillForm(page.html, right, page.url).body
    expect(isLogin(await user.open(`${issuer}/account/login?${query}`))).toBe(true)
    const response = await user.fetch(`${issuer}/account/login?${query}`, { method: 'POST', headers: own })
    expect(response.status).toBe(400)
    expect(user.cookies.has(session)).toBe(false)
  })

  it('is in no answer, no address and no log line, right or wrong', async () => {
    const wrong = 'a wrong password nobody has'
    const user = browser()
    const page = await user.open(authorizeUrl())
    const refused = await user.submit(page, { username: 'ada', password: wrong })
    expect(refused.status).toBe(400)
    expect(refused.html).not.toContain(wrong)
    expect(refused.html).toContain('value="ada"')
    expectCode(await user.submit(refused, right))
    expect(lines.join('\n')).not.toContain(wrong)
    expect(lines.join('\n')).not.toContain(password)
  })

  it('is not logged when the directory fails, and neither is the name', async () => {
    const down = async (): Promise<never> => {
      throw new Error('D1_ERROR: Network connection lost')
    }
    const statement = { bind: () => statement, first: down, all: down, run: down, raw: down }
    let isDown = false
    const user = browser()
    const page = await user.open(authorizeUrl())
    const form = fillForm(page.html, { username: 'a-name-typed-here', password }, page.url)
    const DB = new Proxy(loggingEnv.DB, {
      get: (target, name) =>
        isDown && name === 'withSession'
          ? () => ({ prepare: () => statement })
          : Reflect.get(target, name).bind(target),
    })
    const cookie = [...user.cookies].map((each) => each.join('=')).join('; ')
    const before = lines.length
    const execution = createExecutionContext()
    const request = new Request(form.action, { method: 'POST', body: form.body, headers: { ...own, cookie } })
    // The configuration is remembered for this database: only the directory fails.
    await handle(new Request(authorizeUrl()), { ...loggingEnv, DB }, createExecutionContext())
    isDown = true
    const response = await handle(request, { ...loggingEnv, DB }, execution)
    await waitOnExecutionContext(execution)
    expect(response.status).toBe(503)
    const logged = lines.slice(before).join('\n')
    expect(logged).toContain('Network connection lost')
    expect(logged).not.toContain('a-name-typed-here')
    expect(logged).not.toContain('Failed query')
  })
})

describe('a replica of the directory that lags behind', () => {
  const columns = ['password_hash', 'version', 'not_before', 'service_account', 'updated_at']
  type Row = Record<string, string | number | null>

  /** D1 as its nearest replica, which has not heard of what happens to this user from now on. */
  async function aLaggingDatabase(userId: string): Promise<D1Database> {
    const { DB } = loggingEnv
    const select = DB.prepare(`SELECT ${columns} FROM users WHERE user_id = ?`).bind(userId)
    const save = (row: Row | null) =>
      DB.prepare(`UPDATE users SET ${columns.map((name) => `${name} = ?`)} WHERE user_id = ?`)
        .bind(...columns.map((name) => row?.[name] ?? null), userId)
        .run()
    const then = await select.first<Row>()
    const wrap = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(_, name) {
          const value = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          if (name === 'getBookmark') return () => value.apply(target)
          if (name === 'prepare' || name === 'bind') return (...all: unknown[]) => wrap(value.apply(target, all))
          return async (...all: unknown[]) => {
            const now = await select.first<Row>()
            await save(then)
            return value.apply(target, all).finally(() => save(now))
          }
        },
      })
    return new Proxy(DB, {
      get(_, name) {
        const value = Reflect.get(DB, name)
        if (name !== 'withSession') return typeof value === 'function' ? value.bind(DB) : value
        return (from: string) => (from === 'first-unconstrained' ? wrap(DB.withSession(from)) : DB.withSession(from))
      },
    })
  }

  async function answersOf(DB: D1Database, passwords: string[]): Promise<boolean[]> {
    const answers: boolean[] = []
    for (const each of passwords) {
      const user = aBrowser(issuer, watched({ ...loggingEnv, DB }))
      const page = await user.submit(await user.open(authorizeUrl()), { username: 'eve', password: each })
      answers.push(user.cookies.has(session))
      expect(page.status).toBe(user.cookies.has(session) ? 303 : 400)
    }
    return answers
  }

  it('S11 does not let the old password in after a change, and never keeps its owner out', async () => {
    await operator('PUT', 'users/eve', { name: 'Eve', password })
    const user = browser()
    expectCode(await user.submit(await user.open(authorizeUrl()), { username: 'eve', password }))
    const DB = await aLaggingDatabase('eve')
    expect(await answersOf(DB, [password])).toEqual([true])
    await operator('PUT', 'users/eve', { password: 'the next password' })
    expect(await answersOf(DB, [password, 'a wrong password'])).toEqual([false, false])
    expect(await answersOf(loggingEnv.DB, [password, 'the next password'])).toEqual([false, true])
  })

  it('S10 lets nobody in who became a service account, and everybody whose name was changed only', async () => {
    await operator('PUT', 'users/eve', { password })
    const DB = await aLaggingDatabase('eve')
    await operator('PUT', 'users/eve', { name: 'Eve Example' })
    expect(await answersOf(DB, [password])).toEqual([true])
    await operator('PUT', 'users/eve', { service_account: true })
    expect(await answersOf(DB, [password])).toEqual([false])
  })
})

describe('the session cookie', () => {
  it('is of this host alone, out of reach for scripts, and gone with the browser unless asked otherwise', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const cookies = (await post(user, page, own)).headers.getSetCookie()
    const line = cookies.find((each) => each.startsWith(`${session}=`)) ?? ''
    expect(line.slice(line.indexOf(';'))).toBe('; Path=/; HttpOnly; SameSite=Lax; Secure')
    expect(cookies.join()).not.toMatch(/Domain/i)

    const remembered = await user.open(authorizeUrl({ prompt: 'login' }))
    const lasting = (await post(user, remembered, own, { ...right, remember: 'on' })).headers.getSetCookie()
    expect(lasting.find((each) => each.startsWith(`${session}=`))).toMatch(/; Max-Age=2592000$/)
  })

  it('of two browsers are two sessions', async () => {
    const [first, second] = [browser(), browser()]
    const a = await redeem(await codeFor(first))
    const b = await redeem(await codeFor(second))
    expect(claimsOf(a.id_token).sid).not.toBe(claimsOf(b.id_token).sid)
  })
})

it('A person who signed in as another one before is signed out as that one, and answered as this one', async () => {
  const user = browser()
  await user.submit(await user.open(authorizeUrl()), { username: 'bob', password })
  const ofBob = user.cookies.get(session) ?? ''
  const page = await user.open(authorizeUrl({ prompt: 'login' }))
  const code = expectCode(await user.submit(page, right))
  expect(claimsOf((await redeem(code)).id_token).sub).toBe('ada')
  expect(await isSignedIn(user, ofBob)).toBe(false)
  expectBack(await user.fetch(authorizeUrl({ prompt: 'none login' })), 'invalid_request')
})
