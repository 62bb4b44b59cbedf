import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aColdIsolate } from '../../counting.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import {
  authorizeUrl,
  issuer,
  operator,
  password,
  redeem,
  redirectUri,
  refresh,
  setUp,
  userinfo,
} from '../../provider.ts'
import { type Browser, claimsOf, type Page, redirectOf } from '../../user-agent.ts'
import { browser, expectBack, expectCode, expectPage, isLogin, reach } from '../../watched.ts'
import { attempts, redirectToProvider, saveProvider, signInAt } from './external.ts'

let corp: FakeUpstream
let partner: FakeUpstream

const callback = `${issuer}/external/callback/corp`
const people = async () => {
  const row = await env.DB.prepare('SELECT count(*) AS count FROM users').first<{ count: number }>()
  return row?.count
}
const isProblem = (page: Page) => page.html.includes('page-external-problem')

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'users/bea', { name: 'Bea' })
  corp = await anUpstream({ host: 'corp.test' })
  partner = await anUpstream({ host: 'partner.test' })
})

beforeEach(async () => {
  await operator('PATCH', 'settings', { allow_local_accounts: true })
  Object.assign(corp, { faults: {}, tamper: {}, user: { sub: 'ada', name: 'Ada Upstream' } })
  Object.assign(partner, { faults: {}, tamper: {}, user: { sub: 'bea' } })
  await saveProvider(corp, 'corp')
  await saveProvider(partner, 'partner', { enabled: false })
})

describe('signing in by an external provider', () => {
  it('ends in a code for the application, as signing in here does', async () => {
    corp.user = { sub: 'ada', auth_time: undefined }
    const code = expectCode(await signInAt(corp, browser(), 'corp', { nonce: 'n' }))
    const tokens = await redeem(code)
    const claims = claimsOf(tokens.id_token)
    expect(claims).toMatchObject({ sub: 'ada', nonce: 'n', acr: '0', amr: ['external'] })
    expect(claims).not.toHaveProperty('auth_time')
    expect(claimsOf(tokens.access_token)).not.toHaveProperty('auth_time')
    expect((await userinfo(tokens.access_token)).status).toBe(200)
  })

  it('asks the provider as OpenID Connect and RFC 9700 want it', async () => {
    const there = await redirectToProvider(browser(), 'corp', { login_hint: 'ada', max_age: '60', ui_locales: 'nl en' })
    expect(there.origin).toBe(corp.issuer)
    const asked: Record<string, string> = {}
    there.searchParams.forEach((value, name) => {
      asked[name] = value
    })
    expect(asked).toMatchObject({
      response_type: 'code',
      client_id: corp.client_id,
      redirect_uri: callback,
      code_challenge_method: 'S256',
      login_hint: 'ada',
      max_age: '60',
      ui_locales: 'nl en',
    })
    expect(there.searchParams.get('scope')?.split(' ')).toContain('openid')
    for (const name of ['state', 'nonce', 'code_challenge']) expect(there.searchParams.get(name)).toBeTruthy()
  })

  it('passes on what the provider says of when and how', async () => {
    const now = Math.floor(Date.now() / 1000)
    corp.user = { sub: 'ada', auth_time: now - 3600, acr: 'urn:corp:mfa', amr: ['pwd', 'otp'] }
    const tokens = await redeem(expectCode(await signInAt(corp, browser(), 'corp')))
    expect(claimsOf(tokens.id_token)).toMatchObject({ auth_time: now - 3600, acr: 'urn:corp:mfa', amr: ['pwd', 'otp'] })
  })

  it('lasts like any session, and knows the account page', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    expectCode(await user.open(authorizeUrl({ prompt: 'none' })))
    const page = await user.open(`${issuer}/account`)
    expect(page.html).toContain('The corp people')
  })

  it('works without an application, and stays signed in when asked to', async () => {
    const user = browser()
    const page = await user.open(`${issuer}/account`)
    const there = redirectOf(await user.submit(page, { provider: 'corp', remember: 'on' }))
    const home = await user.open(corp.approve(there))
    expect(home.url).toBe(`${issuer}/account`)
    expect(home.html).toContain('Ada Example')
  })

  it('takes an answer by form_post, which carries no cookie', async () => {
    await saveProvider(corp, 'corp', { response_mode: 'form_post' })
    const user = browser()
    const there = await redirectToProvider(user, 'corp')
    expect(there.searchParams.get('response_mode')).toBe('form_post')
    const back = corp.approve(there)
    const posted = await reach(callback, { method: 'POST', body: back.searchParams })
    expect(posted.status).toBe(303)
    expect(posted.headers.getSetCookie()).toEqual([])
    expectCode(await user.open(new URL(posted.headers.get('location') ?? '', issuer)))
  })

  it('keeps what was tried, with the outcome and what it was about', async () => {
    const before = await attempts()
    await signInAt(corp, browser(), 'corp')
    const [attempt, ...rest] = await attempts()
    expect(rest).toHaveLength(before.length)
    expect(attempt).toMatchObject({
      provider_id: 'corp',
      outcome: 'signed_in',
      step: 'session',
      user_id: 'ada',
      issuer: corp.issuer,
      subject: 'ada',
      cause: null,
    })
    expect(String(attempt?.claims)).toContain('Ada Upstream')
    expect(String(attempt?.claims)).not.toContain('nonce')
  })

  it('ends the session of the person who used this browser before', async () => {
    await operator('PUT', 'users/bob', { name: 'Bob', password })
    const user = browser()
    const page = await user.open(authorizeUrl())
    await user.submit(page, { username: 'bob', password })
    const copy = browser()
    for (const [name, value] of user.cookies) copy.cookies.set(name, value)
    expectCode(await copy.open(authorizeUrl({ prompt: 'none' })))

    await signInAt(corp, user, 'corp', { prompt: 'login' })
    expect((await user.open(`${issuer}/account`)).html).toContain('Ada Example')
    // The session itself has ended: a copy of Bob's cookie proves nothing any more.
    expectBack(await copy.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
  })
})

describe('I05 a callback', () => {
  /** A finished trip to the provider, its answer not yet delivered. */
  async function anAnswer(user: Browser): Promise<URL> {
    return corp.approve(await redirectToProvider(user, 'corp'))
  }
  const changed = (url: URL, changes: Record<string, string | null>): URL => {
    const next = new URL(url)
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) next.searchParams.delete(name)
      else next.searchParams.set(name, value)
    }
    return next
  }

  it.each<[string, (answer: URL, user: Browser) => [URL, Browser] | Promise<[URL, Browser]>]>([
    ['unsolicited', (answer, user) => [changed(answer, { state: null }), user]],
    ['with an empty state', (answer, user) => [changed(answer, { state: '' }), user]],
    ['with an unknown state', (answer, user) => [changed(answer, { state: 'abc' }), user]],
    [
      'with a changed state',
      (answer, user) => [changed(answer, { state: `${answer.searchParams.get('state')?.slice(0, -2)}AA` }), user],
    ],
    ['in another browser', (answer) => [answer, browser()]],
    [
      'in another browser, which is under way, too',
      async (answer) => {
        const other = browser()
        await redirectToProvider(other, 'corp')
        return [answer, other]
      },
    ],
    [
      'beside a cookie of that name with another secret',
      (answer, user) => {
        const name = [...user.cookies.keys()].find((each) => each.startsWith('__Host-external-')) ?? ''
        user.cookies.set(name, `${Date.now().toString(36)}.${'A'.repeat(43)}`)
        return [answer, user]
      },
    ],
    [
      'of another sign-in of the same browser',
      async (answer, user) => {
        await user.open(answer)
        user.cookies.delete('__Host-session')
        const second = await anAnswer(user)
        return [changed(second, { state: answer.searchParams.get('state') }), user]
      },
    ],
    [
      'at the redirect_uri of another provider (mix-up)',
      async (answer, user) => {
        await saveProvider(partner, 'partner')
        return [new URL(answer.href.replace('/callback/corp', '/callback/partner')), user]
      },
    ],
    [
      'a second time',
      async (answer, user) => {
        await user.open(answer)
        user.cookies.delete('__Host-session')
        return [answer, user]
      },
    ],
  ])('%s is refused, without a call to the provider', async (_, prepare) => {
    const user = browser()
    const [url, who] = await prepare(await anAnswer(user), user)
    const calls = corp.requests.token + partner.requests.token
    const answer = await who.fetch(url)
    await expectPage(answer)
    expect(corp.requests.token + partner.requests.token).toBe(calls)
    expect(isLogin(await who.open(authorizeUrl())) || who.cookies.has('__Host-session')).toBe(true)
    expect(who.cookies.has('__Host-session')).toBe(false)
  })

  it('of a provider that was switched off meanwhile is refused', async () => {
    const user = browser()
    const answer = await anAnswer(user)
    await operator('PUT', 'identity-providers/corp', { enabled: false })
    const calls = corp.requests.token
    await expectPage(await user.fetch(answer), 403)
    expect(corp.requests.token).toBe(calls)
  })

  it('of a provider that was made anew meanwhile is refused', async () => {
    const user = browser()
    const answer = await anAnswer(user)
    await operator('DELETE', 'identity-providers/corp')
    await saveProvider(corp, 'corp')
    const calls = corp.requests.token
    await expectPage(await user.fetch(answer), 403)
    expect(corp.requests.token).toBe(calls)
  })

  it('for an application that lost its redirect_uri meanwhile is shown, and nothing is sent there', async () => {
    const user = browser()
    const answer = await anAnswer(user)
    await operator('PUT', 'clients/web', { redirect_uris: ['https://rp.test/other'] })
    try {
      await expectPage(await user.fetch(answer))
    } finally {
      await operator('PUT', 'clients/web', { redirect_uris: [redirectUri] })
    }
  })

  it('after an hour is too late', async () => {
    const user = browser()
    const answer = await anAnswer(user)
    await operator('PATCH', 'settings', { interaction_lifetime: 300 })
    const now = Date.now
    Date.now = () => now() + 301_000
    try {
      await expectPage(await user.fetch(answer))
    } finally {
      Date.now = now
      await operator('PATCH', 'settings', { interaction_lifetime: null })
    }
  })
})

describe('an answer that is no', () => {
  it.each([
    ['access_denied', 403],
    ['login_required', 403],
    ['server_error', 400],
    ['something_else', 400],
  ])('I14 %s is a page of ours with nothing of theirs on it, an attempt, and no session', async (error, status) => {
    const user = browser()
    const there = await redirectToProvider(user, 'corp')
    const said = `<script>alert(1)</script>"'${'x'.repeat(3000)}`
    const page = await user.open(corp.deny(there, error, said))
    expect(page.status).toBe(status)
    expect(isProblem(page)).toBe(true)
    expect(page.html).not.toMatch(/<script|alert\(1\)|xxxx/)
    expect(user.cookies.has('__Host-session')).toBe(false)
    const [attempt] = await attempts()
    expect(attempt).toMatchObject({ provider_id: 'corp', step: 'callback', user_id: null })
    expect(attempt?.outcome).not.toBe('signed_in')
    expect(attempt?.cause).toContain(error)
    expect(attempt?.cause?.length).toBeLessThan(1200)
    expect(attempt?.fix).toBeTruthy()
  })

  it('leads back to every way to sign in, which then works', async () => {
    const user = browser()
    const page = await user.open(corp.deny(await redirectToProvider(user, 'corp')))
    const href = /id="try-again" href="([^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const ways = await user.open(new URL(href, issuer))
    expect(isLogin(ways)).toBe(true)
    expectCode(await user.submit(ways, { username: 'ada', password }))
  })

  it('of the only provider is not tried again by itself', async () => {
    await operator('PATCH', 'settings', { allow_local_accounts: false })
    const user = browser()
    // Straight there, and one page after the failure.
    const there = redirectOf(await user.open(authorizeUrl()))
    expect(there.origin).toBe(corp.issuer)
    const page = await user.open(corp.deny(there))
    expect(isProblem(page)).toBe(true)
    const href = /id="try-again" href="([^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const ways = await user.open(new URL(href, issuer))
    expect(ways.html).toContain('The corp people')
    expect(ways.html).not.toContain('name="password"')
    expectCode(await user.open(corp.approve(redirectOf(await user.submit(ways, { provider: 'corp' })))))
  })

  it('when nobody here is meant: nobody is made, and the operator learns whom it was about', async () => {
    corp.user = { sub: 'a-stranger', email: 'ada@example.test', email_verified: true }
    const before = await people()
    const page = await signInAt(corp, browser(), 'corp')
    expect(page.status).toBe(403)
    expect(isProblem(page)).toBe(true)
    expect(await people()).toBe(before)
    expect((await attempts())[0]).toMatchObject({ outcome: 'refused', step: 'match', subject: 'a-stranger' })
  })

  it.each([
    ['that says nothing of it', undefined, 'login'],
    ['with an account chooser', ['login', 'select_account'], 'select_account'],
    ['with neither', ['none'], null],
  ])('when the wrong person came, trying again at a provider %s lets them be another', async (_, supported, prompt) => {
    corp.metadata.prompt_values_supported = supported
    await operator('POST', 'identity-providers/corp/reload')
    corp.user = { sub: 'a-stranger' }
    const user = browser()
    const page = await signInAt(corp, user, 'corp')
    const href = /id="try-again" href="([^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const ways = await user.open(new URL(href, issuer))
    const there = redirectOf(await user.submit(ways, { provider: 'corp' }))
    expect(there.searchParams.get('prompt')).toBe(prompt)
  })
})

describe('a provider that does not do its work', () => {
  const hang = () => new Promise<Response>(() => undefined)

  it.each<[string, 'token' | 'jwks', () => Response | Promise<Response>]>([
    ['hangs', 'token', hang],
    ['answers HTML', 'token', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['answers 50 MB', 'token', () => new Response('x'.repeat(50 * 1024 * 1024))],
    ['redirects', 'token', () => Response.redirect('https://evil.test/', 302)],
    ['answers 500', 'token', () => new Response('', { status: 500 })],
  ])('I13 it %s: a page within 10 s, an attempt, and the others unaffected', async (_, endpoint, fault) => {
    corp.faults = { [endpoint]: fault }
    await saveProvider(partner, 'partner')
    const started = Date.now()
    const user = browser()
    const page = await signInAt(corp, user, 'corp')
    expect(Date.now() - started).toBeLessThan(10_000)
    expect(isProblem(page)).toBe(true)
    expect(page.status).toBe(400)
    expect((await attempts())[0]).toMatchObject({ provider_id: 'corp', outcome: 'failed' })
    expectCode(await signInAt(partner, browser(), 'partner'))
  })
})

describe('a part of ours that does not answer', () => {
  it('is 503, an attempt that says so, and nothing is begun', async () => {
    const user = browser()
    const answer = corp.approve(await redirectToProvider(user, 'corp'))
    const broken = new Proxy(env.SUBJECT, {
      get: (target, name) => {
        if (name === 'get') throw new Error('no object today')
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const cookie = [...user.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await aColdIsolate({ SUBJECT: broken }).fetch(answer.href, { headers: { cookie } })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBeTruthy()
    expect(response.headers.getSetCookie().join()).not.toContain('session=')
    const [attempt] = await attempts()
    expect(attempt).toMatchObject({ outcome: 'failed', step: 'session', check_name: 'outage' })
    expect(attempt?.cause).toContain('no object today')
  })
})

describe('I23 the same answer twenty times at once', () => {
  it('gives one session and one code', async () => {
    const user = browser()
    const answer = corp.approve(await redirectToProvider(user, 'corp'))
    const cookies = [...user.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const responses = await Promise.all(
      Array.from({ length: 20 }, () =>
        reach(answer.href, { headers: { cookie: cookies, 'cf-connecting-ip': user.address } }),
      ),
    )
    const codes = responses.filter((each) => each.headers.get('location')?.includes('code='))
    expect(codes).toHaveLength(1)
    expect(
      responses.filter((each) => each.headers.getSetCookie().some((line) => line.startsWith('__Host-session='))),
    ).toHaveLength(1)
  })
})

describe('I26 two hundred sign-ins begun in one browser', () => {
  it('keep their cookies below 4 KB; the newest works, the oldest says that it is too late', async () => {
    const user = browser()
    const answers: URL[] = []
    for (let count = 0; count < 200; count += 1) {
      const there = await redirectToProvider(user, 'corp')
      if (count === 0 || count === 199) answers.push(corp.approve(there))
    }
    const header = [...user.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(header.length).toBeLessThan(4096)
    expect([...user.cookies.keys()].filter((name) => name.startsWith('__Host-external-'))).toHaveLength(20)
    const [oldest, newest] = answers
    await expectPage(await user.fetch(oldest ?? ''))
    expectCode(await user.open(newest ?? ''))
  })
})

describe('I25 more than the provider gave', () => {
  const old = () => Math.floor(Date.now() / 1000) - 3600

  it.each<[string, Record<string, unknown>, Record<string, string>]>([
    ['prompt=login, and it asked nobody', { auth_time: 1 }, { prompt: 'login' }],
    ['prompt=login, and it does not say when', {}, { prompt: 'login' }],
    ['max_age, and it was longer ago', { auth_time: 1 }, { max_age: '60' }],
    ['max_age, and it does not say when', {}, { max_age: '60' }],
    [
      'an acr that a password has',
      {},
      { claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['1'] } } }) },
    ],
  ])('%s: the password here, and not the provider again', async (_, said, asked) => {
    corp.user = { sub: 'ada', ...said, auth_time: said.auth_time ? old() : undefined }
    const user = browser()
    const page = await signInAt(corp, user, 'corp', asked)
    expect(isLogin(page)).toBe(true)
    const tokens = await redeem(expectCode(await user.submit(page, { username: 'ada', password })))
    expect(claimsOf(tokens.id_token)).toMatchObject({ acr: '1', amr: ['pwd'] })
  })

  it('with local accounts off the application is told', async () => {
    await operator('PATCH', 'settings', { allow_local_accounts: false })
    corp.user = { sub: 'ada', auth_time: old() }
    const user = browser()
    const there = redirectOf(await user.open(authorizeUrl({ prompt: 'login' })))
    expectBack(await user.open(corp.approve(there)), 'unmet_authentication_requirements')
  })

  it('an acr that nothing here has: the application is told', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:mfa'] } } })
    expectBack(await signInAt(corp, browser(), 'corp', { claims }), 'unmet_authentication_requirements')
  })

  it('delivered, it is enough', async () => {
    corp.user = { sub: 'ada', auth_time: Math.floor(Date.now() / 1000), acr: 'urn:mfa' }
    const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:mfa'] } } })
    const user = browser()
    const there = await redirectToProvider(user, 'corp', { claims, prompt: 'login' })
    expect(there.searchParams.get('acr_values')).toBe('urn:mfa')
    expect(there.searchParams.get('prompt')).toBe('login')
    expectCode(await user.open(corp.approve(there)))
  })
})

describe('which way', () => {
  beforeEach(() => saveProvider(partner, 'partner', { domains: ['partner.test'] }))

  const leadsTo = async (parameters: Record<string, string>, user = browser()) => {
    const page = await user.open(authorizeUrl(parameters))
    return page.html.includes('<form') ? 'page' : redirectOf(page).host
  }

  it.each<[string, Record<string, string>]>([
    ['acr_values=idp:ID, as IdentityServer has it', { acr_values: 'urn:x idp:partner' }],
    ['the parameter idp', { idp: 'partner' }],
    ['domain_hint', { domain_hint: 'partner.test' }],
    ['the mail domain of login_hint', { login_hint: 'someone@partner.test' }],
  ])('%s leads straight there', async (_, parameters) => {
    expect(await leadsTo(parameters)).toBe('partner.test')
  })

  it('idp asks a session from elsewhere to sign in there', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    expect(await leadsTo({ acr_values: 'idp:corp' }, user)).toBe('rp.test')
    expect(await leadsTo({ acr_values: 'idp:partner' }, user)).toBe('partner.test')
  })

  it('prompt=none never leaves', async () => {
    expectBack(await browser().open(authorizeUrl({ prompt: 'none', idp: 'partner' })), 'login_required')
  })

  it('a remembered choice is taken the next time, can be left, and forgotten', async () => {
    const user = browser()
    const first = await user.open(authorizeUrl())
    const there = redirectOf(await user.submit(first, { provider: 'partner', remember_choice: 'on' }))
    await user.open(partner.approve(there))
    user.cookies.delete('__Host-session')
    expect(await leadsTo({}, user)).toBe('partner.test')

    const home = await user.open(`${issuer}/account?choose=1`)
    expect(isLogin(home)).toBe(true)
    await user.submit(home, { provider: 'corp' })
    expect(await leadsTo({}, user)).toBe('page')
  })

  it('a remembered password hides the providers, with a way back', async () => {
    const user = browser()
    const first = await user.open(authorizeUrl())
    await user.submit(first, { username: 'ada', password, remember_choice: 'on' })
    user.cookies.delete('__Host-session')
    const page = await user.open(authorizeUrl())
    expect(isLogin(page)).toBe(true)
    expect(page.html).not.toContain('The corp people')
    const href = /id="other-ways" href="([^"]*)"/.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect((await user.open(new URL(href, issuer))).html).toContain('The corp people')
  })

  it('a button of a page that is not ours does nothing', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const interaction = /name="interaction" value="([^"]*)"/.exec(page.html)?.[1] ?? ''
    const body = new URLSearchParams({ interaction, provider: 'corp' })
    const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    await expectPage(await user.fetch(`${issuer}/external/login`, { method: 'POST', headers, body }), 403)
  })

  it('a provider that does not exist is refused by name', async () => {
    const user = browser()
    const page = await user.open(authorizeUrl())
    const answer = await user.submit(page, { provider: 'nobody' })
    expect(answer.status).toBe(400)
  })
})

describe('A34 what a stranger writes into a request', () => {
  const hostile = '"><svg onload=1>'
  it.each(['login_hint', 'ui_locales', 'display', 'error_description', 'idp', 'domain_hint', 'acr_values'])(
    '%s comes back escaped or not at all',
    async (name) => {
      const page = await browser().open(authorizeUrl({ [name]: hostile }))
      expect(isLogin(page)).toBe(true)
      expect(page.html).not.toContain('<svg onload')
      const url = `${issuer}/account/login?interaction=${encodeURIComponent(hostile)}&problem=${encodeURIComponent(hostile)}`
      expect((await browser().open(url)).html).not.toContain('<svg onload')
    },
  )
})

describe('a provider that is switched off or deleted', () => {
  it('takes its sessions and refresh tokens with it, and nobody else’s', async () => {
    const user = browser()
    const scope = 'openid offline_access'
    const tokens = await redeem(expectCode(await signInAt(corp, user, 'corp', { scope })))
    const local = browser()
    const page = await local.open(authorizeUrl({ scope }))
    const own = await redeem(expectCode(await local.submit(page, { username: 'ada', password })))

    await operator('PUT', 'identity-providers/corp', { enabled: false })
    expect(isLogin(await user.open(authorizeUrl()))).toBe(true)
    expect((await userinfo(tokens.access_token)).status).toBe(401)
    expect((await userinfo(own.access_token)).status).toBe(200)
    const refused = await refresh(tokens.refresh_token)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: 'invalid_grant' })
    expectCode(await local.open(authorizeUrl()))
    expect((await refresh(own.refresh_token)).status).toBe(200)
  })

  it('made anew under its id, it has none of them', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    await operator('DELETE', 'identity-providers/corp')
    await saveProvider(corp, 'corp')
    expect(isLogin(await user.open(authorizeUrl()))).toBe(true)
  })

  it('its people stay its people: a later one that says the same sub of another issuer does not get them', async () => {
    await signInAt(corp, browser(), 'corp')
    await operator('DELETE', 'identity-providers/corp')
    partner.user = { sub: 'ada' }
    await saveProvider(partner, 'corp')
    const page = await signInAt(partner, browser(), 'corp')
    expect(isProblem(page)).toBe(true)
    expect((await attempts())[0]).toMatchObject({ outcome: 'refused', step: 'match' })
    await saveProvider(corp, 'corp')
    expectCode(await signInAt(corp, browser(), 'corp'))
  })
})

describe('signing out', () => {
  it('ends the session here, and leads to the provider’s own sign-out with its ID token', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    const page = await user.open(`${issuer}/account`)
    const there = redirectOf(await user.submit(page, { upstream: 'yes' }))
    expect(there.origin).toBe(corp.issuer)
    expect(claimsOf(there.searchParams.get('id_token_hint') ?? '')).toMatchObject({ sub: 'ada', iss: corp.issuer })
    expect(there.searchParams.get('client_id')).toBe(corp.client_id)
    expect(there.searchParams.get('post_logout_redirect_uri')).toBe(`${issuer}/external/signed-out`)
    expect((await user.open(`${issuer}/external/signed-out`)).status).toBe(200)
    expect(isLogin(await user.open(authorizeUrl()))).toBe(true)
  })

  it('here alone says that the provider may still know the person', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    const page = await user.open(`${issuer}/account`)
    const after = await user.submit(page, {})
    expect(after.html).toContain('The corp people')
    expect(after.html).toContain(corp.issuer)
  })

  it('of a provider without a sign-out is signing out here', async () => {
    const { end_session_endpoint, ...metadata } = corp.metadata
    corp.metadata = metadata
    await operator('POST', 'identity-providers/corp/reload')
    try {
      const user = browser()
      await signInAt(corp, user, 'corp')
      const page = await user.open(`${issuer}/account`)
      expect(page.html).not.toContain('id="sign-out-upstream"')
      expect((await user.submit(page, {})).html).not.toContain(corp.issuer)
      expect(isLogin(await user.open(authorizeUrl()))).toBe(true)
    } finally {
      corp.metadata = { ...metadata, end_session_endpoint }
    }
  })

  it('with local accounts off there is no local sign-out', async () => {
    await operator('POST', 'identity-providers/corp/reload')
    await operator('PATCH', 'settings', { allow_local_accounts: false })
    const user = browser()
    const there = redirectOf(await user.open(authorizeUrl()))
    await user.open(corp.approve(there))
    const page = await user.open(`${issuer}/account`)
    expect(page.html).toContain('id="sign-out-upstream"')
    expect(page.html).not.toContain('id="sign-out"')
  })
})

describe('back-channel logout from the provider', () => {
  const logout = (token: string, providerId = 'corp') =>
    reach(`${issuer}/external/backchannel-logout/${providerId}`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    })

  async function aSession(sid: string): Promise<{ user: Browser; access_token: string; refresh_token: string }> {
    corp.user = { sub: 'ada', sid }
    const user = browser()
    const tokens = await redeem(expectCode(await signInAt(corp, user, 'corp')))
    return { user, ...tokens }
  }
  const isSignedIn = async (user: Browser) => !isLogin(await user.open(authorizeUrl()))

  it('ends the session it names, and what it gave, and no other', async () => {
    const [one, two] = [await aSession('s1'), await aSession('s2')]
    expect((await logout(await corp.logoutToken({ sub: 'ada', sid: 's1' }))).status).toBe(200)
    expect(await isSignedIn(one.user)).toBe(false)
    expect((await userinfo(one.access_token)).status).toBe(401)
    expect(await isSignedIn(two.user)).toBe(true)
  })

  it('by the person ends all that came from there', async () => {
    const [one, two] = [await aSession('s3'), await aSession('s4')]
    const local = browser()
    const page = await local.open(authorizeUrl())
    await local.submit(page, { username: 'ada', password })
    expect((await logout(await corp.logoutToken({ sub: 'ada' }))).status).toBe(200)
    expect(await isSignedIn(one.user)).toBe(false)
    expect(await isSignedIn(two.user)).toBe(false)
    expect(await isSignedIn(local)).toBe(true)
  })

  it('by the session alone finds whose it is', async () => {
    const one = await aSession('s5')
    expect((await logout(await corp.logoutToken({ sid: 's5' }))).status).toBe(200)
    expect(await isSignedIn(one.user)).toBe(false)
  })

  it('is accepted once', async () => {
    const token = await corp.logoutToken({ sub: 'ada', sid: 's6' })
    expect((await logout(token)).status).toBe(200)
    const again = await logout(token)
    expect(again.status).toBe(400)
    expect(again.headers.get('cache-control')).toBe('no-store')
  })

  it.each<[string, Record<string, unknown>]>([
    ['with a nonce', { nonce: 'n' }],
    ['without events', { events: undefined }],
    ['without sub and sid', { sub: undefined, sid: undefined }],
    ['for another client', { aud: 'other' }],
    ['of another issuer', { iss: 'https://evil.test' }],
    ['a day old', { iat: 1, exp: undefined }],
    ['without jti', { jti: undefined }],
  ])('%s is refused, and ends nothing', async (_, changes) => {
    const one = await aSession('s7')
    const answer = await logout(await corp.logoutToken({ sub: 'ada', ...changes }))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
    expect(await isSignedIn(one.user)).toBe(true)
  })

  it('an ID token is no logout token; another provider’s, and none at all, are refused', async () => {
    const one = await aSession('s8')
    const idToken = await corp.signIdToken({ iss: corp.issuer, aud: corp.client_id, sub: 'ada', iat: 1, exp: 9e9 })
    expect((await logout(idToken)).status).toBe(400)
    expect((await logout(await partner.logoutToken({ sub: 'ada' }))).status).toBe(400)
    expect((await logout(await corp.logoutToken({ sub: 'ada' }), 'nobody')).status).toBe(400)
    expect((await logout('')).status).toBe(400)
    expect(await isSignedIn(one.user)).toBe(true)
  })
})
