// Authorization endpoint: who is told what, and where nobody is ever sent (SECURITY-CASES A).
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  authorize,
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
} from '../provider.ts'
import { claimsOf, fillForm, pkce } from '../user-agent.ts'
import { authorizeWithoutSession, browser, expectBack, expectCode, expectPage, isLogin, reach } from '../watched.ts'

/** Signed in, at `clock`: an hour ago, so that no test of time leaves a sign-in of the future behind. */
const user = browser()
const clock = Date.now() - 3_600_000

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'clients/limited', {
    client_name: 'Limited',
    grant_types: ['authorization_code'],
    redirect_uris: [redirectUri],
    scopes: ['email'],
    require_pkce: false,
    require_consent: true,
    secrets: [{ value: secret, label: 'tests' }],
  })
  vi.useFakeTimers({ toFake: ['Date'], now: clock })
  await codeFor(user)
})
afterEach(() => {
  vi.useRealTimers()
})

const at = (secondsLater: number) => vi.useFakeTimers({ toFake: ['Date'], now: clock + secondsLater * 1000 })

describe('A01 an unknown client is shown an error and redirected nowhere', () => {
  it.each([
    ['an unknown one', { client_id: 'nope', redirect_uri: 'https://evil.test/cb' }],
    ['none', { client_id: undefined, redirect_uri: 'https://evil.test/cb' }],
    ['none, with a redirect_uri of somebody', { client_id: undefined }],
    ['an empty one', { client_id: '' }],
    ['a name of Object.prototype', { client_id: '__proto__' }],
    ['markup', { client_id: '"><script>x</script>' }],
    ['SQL', { client_id: "web' OR '1'='1" }],
    ['one that may not sign people in', { client_id: 'm2m' }],
  ])('%s', async (_, parameters) => {
    const html = await expectPage(await authorizeWithoutSession(parameters))
    expect(html).not.toContain('evil.test')
    expect(html).not.toContain('<script')
  })

  it('a disabled one, at once', async () => {
    await operator('PUT', 'clients/web2', { enabled: false })
    await expectPage(await user.fetch(authorizeUrl({ client_id: 'web2' })))
    await operator('PUT', 'clients/web2', { enabled: true })
  })
})

describe('A12 response_type', () => {
  it.each([
    [undefined, 'invalid_request'],
    ['token', 'unsupported_response_type'],
    ['id_token', 'unsupported_response_type'],
    ['code token', 'unsupported_response_type'],
    ['code id_token token', 'unsupported_response_type'],
  ])('%s: %s, signed in or not, and no token in a URL', async (response_type, error) => {
    const answers = [
      await authorizeWithoutSession({ response_type }),
      await user.fetch(authorizeUrl({ response_type })),
    ]
    for (const answer of answers) expect(expectBack(answer, error).href).not.toMatch(/access_token|id_token=|#/)
  })

  it('is judged again when an expired interaction is begun anew', async () => {
    const visitor = browser()
    const page = await visitor.open(authorizeUrl({ state: 'kept' }))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 })
    const expired = await visitor.submit(page, { username: 'ada', password })
    expect(expired.status).toBe(400)
    expect(expired.headers.has('set-cookie')).toBe(false)
    const again = /href="([^"]*\/connect\/authorize\?[^"]*)"/.exec(expired.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(isLogin(await visitor.open(new URL(again, issuer)))).toBe(true)
    const changed = new URL(again, issuer)
    changed.searchParams.set('response_type', 'token')
    expectBack(await visitor.fetch(changed), 'unsupported_response_type', 'kept')
  })
})

describe('A14 response_mode=form_post', () => {
  const state = `"><script>x</script>'</textarea>&amp;\u2028`

  it('escapes what it carries and runs one script, by nonce', async () => {
    const page = await user.open(authorizeUrl({ response_mode: 'form_post', state }))
    expect(page.status).toBe(200)
    expect(fillForm(page.html, {}, page.url).action).toBe(redirectUri)
    expect(redirectOf(page).searchParams.get('state')).toBe(state)
    expect(page.html).not.toContain('<script>')
    const policy = page.headers.get('content-security-policy') ?? ''
    const nonce = /script-src 'nonce-([\w-]{22})'/.exec(policy)?.[1] ?? 'none'
    expect(page.html.match(/<script[^>]*>[^<]*<\/script>/g)).toEqual([
      `<script nonce="${nonce}">document.forms[0].submit()</script>`,
    ])
    // Chromium applies form-action to the whole redirect chain.
    expect(policy).not.toContain('form-action')
    const another = await user.open(authorizeUrl({ response_mode: 'form_post', state }))
    expect(another.html).not.toContain(nonce)
  })

  it('carries errors too', async () => {
    const page = await browser().open(authorizeUrl({ response_mode: 'form_post', prompt: 'none', state }))
    const target = redirectOf(page)
    const [error, iss, returned] = ['error', 'iss', 'state'].map((name) => target.searchParams.get(name))
    expect({ error, iss, state: returned }).toEqual({ error: 'login_required', iss: issuer, state })
  })
})

describe('A15 state', () => {
  it.each([
    ['4 KB', 'x'.repeat(4096)],
    ['emoji', '😀👩‍👩‍👧 é'],
    ['a header', 'a\r\nSet-Cookie: session=1\r\n\r\n<html>'],
    ['separators', 'a&b=c#d?e+f%20%0d%0a;'],
    ['blanks', ' a  b '],
  ])('comes back as it went, with code and with error: %s', async (_, state) => {
    for (const prompt of [undefined, 'none login']) {
      const answer = await user.fetch(authorizeUrl({ state, prompt }))
      const location = answer.headers.get('location') ?? ''
      expect(location).toMatch(/^https:\/\/rp\.test\/cb\?[\x21-\x7e]+$/)
      expect(new URL(location).searchParams.get('state')).toBe(state)
      expect(answer.headers.getSetCookie().join()).not.toContain('session=1')
    }
  })

  it('goes through the login page too, up to 4 KB', async () => {
    const state = `${'é'.repeat(600)}${'x'.repeat(3000)}`
    expect((await authorize(browser(), { state })).searchParams.get('state')).toBe(state)
  })

  it.each([undefined, ''])('absent in, absent out: %j', async (state) => {
    expect((await authorize(user, { state })).searchParams.has('state')).toBe(false)
    const refused = await user.fetch(authorizeUrl({ state, prompt: 'none login' }))
    expect(expectBack(refused, 'invalid_request', null).searchParams.has('state')).toBe(false)
  })

  it('too large a request for a page goes back to the client, or is refused as a POST', async () => {
    const state = 'x'.repeat(9000)
    expectBack(await authorizeWithoutSession({ state }), 'invalid_request', state)
    const body = new URL(authorizeUrl({ state })).searchParams
    await expectPage(await browser().fetch(`${issuer}/connect/authorize`, { method: 'POST', body }))
  })
})

describe('A16 every answer names the issuer (RFC 9207)', () => {
  it('and discovery says so', async () => {
    const metadata = await (await reach(`${issuer}/.well-known/openid-configuration`)).json<Record<string, unknown>>()
    expect(metadata).toMatchObject({ issuer, authorization_response_iss_parameter_supported: true })
    for (const parameters of [
      {},
      { prompt: 'none login' },
      { response_type: 'token' },
      { scope: 'nope' },
      { claims: '[' },
    ]) {
      expect((await authorize(user, parameters)).searchParams.getAll('iss')).toEqual([issuer])
    }
  })
})

describe('A17 prompt', () => {
  it.each([
    ['nobody is signed in', 'login_required', { prompt: 'none' }],
    ['none beside another', 'invalid_request', { prompt: 'none login' }],
    ['an unknown one', 'invalid_request', { prompt: 'create' }],
  ])('%s: %s', async (_, error, parameters) => {
    expectBack(await authorizeWithoutSession(parameters), error)
  })

  it('none answers silently when nothing is missing, and consent_required when consent is', async () => {
    expectCode(await user.open(authorizeUrl({ prompt: 'none' })))
    expectBack(await user.fetch(authorizeUrl({ prompt: 'none', client_id: 'limited' })), 'consent_required')
    expectBack(await user.fetch(authorizeUrl({ prompt: 'none', max_age: '0' })), 'login_required')
  })

  it('none is not helped by a cookie that proves nothing', async () => {
    const visitor = browser()
    visitor.cookies.set('__Host-session', user.cookies.get('__Host-device') ?? '')
    expectBack(await visitor.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
    visitor.cookies.set('__Host-session', `${user.cookies.get('__Host-session')?.slice(0, -2)}AA`)
    expectBack(await visitor.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
  })
})

describe('id_token_hint', () => {
  it('of this person is answered; of a stranger, of another client or forged, never with a code', async () => {
    const { id_token } = await redeem(await codeFor(user))
    expectCode(await user.open(authorizeUrl({ id_token_hint: id_token, prompt: 'none' })))
    expectBack(await authorizeWithoutSession({ id_token_hint: id_token, prompt: 'none' }), 'login_required')
    expectBack(await user.fetch(authorizeUrl({ id_token_hint: id_token, client_id: 'web2' })), 'invalid_request')
    const [header, , signature] = id_token.split('.')
    const forged = `${header}.${btoa(JSON.stringify({ ...claimsOf(id_token), sub: 'bob' })).replaceAll('=', '')}.${signature}`
    const unsigned = `${btoa('{"alg":"none","typ":"JWT"}')}.${id_token.split('.')[1]}.`
    for (const hint of [forged, unsigned, 'x', 'a.b.c', '..']) {
      expectBack(await user.fetch(authorizeUrl({ id_token_hint: hint })), 'invalid_request')
    }
  })

  it('is not forgotten by an interaction that took too long and is begun anew', async () => {
    const { id_token } = await redeem(await codeFor(user))
    const visitor = browser()
    const page = await visitor.open(authorizeUrl({ id_token_hint: id_token }))
    expect(isLogin(page)).toBe(true)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 })
    const expired = await visitor.open(page.url)
    expect(expired.status).toBe(400)
    expect(expired.html).not.toContain('/connect/authorize')
  })

  it('is an ID token: an access token is none', async () => {
    const { access_token } = await redeem(await codeFor(user))
    expectBack(await user.fetch(authorizeUrl({ id_token_hint: access_token })), 'invalid_request')
  })
})

describe('A19 max_age', () => {
  it('asks again for a sign-in that is older, and the ID token says when it was', async () => {
    at(2)
    const page = await user.open(authorizeUrl({ max_age: '1' }))
    expect(isLogin(page)).toBe(true)
    at(3)
    const code = expectCode(await user.submit(page, { username: 'ada', password }))
    const { id_token } = await redeem(code)
    expect(claimsOf(id_token).auth_time).toBe(Math.floor(clock / 1000 + 3))
    at(5)
    expect(isLogin(await user.open(authorizeUrl({ max_age: '0' })))).toBe(true)
    expectCode(await user.open(authorizeUrl({ max_age: '10000' })))
  })

  it.each(['-1', 'abc', '1.5', '1e99', ' 1', '١'])('refuses %j', async (max_age) => {
    expectBack(await user.fetch(authorizeUrl({ max_age })), 'invalid_request')
  })
})

describe('A22 A23 request objects', () => {
  const encode = (value: object) => btoa(JSON.stringify(value)).replaceAll('=', '')
  const inner = { client_id: 'web', redirect_uri: 'https://evil.test/cb', response_type: 'code', scope: 'openid' }
  const unsigned = `${encode({ alg: 'none' })}.${encode(inner)}.`
  const signed = `${encode({ alg: 'RS256', kid: 'x' })}.${encode(inner)}.AAAA`

  it.each([unsigned, signed, '{}'])('A22 are answered, and nothing in them is read: %s', async (request) => {
    expectBack(await user.fetch(authorizeUrl({ request })), 'request_not_supported')
    await expectPage(await user.fetch(authorizeUrl({ request, redirect_uri: undefined })))
  })

  it('A23 are never fetched', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    for (const request_uri of ['http://127.0.0.1:9/', 'http://169.254.169.254/', 'https://listener.test/r', 'urn:x']) {
      expectBack(await user.fetch(authorizeUrl({ request_uri })), 'request_uri_not_supported')
      await expectPage(await authorizeWithoutSession({ request_uri, redirect_uri: undefined }))
    }
    expect(fetched).not.toHaveBeenCalled()
    fetched.mockRestore()
    const metadata = await (await reach(`${issuer}/.well-known/openid-configuration`)).json<Record<string, unknown>>()
    expect(metadata).toMatchObject({ request_uri_parameter_supported: false, request_parameter_supported: false })
  })
})

describe('A25', () => {
  it('an unknown parameter is ignored, an empty one absent', async () => {
    expectCode(await user.open(authorizeUrl({ foo: 'bar', nonce: '', prompt: '', max_age: '', claims: '' })))
    expectBack(await user.fetch(authorizeUrl({ scope: '' })), 'invalid_scope')
  })
})

describe('A26 scope', () => {
  it.each(['openid "', 'openid \\', 'openid\u0009email', 'openid é'])('%j is refused', async (scope) => {
    expectBack(await user.fetch(authorizeUrl({ scope })), 'invalid_scope')
  })

  it('gives what the client may have, says so, and never more', async () => {
    const visitor = user
    const scope = 'openid email phone profile full_api_access offline_access nope iam_admin'
    const page = await visitor.open(authorizeUrl({ client_id: 'limited', scope }))
    const code = expectCode(await visitor.submit(page, { decision: 'allow' }))
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    const response = await reach(`${issuer}/connect/token`, { method: 'POST', headers: basic('limited', secret), body })
    const tokens = await response.json<Record<string, string>>()
    expect(tokens.scope).toBe('openid email')
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(claimsOf(tokens.access_token ?? '').scope).toBe('openid email')
  })

  it('10 000 names are judged or refused, and none is granted', async () => {
    const scope = Array.from({ length: 10_000 }, (_, index) => `s${index}`).join(' ')
    const body = new URL(authorizeUrl({ scope })).searchParams
    const asUser = { method: 'POST', body, headers: { origin: 'https://rp.test' } }
    expectBack(await user.fetch(`${issuer}/connect/authorize`, asUser), 'invalid_scope')
    await expectPage(await browser().fetch(`${issuer}/connect/authorize`, asUser))
    await expectPage(await user.fetch(authorizeUrl({ scope })), 414)
  })
})

describe('A27 claims', () => {
  it.each(['[]', '{"id_token":[]}', '{', 'null', '{"id_token":{"sub":{"value":1}}}'])('refuses %s', async (claims) => {
    expectBack(await user.fetch(authorizeUrl({ claims })), 'invalid_request')
  })

  it('for another person asks for that person, and gives nobody else', async () => {
    const claims = '{"id_token":{"sub":{"value":"bob"}}}'
    expectBack(await user.fetch(authorizeUrl({ claims, prompt: 'none' })), 'login_required')
    const page = await user.open(authorizeUrl({ claims }))
    expect(isLogin(page)).toBe(true)
    expectBack(await user.submit(page, { username: 'ada', password }), 'login_required')
    // Who signed in stays signed in, though the client gets an error.
    expectCode(await user.open(authorizeUrl({ prompt: 'none' })))
  })

  it('for this person is answered', async () => {
    expectCode(await user.open(authorizeUrl({ claims: '{"id_token":{"sub":{"value":"ada"}}}', prompt: 'none' })))
  })

  it('leaves nothing behind in the isolate', async () => {
    const claims = '{"__proto__":{"email":null},"id_token":{"__proto__":{"essential":true},"constructor":null}}'
    expectCode(await user.open(authorizeUrl({ claims })))
    const { id_token } = await redeem(await codeFor(user))
    expect(Object.keys(claimsOf(id_token))).not.toContain('email')
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('of a scope that the client may not have are not given', async () => {
    const claims = '{"id_token":{"phone_number":null,"email":null},"userinfo":{"phone_number":null}}'
    const page = await user.open(authorizeUrl({ client_id: 'limited', claims, scope: 'openid' }))
    expect(page.html).not.toMatch(/phone/i)
    const code = expectCode(page.html.includes('decision') ? await user.submit(page, { decision: 'allow' }) : page)
    const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    const response = await reach(`${issuer}/connect/token`, { method: 'POST', headers: basic('limited', secret), body })
    const { id_token } = await response.json<{ id_token: string }>()
    expect(claimsOf(id_token)).toMatchObject({ email: 'ada@example.test' })
    expect(claimsOf(id_token)).not.toHaveProperty('phone_number')
  })
})

describe('A28 limits', () => {
  const start = `${issuer}/connect/authorize?client_id=web`
  it.each([
    ['17 KB of URL', `${start}&state=${'x'.repeat(17 * 1024)}`, 414],
    ['500 parameters', start + Array.from({ length: 500 }, (_, index) => `&p${index}=1`).join(''), 400],
    ['broken percent-encoding', `${start}&state=%zz`, 400],
    ['an overlong slash', `${start}&state=%C0%AF`, 400],
    ['bytes that are not UTF-8', `${start}&state=%ff`, 400],
    ['NUL', `${start}&state=a%00b`, 400],
    ['client_id twice', `${start}&client_id=web`, 400],
    ['redirect_uri twice', `${authorizeUrl()}&redirect_uri=https://evil.test/`, 400],
    ['state twice', `${authorizeUrl()}&state=b`, 400],
  ])('%s is refused, shown, and soon', async (_, url, status) => {
    const times: number[] = []
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const began = performance.now()
      const response = await user.fetch(url)
      times.push(performance.now() - began)
      await expectPage(response, status)
    }
    // The fastest: a busy machine is not what is measured.
    expect(Math.min(...times)).toBeLessThan(50)
  })
})

describe('A29 POST', () => {
  const post = (body: URLSearchParams, headers: Record<string, string> = {}) => ({
    method: 'POST',
    body,
    headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site', ...headers },
  })
  const form = (parameters = {}) => new URL(authorizeUrl(parameters)).searchParams

  it('from another site, which brings no cookie, comes back by GET and then finds the session', async () => {
    const response = await reach(`${issuer}/connect/authorize`, post(form({ state: 'posted' })))
    expect(response.status).toBe(303)
    expect(response.headers.getSetCookie()).toEqual([])
    const location = new URL(response.headers.get('location') ?? '', issuer)
    expect(location.href).toMatch(/^https:\/\/id\.test\/connect\/authorize\?sealed_request=[\w-]+$/)
    const target = redirectOf(await user.open(location))
    expect(target.searchParams.get('state')).toBe('posted')
    expect(target.searchParams.get('code')).toBeTruthy()
  })

  it('of a browser with its cookie is answered in place', async () => {
    const page = await user.open(`${issuer}/connect/authorize`, { method: 'POST', body: form() })
    expectCode(page)
  })

  it('takes nothing from the query', async () => {
    await expectPage(await user.fetch(authorizeUrl(), { method: 'POST', body: new URLSearchParams() }))
  })

  it('a sealed request that was changed, is older than ten minutes, or was sealed for something else is refused', async () => {
    const response = await reach(`${issuer}/connect/authorize`, post(form()))
    const location = new URL(response.headers.get('location') ?? '', issuer)
    const sealed = location.searchParams.get('sealed_request') ?? ''
    const page = await browser().open(authorizeUrl())
    const interaction = new URL(page.url).searchParams.get('interaction') ?? ''
    for (const value of [`${sealed.slice(0, -3)}AAA`, interaction, 'x', user.cookies.get('__Host-session') ?? '']) {
      await expectPage(await user.fetch(`${issuer}/connect/authorize?sealed_request=${encodeURIComponent(value)}`))
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 })
    await expectPage(await user.fetch(location))
  })

  it.each(['application/json', 'multipart/form-data; boundary=x', 'text/plain', ''])(
    'a body of type %j is refused',
    async (type) => {
      const body = new TextEncoder().encode(form().toString())
      await expectPage(
        await user.fetch(`${issuer}/connect/authorize`, { method: 'POST', body, headers: { 'content-type': type } }),
      )
    },
  )

  it.each(['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    '%s is not allowed, and no other origin may read anything',
    async (method) => {
      const headers = { origin: 'https://evil.test', 'access-control-request-method': 'POST' }
      const response = await user.fetch(authorizeUrl(), { method, headers })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, POST')
      response.headers.forEach((_, name) => {
        expect(name).not.toMatch(/^access-control/)
      })
    },
  )

  it('no other origin may read the answer to a GET', async () => {
    const response = await user.fetch(authorizeUrl(), { headers: { origin: 'https://rp.test' } })
    expect(response.headers.has('access-control-allow-origin')).toBe(false)
  })
})

it('A34 what a request says is shown escaped', async () => {
  const markup = '"><svg onload=1>'
  const page = await browser().open(
    authorizeUrl({ login_hint: markup, ui_locales: markup, display: markup, acr_values: markup }),
  )
  expect(isLogin(page)).toBe(true)
  expect(page.html).not.toContain('<svg onload')
  expect(page.html).toContain('&lt;svg onload=1>')
})

it('A request is answered with a code that only its client, redirect_uri and verifier redeem', async () => {
  const { code_challenge } = pkce()
  const code = await codeFor(user, { code_challenge, code_challenge_method: 'S256' })
  const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
  const response = await reach(`${issuer}/connect/token`, { method: 'POST', headers: basic('web', secret), body })
  expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
})
