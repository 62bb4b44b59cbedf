// What happens when a part does not answer, answers late, restarts, or answers what it should not (SECURITY-CASES F and X).
import { evictAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dropSurplus } from '../../src/grants/subject/grants.ts'
import { runMaintenance } from '../../src/worker/scheduled.ts'
import { aColdIsolate } from '../counting.ts'
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
  refresh,
  secret,
  setUp,
  subjectOf,
  tokenRequest,
  tokensOf,
} from '../provider.ts'
import { aBrowser, fillForm, redirectOf } from '../user-agent.ts'

const user = browser()
beforeAll(async () => {
  await setUp()
  await codeFor(user)
})
afterEach(() => {
  vi.useRealTimers()
})

const subject = () => subjectOf('ada')

/** A binding whose every call is answered by `fault`. */
const failing = (fault: () => Promise<never>): never =>
  new Proxy(
    {},
    { get: (_, name) => (name === 'idFromName' ? () => 'id' : name === 'get' ? () => failing(fault) : fault) },
  ) as never

const failingDatabase = (fault: () => Promise<never>): D1Database => {
  const statement = { bind: () => statement, first: fault, all: fault, run: fault, raw: fault }
  const session = { prepare: () => statement, batch: fault }
  return { ...session, withSession: () => session } as unknown as D1Database
}

const down = async (): Promise<never> => {
  throw new Error('D1_ERROR: Network connection lost')
}
const asWeb = (form: Record<string, string>): RequestInit => ({
  method: 'POST',
  headers: basic('web', secret),
  body: new URLSearchParams(form),
})

async function expectUnavailable(response: Response): Promise<void> {
  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
}

describe('F01 D1', () => {
  it('being down gives 503 with Retry-After on a cold isolate, and nothing is issued', async () => {
    const cold = aColdIsolate({ DB: failingDatabase(down) })
    for (const path of ['/.well-known/openid-configuration', '/.well-known/openid-configuration/jwks', '/health']) {
      await expectUnavailable(await cold.fetch(issuer + path))
    }
    await expectUnavailable(
      await cold.fetch(`${issuer}/connect/token`, asWeb({ grant_type: 'authorization_code', code: 'x' })),
    )
  })

  it('being down on a warm isolate leaves codes, refreshes and client_credentials working for five minutes, and /health says so', async () => {
    const state = { isDown: false }
    const database = flaky(env.DB, () => state.isDown)
    const isolate = aColdIsolate({ DB: database })
    const token = (form: Record<string, string>) => isolate.fetch(`${issuer}/connect/token`, asWeb(form))
    const tokens = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    const first = await tokensOf(await token({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }))

    state.isDown = true
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
    const second = await tokensOf(await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token }))
    const health = await isolate.fetch(`${issuer}/health`)
    expect(await health.json()).toMatchObject({ status: 'degraded' })

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 300_000 })
    await expectUnavailable(await token({ grant_type: 'refresh_token', refresh_token: second.refresh_token }))
    state.isDown = false
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })
    await tokensOf(await token({ grant_type: 'refresh_token', refresh_token: second.refresh_token }))
  })

  it('hanging gives 503 within five seconds', { timeout: 10_000 }, async () => {
    const cold = aColdIsolate({ DB: failingDatabase(() => new Promise(() => undefined)) })
    const start = Date.now()
    await expectUnavailable(await cold.fetch(`${issuer}/connect/token`, asWeb({ grant_type: 'client_credentials' })))
    expect(Date.now() - start).toBeLessThan(5000)
  })

  it('a stale replica cannot revive what was revoked: the person’s record in the Subject has the higher version', async () => {
    const tokens = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    const stale = await env.DB.prepare("SELECT * FROM users WHERE user_id = 'ada'").first<Record<string, unknown>>()
    await operator('POST', 'users/ada/sign-out')
    // The replica answers the sign-in with the row of before.
    const columns = Object.keys(stale ?? {})
    const update = columns.map((column) => `${column} = ?`).join(', ')
    await env.DB.prepare(`UPDATE users SET ${update} WHERE user_id = 'ada'`)
      .bind(...Object.values(stale ?? {}))
      .run()
    await codeFor(user)
    expect((await refresh(tokens.refresh_token)).status).toBe(400)
  })
})

/** A database that can be switched off. */
function flaky(db: D1Database, isDown: () => boolean): D1Database {
  const switched = (): D1Database | D1DatabaseSession => (isDown() ? failingDatabase(down) : db)
  return {
    prepare: (query: string) => switched().prepare(query),
    batch: (statements: D1PreparedStatement[]) => switched().batch(statements),
    withSession: (from: string) => (isDown() ? failingDatabase(down).withSession() : db.withSession(from)),
  } as unknown as D1Database
}

describe('F03 an object', () => {
  it('that is overloaded or broken gives 503 and is called once', async () => {
    let calls = 0
    const overloaded = async (): Promise<never> => {
      calls += 1
      throw Object.assign(new Error('Durable Object is overloaded. Too many requests queued.'), { overloaded: true })
    }
    const isolate = aColdIsolate({ SUBJECT: failing(overloaded) })
    const code = await codeFor(user)
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    await expectUnavailable(await isolate.fetch(`${issuer}/connect/token`, asWeb(form)))
    expect(calls).toBe(1)
    expect((await tokenRequest(form)).status, 'the code was not burnt').toBe(200)
  })

  it('that fails at authorize shows a page with 503 and keeps the browser here', async () => {
    const isolate = aColdIsolate({ SUBJECT: failing(down) })
    const other = aBrowser(issuer, isolate.fetch)
    for (const [name, value] of user.cookies) other.cookies.set(name, value)
    const response = await other.fetch(authorizeUrl())
    expect(response.status).toBe(503)
    expect(response.headers.get('location')).toBeNull()
    expect(response.headers.get('retry-after')).toBeTruthy()
  })
})

describe('F02 eviction', () => {
  it('of every object between authorize and token, and between refreshes, loses nothing and spends nothing twice', async () => {
    const code = await codeFor(user, { scope: 'openid offline_access' })
    await evictAllDurableObjects()
    const tokens = await redeem(code)
    await evictDurableObject(await subject())
    const next = await tokensOf(await refresh(tokens.refresh_token))
    await evictAllDurableObjects()
    const again = await tokensOf(await refresh(tokens.refresh_token))
    expect(again.refresh_token).toBe(next.refresh_token)
    expect((await tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })).status).toBe(400)
  })

  it('of the Subject keeps the session', async () => {
    await evictDurableObject(await subject())
    expect(redirectOf(await user.open(authorizeUrl({ prompt: 'none' }))).searchParams.get('code')).toBeTruthy()
  })
})

describe('F04 clocks', () => {
  it('that step backwards accept nothing early and let no code be used twice', async () => {
    const code = await codeFor(user)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 300_000 })
    expect((await tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })).status).toBe(200)
    expect((await tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })).status).toBe(400)
  })

  it('beyond 2038 work', async () => {
    const late = browser()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2040, 0, 1) })
    await operator('POST', 'reload')
    const tokens = await redeem(await codeFor(late))
    expect(tokens.expires_in).toBe(3600)
    const userinfo = await aColdIsolate().fetch(`${issuer}/connect/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(userinfo.status).toBe(200)
  })
})

it('F06 loses no security state when every waitUntil task is dropped', async () => {
  const isolate = aColdIsolate({}, { dropsBackgroundWork: true })
  const person = aBrowser(issuer, isolate.fetch)
  const page = await person.open(authorizeUrl({ scope: 'openid offline_access' }))
  const form = fillForm(page.html, { username: 'ada', password }, page.url)
  const headers = { origin: issuer, 'sec-fetch-site': 'same-origin' }
  const signedIn = await person.fetch(form.action, { method: 'POST', headers, body: form.body })
  const code = new URL(signedIn.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const token = (more: Record<string, string>) => isolate.fetch(`${issuer}/connect/token`, asWeb(more))
  const tokens = await tokensOf(await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri }))
  const revoked = await isolate.fetch(`${issuer}/connect/revocation`, asWeb({ token: tokens.refresh_token }))
  expect(revoked.status).toBe(200)
  expect((await token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })).status).toBe(400)
  expect((await refresh(tokens.refresh_token)).status).toBe(400)
  for (let guess = 0; guess < 10; guess += 1) {
    const again = await person.open(authorizeUrl({ prompt: 'login' }))
    person.cookies.delete('__Host-device')
    await person.submit(again, { username: 'locked', password: 'wrong' })
  }
  const last = await person.submit(await person.open(authorizeUrl({ prompt: 'login' })), {
    username: 'locked',
    password: 'wrong',
  })
  expect(last.status).toBe(429)
})

describe('X03 a restore of D1', () => {
  it('revives no spent code and no rotated token: single use is decided in the object', async () => {
    const code = await codeFor(user, { scope: 'openid offline_access' })
    const before = await env.DB.prepare('SELECT version, not_before FROM users').all()
    const tokens = await redeem(code)
    const next = await tokensOf(await refresh(tokens.refresh_token))
    await tokensOf(await refresh(next.refresh_token))
    // An hour back, D1 knew the person and the client, and nothing of these tokens: it never does.
    expect((await env.DB.prepare('SELECT version, not_before FROM users').all()).results).toEqual(before.results)
    expect((await tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })).status).toBe(400)
    expect((await refresh(tokens.refresh_token)).status).toBe(400)
  })
})

describe('X04 growth', () => {
  it('an alarm removes what has expired, within a day, and keeps the rest', async () => {
    const stub = await subject()
    for (let count = 0; count < 5; count += 1) await codeFor(user)
    const counted = () =>
      runInDurableObject(
        stub,
        (_, state) => state.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM grants').one().n,
      )
    expect(await counted()).toBeGreaterThanOrEqual(5)
    // Later than everything that the tests above made in 2040.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2042, 0, 1) })
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await counted()).toBe(0)
    const sessions = await runInDurableObject(
      stub,
      (_, state) => state.storage.sql.exec('SELECT 1 FROM sessions').toArray().length,
    )
    expect(sessions).toBe(0)
  })

  it('a person has a hundred sessions at most, the least recently used is dropped', async () => {
    const stub = await subject()
    await runInDurableObject(stub, (instance, state) => {
      const person = JSON.parse(state.storage.sql.exec<{ record: string }>('SELECT record FROM person').one().record)
      for (let count = 0; count < 130; count += 1) {
        const session = {
          id: `s${count}`,
          secret_hash: 'h',
          authenticated_at: Date.now(),
          acr: '1',
          amr: ['pwd'],
          idp: 'local',
        }
        instance.signIn(
          person,
          { ...session, idle_lifetime: 1e9, absolute_lifetime: 1e9, most: 100 },
          undefined,
          undefined,
          Date.now() + count,
        )
      }
      const rows = state.storage.sql.exec<{ id: string }>('SELECT id FROM sessions').toArray()
      expect(rows).toHaveLength(100)
      expect(rows.some((row) => row.id === 's129')).toBe(true)
      expect(rows.some((row) => row.id === 's29')).toBe(false)
    })
  })

  it('a person keeps 2,000 grants without a refresh family at most: the oldest are dropped, families are kept', async () => {
    const family = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    const rows = await runInDurableObject(await subject(), (_, state) => {
      for (let count = 0; count < 2300; count += 1) {
        state.storage.sql.exec(
          `INSERT INTO grants (id, client_id, session_id, created_at, expires_at, record, code_hash, code_expires_at)
           VALUES (?, 'web', 's', ?, ?, '{}', 'h', 0)`,
          `surplus-${count}`,
          count,
          Date.now() + 1e9,
        )
      }
      dropSurplus(state.storage.sql, 2000)
      return state.storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM grants WHERE refresh_hash IS NULL').one()
        .n
    })
    expect(rows).toBe(2000)
    await tokensOf(await refresh(family.refresh_token))
  })

  it('anonymous callers leave nothing behind: a hundred abandoned flows write no row and create no object', async () => {
    const { listDurableObjectIds } = await import('cloudflare:test')
    const before = (await listDurableObjectIds(env.SUBJECT)).length
    const rows = () =>
      env.DB.prepare('SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM audit_events) AS n').first<{
        n: number
      }>()
    const rowsBefore = await rows()
    for (let count = 0; count < 100; count += 1) await browser().open(authorizeUrl())
    expect((await listDurableObjectIds(env.SUBJECT)).length).toBe(before)
    expect(await rows()).toEqual(rowsBefore)
  })
})

it('the cron drops changes of configuration after a week, never the newest, and lets the ring catch up', async () => {
  const epochs = async () =>
    (await env.DB.prepare('SELECT epoch FROM config_changes ORDER BY epoch').all<{ epoch: number }>()).results
  const before = await epochs()
  await runMaintenance(env, Date.now())
  expect(await epochs()).toEqual(before)
  await runMaintenance(env, Date.now() + 8 * 86_400_000)
  expect(await epochs()).toEqual(before.slice(-1))
})
