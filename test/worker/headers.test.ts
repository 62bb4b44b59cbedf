// What every answer carries, whatever it is (SECURITY-CASES H01, S07, S16; DESIGN §7). test/watched.ts asserts the headers themselves.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { handle } from '../../src/worker/handle.ts'
import { publicRoutes } from '../../src/worker/routes.ts'
import { authorizeUrl, codeFor, issuer, operator, setUp } from '../provider.ts'
import { fillForm, type Page } from '../user-agent.ts'
import { browser, isLogin, loggingEnv, reach } from '../watched.ts'

const user = browser()
const html = { accept: 'text/html' }

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'clients/web2', { require_consent: true })
  await codeFor(user)
})

const directives = (page: Page | Response): string[] => page.headers.get('content-security-policy')?.split('; ') ?? []

describe('H01 S07 every page', () => {
  it.each([
    ...publicRoutes.map(({ path }) => path.replace(':provider_id', 'corp')),
    '/nope',
    '/account/nope',
    '/connect/nope',
    '/admin',
    '/admin/',
    '/playground',
    '/%00',
  ])('%s, by every method, as a person and as a stranger', async (path) => {
    for (const visitor of [browser(), user]) {
      for (const method of ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await visitor.fetch(issuer + path, { method, headers: html })
        const isCacheable = !response.headers.get('cache-control')?.includes('no-store')
        if (isCacheable) expect(response.headers.has('set-cookie')).toBe(false)
        if (isCacheable) expect([200, 204]).toContain(response.status)
      }
    }
  })

  it('404, 405, 414 and 403 are pages for people, and JSON for programs', async () => {
    for (const [path, init, status] of [
      ['/nope', {}, 404],
      ['/connect/authorize', { method: 'PUT' }, 405],
      [`/connect/authorize?x=${'x'.repeat(17_000)}`, {}, 414],
      ['/account/login', { method: 'POST' }, 403],
    ] as const) {
      const page = await reach(issuer + path, { ...init, headers: html })
      expect([path.slice(0, 20), page.status]).toEqual([path.slice(0, 20), status])
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await page.text()).toContain(page.headers.get('x-request-id'))
    }
    const json = await reach(`${issuer}/nope`)
    expect([json.status, json.headers.get('content-type')]).toEqual([404, 'application/json'])
  })

  it('has a nonce of its own, and its styles carry it', async () => {
    const nonces = new Set<string>()
    for (const url of [issuer, `${issuer}/account`, authorizeUrl({ prompt: 'login' }), `${issuer}/nope`]) {
      const page = await user.open(url, { headers: html })
      const nonce = /style-src 'nonce-([\w-]{22})'/.exec(directives(page).join('; '))?.[1] ?? ''
      expect(page.html).toContain(`<style nonce="${nonce}">`)
      expect(page.html).not.toMatch(/ style=|<script|\son\w+=/)
      expect(directives(page).some((each) => each.startsWith('script-src'))).toBe(false)
      nonces.add(nonce)
    }
    expect(nonces.size).toBe(4)
  })

  it('A14 form-action is ours alone, and left out where the form may end at a client or an external provider', async () => {
    const ending = [
      await user.open(authorizeUrl({ prompt: 'login' })),
      await user.open(authorizeUrl({ prompt: 'select_account' })),
      await user.open(authorizeUrl({ client_id: 'web2' })),
      await user.open(authorizeUrl({ response_mode: 'form_post' })),
      // Its sign-out may go on at the provider that the person came from.
      await user.open(`${issuer}/account`),
    ]
    for (const page of ending) {
      expect(fillForm(page.html, {}, page.url).method).toBe('POST')
      expect(directives(page).join()).not.toContain('form-action')
    }
    for (const url of [issuer, `${issuer}/nope`, authorizeUrl({ client_id: 'nope' })]) {
      expect(directives(await user.open(url, { headers: html }))).toContain("form-action 'self'")
    }
  })

  it('an outage is shown as a page with the same headers', async () => {
    const down = async (): Promise<never> => {
      throw new Error('D1_ERROR: Network connection lost')
    }
    const statement = { bind: () => statement, first: down, all: down, run: down, raw: down }
    const session = { prepare: () => statement, batch: down }
    const DB = { ...session, withSession: () => session } as unknown as D1Database
    const execution = createExecutionContext()
    const response = await handle(new Request(authorizeUrl()), { ...loggingEnv, DB }, execution)
    await waitOnExecutionContext(execution)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(response.headers.get('x-frame-options')).toBe('DENY')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('strict-transport-security')).toMatch(/max-age=\d{8}/)
    expect(directives(response)).toEqual(expect.arrayContaining(["default-src 'none'", "frame-ancestors 'none'"]))
    const text = await response.text()
    expect(text).not.toMatch(/D1|Error:|\.ts/)
  })
})

describe('H02 a redirect', () => {
  it('is a 303 that sends no Referer on', async () => {
    const stranger = await reach(authorizeUrl())
    const answered = await user.fetch(authorizeUrl())
    for (const response of [stranger, answered]) {
      expect(response.status).toBe(303)
      expect(response.headers.get('referrer-policy')).toBe('no-referrer')
      expect(await response.text()).toBe('')
    }
  })
})

describe('on a loopback issuer', () => {
  const local: Env = { ...loggingEnv, AUTHORITY_URL: 'http://localhost:8787' }
  const call = async (url: string, init: RequestInit = {}, env = local) => {
    const execution = createExecutionContext()
    const response = await handle(new Request(url, { redirect: 'manual', ...init }), env, execution)
    await waitOnExecutionContext(execution)
    return response
  }

  it('sends no HSTS and redirects other loopback names to the issuer’s', async () => {
    const response = await call('http://localhost:8787/nope')
    expect(response.headers.has('strict-transport-security')).toBe(false)
    const elsewhere = await call('http://127.0.0.1:8787/connect/authorize?client_id=web')
    expect(elsewhere.status).toBe(307)
    expect(elsewhere.headers.get('cache-control')).toBe('no-store')
    expect(elsewhere.headers.get('location')).toBe('http://localhost:8787/connect/authorize?client_id=web')
  })

  it('no cache may store an answer of the playground, its redirect included', async () => {
    const answers = [
      ['/playground?error=x', 302],
      ['/playground/', 200],
      ['/playground/nope.js', 404],
    ] as const
    for (const [path, status] of answers) {
      const response = await call(`http://localhost:8787${path}`, {}, { ...local, PLAYGROUND: 'on' })
      expect([path, response.status, response.headers.get('cache-control')]).toEqual([path, status, 'no-store'])
    }
  })

  it('names its cookies by port and leaves Secure out, but for the one that frames must read', async () => {
    const response = await call(authorizeUrl().replace(issuer, 'http://localhost:8787'))
    const cookies = response.headers.getSetCookie()
    expect(cookies).toHaveLength(1)
    expect(cookies[0]).toMatch(/^browser-8787=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/)
  })
})

it('Host and forwarding headers change neither the issuer, nor links, nor what the form guard compares', async () => {
  const spoofed = {
    host: 'evil.test',
    'x-forwarded-host': 'evil.test',
    forwarded: 'host=evil.test',
    'x-forwarded-proto': 'http',
  }
  const discovery = await (await reach(`${issuer}/.well-known/openid-configuration`, { headers: spoofed })).text()
  expect(discovery).not.toContain('evil.test')
  expect(discovery).toContain(`"issuer":"${issuer}"`)
  const page = await browser().open(authorizeUrl().replace(issuer, 'https://evil.test'), { headers: spoofed })
  expect(page.headers.get('location') ?? page.html).not.toContain('evil.test')
  const visitor = browser()
  const login = await visitor.open(authorizeUrl())
  expect(isLogin(login)).toBe(true)
  const form = fillForm(login.html, { username: 'ada' }, login.url)
  const headers = { ...spoofed, origin: 'https://evil.test' }
  const action = form.action.replace(issuer, 'https://evil.test')
  expect((await visitor.fetch(action, { method: 'POST', body: form.body, headers })).status).toBe(403)
})
