// What ends a session, and what else ends with it (SECURITY-CASES S10, S11, S12).
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  authorizeUrl,
  basic,
  issuer,
  operator,
  operatorToken,
  password,
  redirectUri,
  secret,
  setUp,
  type Tokens,
} from '../provider.ts'
import { type Browser, claimsOf } from '../user-agent.ts'
import { browser, expectBack, expectCode, isLogin, loggingEnv, reach, watched } from '../watched.ts'

beforeAll(setUp)
afterEach(() => {
  vi.useRealTimers()
})

interface Person {
  user: Browser
  tokens: Tokens
}

async function aPerson(username: string): Promise<Person> {
  await operator('PUT', `users/${username}`, { name: username, password })
  return { user: browser(), tokens: {} as Tokens }
}

/** Signs in, and gives the client tokens, one of them for offline use. */
async function signedIn(username: string, scope = 'openid offline_access'): Promise<Person> {
  const { user } = await aPerson(username)
  return { user, tokens: await tokensOf(user, username, scope) }
}

async function tokensOf(user: Browser, username: string, scope = 'openid offline_access'): Promise<Tokens> {
  const page = await user.open(authorizeUrl({ scope }))
  const code = expectCode(isLogin(page) ? await user.submit(page, { username, password }) : page)
  const response = await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
  expect(response.status).toBe(200)
  return response.json<Tokens>()
}

const token = (form: Record<string, string>, client = 'web') =>
  reach(`${issuer}/connect/token`, { method: 'POST', headers: basic(client, secret), body: new URLSearchParams(form) })

const isActive = async (token: string): Promise<unknown> => {
  const body = new URLSearchParams({ token })
  const init = { method: 'POST', headers: basic('web', secret), body }
  return (await (await reach(`${issuer}/connect/introspect`, init)).json<{ active: boolean }>()).active
}

const userinfo = ({ access_token }: Tokens) =>
  reach(`${issuer}/connect/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })

async function expectAnonymous(user: Browser): Promise<void> {
  expectBack(await user.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
  const page = await user.open(authorizeUrl())
  expect(isLogin(page)).toBe(true)
  const interaction = new URL(page.url).searchParams.get('interaction')
  for (const path of ['login', 'select', 'consent']) {
    expect(isLogin(await user.open(`${issuer}/account/${path}?interaction=${interaction}`)), path).toBe(true)
  }
  expect(isLogin(await user.open(`${issuer}/account`))).toBe(true)
  expect((await user.open(`${issuer}/`)).html).not.toMatch(/sign-out/)
}

async function expectDead(tokens: Tokens): Promise<void> {
  const refreshed = await token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  expect([refreshed.status, await refreshed.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  const answer = await userinfo(tokens)
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toContain('invalid_token')
  expect(await isActive(tokens.access_token)).toBe(false)
  expect(await isActive(tokens.refresh_token)).toBe(false)
}

describe('S10 a person who is disabled or deleted', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['disabled', () => operator('PUT', 'users/dora', { enabled: false })],
    ['deleted', () => operator('DELETE', 'users/dora')],
  ])('%s: is nobody at the next call, and an unredeemed code is worth nothing', async (_, end) => {
    const { user, tokens } = await signedIn('dora')
    const code = expectCode(await user.open(authorizeUrl()))
    expect((await userinfo(tokens)).status).toBe(200)
    await end()
    expectBack(await user.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
    await expectDead(tokens)
    const redeemed = await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    expect([redeemed.status, await redeemed.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    await expectAnonymous(user)
    const refused = await user.submit(await user.open(authorizeUrl()), { username: 'dora', password })
    expect([refused.status, user.cookies.size]).toEqual([400, user.cookies.size])
    await operator('PUT', 'users/dora', { enabled: true, sub: undefined }).catch(() => undefined)
    // What ended stays ended when the account comes back.
    await expectDead(tokens)
  })

  it('stays disabled though another operator’s change of the same person came between', async () => {
    await operator('PUT', 'groups/staff', { name: 'Staff' })
    const { user, tokens } = await signedIn('zoe')
    await operator('PUT', 'users/zoe', { groups: ['staff'] })
    let between: (() => Promise<unknown>) | undefined
    const DB = new Proxy(loggingEnv.DB, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (name !== 'withSession') return typeof value === 'function' ? value.bind(target) : value
        return (from: string) => {
          const session = target.withSession(from)
          const batch = session.batch.bind(session)
          const prepare = session.prepare.bind(session)
          const overtaken: typeof session.batch = async (statements) => {
            const first = between
            between = undefined
            await first?.()
            return batch(statements)
          }
          return { prepare, batch: overtaken, getBookmark: () => session.getBookmark() }
        }
      },
    })
    const other = watched({ ...loggingEnv, DB })
    const headers = { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' }
    await other(`${issuer}/admin/api/users/zoe`, { headers })
    const now = Date.now()
    vi.useFakeTimers({ toFake: ['Date'], now: now + 10_000 })
    between = async () => {
      // The other operator's request reached its isolate first.
      vi.setSystemTime(now + 5000)
      await operator('PUT', 'users/zoe', { enabled: false })
      vi.setSystemTime(now + 10_000)
    }
    const body = JSON.stringify({ groups: [] })
    const changed = await other(`${issuer}/admin/api/users/zoe`, { method: 'PUT', headers, body })
    expect(await changed.json()).toMatchObject({ enabled: false, groups: [] })
    expectBack(await user.fetch(authorizeUrl({ prompt: 'none' })), 'login_required')
    await expectDead(tokens)
  })

  it('takes the rights of the client it is linked to along, at once here', async () => {
    await operator('PUT', 'users/daemon', { name: 'Daemon', service_account: true })
    await operator('PUT', 'clients/m2m', { linked_user: 'daemon' })
    const ask = () => token({ grant_type: 'client_credentials' }, 'm2m')
    const { access_token } = await (await ask()).json<Tokens>()
    expect(claimsOf(access_token).sub).toBe('daemon')
    await operator('PUT', 'users/daemon', { enabled: false })
    const refused = await ask()
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: 'unauthorized_client' })
    expect(await isActive(access_token)).toBe(false)
  })
})

describe('S11 a new password', () => {
  it('ends every session and every family, on every device', async () => {
    const { user, tokens } = await signedIn('eve')
    const elsewhere = browser()
    const others = await tokensOf(elsewhere, 'eve')
    await operator('POST', 'users/eve/password', { password: 'another password entirely' })
    await expectDead(tokens)
    await expectDead(others)
    await expectAnonymous(user)
    await expectAnonymous(elsewhere)
  })

  it('ends what a clock that runs ahead has stamped, too', async () => {
    const { user } = await aPerson('kim')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 300_000 })
    const tokens = await tokensOf(user, 'kim')
    const code = expectCode(await user.open(authorizeUrl()))
    vi.useRealTimers()
    await operator('POST', 'users/kim/sign-out')
    await expectDead(tokens)
    await expectAnonymous(user)
    const redeemed = await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    expect(redeemed.status).toBe(400)
  })

  it('and so does signing somebody out everywhere', async () => {
    const { user, tokens } = await signedIn('fay')
    await operator('POST', 'users/fay/sign-out')
    await expectDead(tokens)
    await expectAnonymous(user)
    // It ends what was, not what comes.
    const again = await tokensOf(user, 'fay')
    expect((await userinfo(again)).status).toBe(200)
  })
})

describe('S12 time', () => {
  const hour = 3_600_000
  const day = 24 * hour
  const clock = Date.now()
  const at = (later: number) => vi.useFakeTimers({ toFake: ['Date'], now: clock + later })
  const isAlive = async (user: Browser) => {
    const location = (await user.fetch(authorizeUrl({ prompt: 'none' }))).headers.get('location') ?? ''
    return location.includes('code=')
  }

  it('an idle session is over after eight hours, one that is used is not, until thirty days', async () => {
    const idle = (await signedIn('gus', 'openid')).user
    const used = browser()
    await tokensOf(used, 'gus', 'openid')
    at(7.9 * hour)
    expect(await isAlive(used)).toBe(true)
    at(8.1 * hour)
    await expectAnonymous(idle)
    expect(await isAlive(used)).toBe(true)
    for (let later = 15 * hour; later < 30 * day; later += 7 * hour) {
      at(later)
      expect(await isAlive(used), `${later / hour} h`).toBe(true)
    }
    at(30 * day + hour)
    await expectAnonymous(used)
  })

  it('a remembered one is idle for fourteen days, and no longer than thirty in all', async () => {
    await operator('PUT', 'users/hal', { name: 'hal', password })
    const user = browser()
    expectCode(await user.submit(await user.open(authorizeUrl()), { username: 'hal', password, remember: 'on' }))
    at(13.9 * day)
    expect(await isAlive(user)).toBe(true)
    at(27 * day)
    expect(await isAlive(user)).toBe(true)
    at(30 * day + hour)
    await expectAnonymous(user)
  })

  it('a page of a dead session signs nobody in: its form leads to the login page', async () => {
    await operator('PUT', 'users/ida', { name: 'ida', password })
    const user = browser()
    await tokensOf(user, 'ida', 'openid')
    await operator('PATCH', 'settings', { interaction_lifetime: 24 * 3600 })
    const page = await user.open(authorizeUrl({ prompt: 'consent' }))
    const choice = await user.open(authorizeUrl({ prompt: 'select_account' }))
    at(9 * hour)
    expect(isLogin(await user.submit(page, { decision: 'allow' }))).toBe(true)
    expect(isLogin(await user.submit(choice, { decision: 'continue' }))).toBe(true)
    await operator('PATCH', 'settings', { interaction_lifetime: null })
  })
})
