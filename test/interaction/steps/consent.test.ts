// Consent and account choice: whose answer it is, to what, and that nothing else is one (SECURITY-CASES A07, S02, S05, S06, D05).
import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorizeUrl,
  basic,
  issuer,
  operator,
  type Parameters,
  password,
  redirectUri,
  secret,
  setUp,
} from '../../provider.ts'
import { type Browser, claimsOf, fillForm, type Page } from '../../user-agent.ts'
import { browser, expectBack, expectCode, isLogin, reach } from '../../watched.ts'

const own = { origin: issuer, 'sec-fetch-site': 'same-origin' }
const ada = browser()
let clients = 0

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'users/bob', { name: 'Bob Example', password })
  await signIn(ada, 'ada')
})

async function signIn(user: Browser, username: string): Promise<void> {
  const page = await user.open(authorizeUrl({ prompt: 'login' }))
  expectCode(await user.submit(page, { username, password }))
}

/** A client that nobody has allowed anything yet. */
async function aClient(overrides = {}): Promise<string> {
  clients += 1
  const id = `asks${clients}`
  await operator('PUT', `clients/${id}`, {
    client_name: `Asks ${clients}`,
    grant_types: ['authorization_code'],
    redirect_uris: [redirectUri],
    scopes: ['profile', 'email', 'phone'],
    require_pkce: false,
    require_consent: true,
    secrets: [{ value: secret, label: 'tests' }],
    ...overrides,
  })
  return id
}

const isConsent = (page: Page): boolean => page.status === 200 && page.html.includes('id="allow"')
const isChoice = (page: Page): boolean => page.status === 200 && page.html.includes('id="other"')
const interactionOf = (page: Page): string => new URL(page.url).searchParams.get('interaction') ?? ''

async function ask(user: Browser, client_id: string, parameters: Parameters = {}): Promise<Page> {
  return user.open(authorizeUrl({ client_id, ...parameters }))
}

/** Whether the person has allowed it: without a page. */
async function isAllowed(user: Browser, client_id: string, parameters: Parameters = {}): Promise<boolean> {
  const page = await ask(user, client_id, { ...parameters, prompt: 'none' })
  if (page.headers.get('location')?.includes('code=')) return true
  expectBack(page, 'consent_required')
  return false
}

async function scopeOf(client: string, code: string): Promise<unknown> {
  const body = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
  const response = await reach(`${issuer}/connect/token`, { method: 'POST', headers: basic(client, secret), body })
  const tokens = await response.json<{ scope: string; access_token: string }>()
  expect(claimsOf(tokens.access_token).scope).toBe(tokens.scope)
  return tokens.scope
}

describe('S02 consent is given on our own page, by POST', () => {
  it.each<[string, Record<string, string>]>([
    ['another site’s Origin', { origin: 'https://evil.test' }],
    ['the client’s Origin', { origin: 'https://rp.test' }],
    ['Origin: null', { origin: 'null' }],
    ['Sec-Fetch-Site: cross-site', { origin: issuer, 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
    ['neither header', {}],
  ])('%s: 403, and nothing is stored', async (_, headers) => {
    const client = await aClient()
    const page = await ask(ada, client)
    for (const [each, decision] of [
      [page, 'allow'],
      [await ask(ada, client, { prompt: 'select_account' }), 'continue'],
    ] as const) {
      const form = fillForm(each.html, { decision }, each.url)
      const response = await ada.fetch(form.action, { method: 'POST', body: form.body, headers })
      expect(response.status).toBe(403)
      expect(response.headers.has('location')).toBe(false)
    }
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('a GET is none, whatever it says', async () => {
    const client = await aClient()
    const page = await ask(ada, client)
    const form = fillForm(page.html, { decision: 'allow' }, page.url)
    const query = new URLSearchParams(form.body)
    query.set('approve', '1')
    expect(isConsent(await ada.open(`${issuer}/account/consent?${query}`))).toBe(true)
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('in another browser, even one of the same person, it is none', async () => {
    const client = await aClient()
    const page = await ask(ada, client)
    const other = browser()
    other.cookies.set('__Host-session', ada.cookies.get('__Host-session') ?? '')
    await other.open(authorizeUrl({ prompt: 'login' }))
    expect((await other.submit(page, { decision: 'allow' })).status).toBe(403)
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('without a session it leads to signing in', async () => {
    const client = await aClient()
    const page = await ask(ada, client)
    const signedOut = browser()
    signedOut.cookies.set('__Host-browser', ada.cookies.get('__Host-browser') ?? '')
    expect(isLogin(await signedOut.submit(page, { decision: 'allow' }))).toBe(true)
    expect(await isAllowed(ada, client)).toBe(false)
  })
})

describe('S05 an answer that is none', () => {
  it.each([undefined, '', 'yes', 'Allow', 'approve'])('decision %j shows the page again', async (decision) => {
    const client = await aClient()
    const page = await ask(ada, client)
    const { body, action } = fillForm(page.html, {}, page.url)
    if (decision !== undefined) body.set('decision', decision)
    expect(isConsent(await ada.open(action, { method: 'POST', body, headers: own }))).toBe(true)
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('a form that does not say what was shown shows the page again', async () => {
    const client = await aClient()
    const page = await ask(ada, client)
    for (const shown of ['', 'x']) {
      expect(isConsent(await ada.submit(page, { decision: 'allow', shown }))).toBe(true)
    }
    const body = new URLSearchParams({ interaction: interactionOf(page), decision: 'allow' })
    expect(isConsent(await ada.open(`${issuer}/account/consent`, { method: 'POST', body, headers: own }))).toBe(true)
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('an answer given twice gives one code', async () => {
    const page = await ask(ada, await aClient())
    expectCode(await ada.submit(page, { decision: 'allow' }))
    for (const decision of ['allow', 'deny']) {
      const again = await ada.submit(page, { decision })
      expect(again.headers.get('location') ?? '').not.toContain('code=')
    }
    expect((await ada.open(page.url)).status).toBe(403)
  })

  it('a sign-in without a client has nothing to consent to', async () => {
    const visitor = browser()
    const page = await visitor.open(`${issuer}/account`)
    expect(isLogin(page)).toBe(true)
    for (const path of ['consent', 'select']) {
      const url = `${issuer}/account/${path}`
      const body = new URLSearchParams({ interaction: interactionOf(page), decision: 'allow' })
      expect((await visitor.open(`${url}?interaction=${interactionOf(page)}`)).status).toBe(400)
      expect((await visitor.open(url, { method: 'POST', body, headers: own })).status).toBe(400)
    }
  })
})

describe('A07 what is allowed is what was asked for', () => {
  it('whatever the form says besides', async () => {
    const client = await aClient()
    const page = await ask(ada, client, { scope: 'openid email' })
    const { body, action } = fillForm(page.html, { decision: 'allow' }, page.url)
    const evil = { redirect_uri: 'https://evil.test/cb', scope: 'openid email phone', client_id: 'web', claims: '{}' }
    for (const [name, value] of Object.entries(evil)) body.set(name, value)
    const answer = await ada.open(`${action}?${new URLSearchParams(evil)}`, { method: 'POST', body, headers: own })
    expect(answer.headers.get('location')?.startsWith(`${redirectUri}?`)).toBe(true)
    expect(await scopeOf(client, expectCode(answer))).toBe('openid email')
    expect(await isAllowed(ada, client, { scope: 'openid email' })).toBe(true)
    expect(await isAllowed(ada, client, { scope: 'openid phone' })).toBe(false)
  })

  it('and what was shown: a scope that the client was given meanwhile is shown first', async () => {
    const client = await aClient({ scopes: ['email'] })
    const page = await ask(ada, client, { scope: 'openid email phone' })
    await operator('PUT', `clients/${client}`, { scopes: ['email', 'phone'] })
    const again = await ada.submit(page, { decision: 'allow' })
    expect(isConsent(again)).toBe(true)
    expect(await scopeOf(client, expectCode(await ada.submit(again, { decision: 'allow' })))).toBe('openid email phone')
  })

  it('a refusal is told to the client and remembered by nobody', async () => {
    const client = await aClient()
    const page = await ask(ada, client)
    expectBack(await ada.submit(page, { decision: 'deny' }), 'access_denied')
    expect(await isAllowed(ada, client)).toBe(false)
  })
})

describe('an answer is of the person whom the page was shown to', () => {
  it('consent of one is never another’s, who signed in in the next tab', async () => {
    const client = await aClient()
    const shared = browser()
    await signIn(shared, 'ada')
    const page = await ask(shared, client)
    expect(page.html).toContain('Ada Example')
    await signIn(shared, 'bob')
    const answer = await shared.submit(page, { decision: 'allow' })
    expect(isConsent(answer)).toBe(true)
    expect(answer.html).toContain('Bob Example')
    expect(answer.html).not.toContain('Ada Example')
    expect(await isAllowed(shared, client)).toBe(false)
    expectCode(await shared.submit(answer, { decision: 'allow' }))
    expect(await isAllowed(shared, client)).toBe(true)
    expect(await isAllowed(ada, client)).toBe(false)
  })

  it('“continue as Ada” never continues as Bob', async () => {
    const shared = browser()
    await signIn(shared, 'ada')
    const page = await ask(shared, 'web', { prompt: 'select_account' })
    expect(page.html).toContain('Ada Example')
    await signIn(shared, 'bob')
    // Who signed in since the request came has chosen: that is Bob, and the client learns of Bob by Bob’s own act.
    const late = await shared.submit(page, { decision: 'continue' })
    expect(late.headers.get('location') ?? '').toContain('code=')

    const next = await ask(shared, 'web', { prompt: 'select_account' })
    expect(next.html).toContain('Bob Example')
    const { body, action } = fillForm(next.html, { decision: 'continue' }, next.url)
    body.set('shown', fillForm(page.html, {}, page.url).body.get('shown') ?? '')
    expect(isChoice(await shared.open(action, { method: 'POST', body, headers: own }))).toBe(true)
  })

  it('an account choice without an answer is none', async () => {
    const page = await ask(ada, 'web', { prompt: 'select_account' })
    expect(isChoice(page)).toBe(true)
    for (const decision of [undefined, '', 'x']) {
      const { body, action } = fillForm(page.html, {}, page.url)
      if (decision !== undefined) body.set('decision', decision)
      expect(isChoice(await ada.open(action, { method: 'POST', body, headers: own }))).toBe(true)
    }
    const other = await ada.submit(page, { decision: 'other' })
    expect(isLogin(other)).toBe(true)
    expectCode(await ada.submit(page, { decision: 'continue' }))
  })
})

describe('S06 what is remembered', () => {
  it('is asked again for what is new, and only then; a new name of the client changes nothing', async () => {
    const client = await aClient()
    expectCode(await ada.submit(await ask(ada, client, { scope: 'openid email' }), { decision: 'allow' }))
    expectCode(await ask(ada, client, { scope: 'openid email' }))
    expectCode(await ask(ada, client, { scope: 'openid' }))

    await operator('PUT', `clients/${client}`, { client_name: '<img src=x onerror=1>' })
    expectCode(await ask(ada, client, { scope: 'openid email' }))
    const more = await ask(ada, client, { scope: 'openid email phone' })
    expect(isConsent(more)).toBe(true)
    expect(more.html.match(/class="badge"/g)).toHaveLength(1)
    expect(more.html).toContain('&lt;img src=x onerror=1>')
    expect(more.html).not.toContain('<img src=x')
    expectBack(await ada.submit(more, { decision: 'deny' }), 'access_denied')
    expect(await isAllowed(ada, client, { scope: 'openid phone' })).toBe(false)
    expect(await isAllowed(ada, client, { scope: 'openid email' })).toBe(true)
  })

  it('is of one client, and one person', async () => {
    const [client, another] = [await aClient(), await aClient()]
    expectCode(await ada.submit(await ask(ada, client), { decision: 'allow' }))
    expect(await isAllowed(ada, another)).toBe(false)
    const bob = browser()
    await signIn(bob, 'bob')
    expect(await isAllowed(bob, client)).toBe(false)
  })

  it('a single claim is asked for like a scope', async () => {
    const client = await aClient()
    expectCode(await ada.submit(await ask(ada, client), { decision: 'allow' }))
    const claims = '{"userinfo":{"phone_number":null}}'
    expect(await isAllowed(ada, client, { claims })).toBe(false)
    expectCode(await ada.submit(await ask(ada, client, { claims }), { decision: 'allow' }))
    expect(await isAllowed(ada, client, { claims })).toBe(true)
  })

  it('prompt=consent asks whatever is remembered, once', async () => {
    const client = await aClient({ require_consent: false })
    const page = await ask(ada, client, { prompt: 'consent' })
    expect(isConsent(page)).toBe(true)
    expect(isConsent(await ada.open(page.url))).toBe(true)
    expectCode(await ada.submit(page, { decision: 'allow' }))
    expect(isConsent(await ask(ada, client, { prompt: 'consent' }))).toBe(true)
  })
})
