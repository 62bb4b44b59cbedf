// DESIGN principle 5: a change made in one isolate ends a client's rights in every other within ten seconds, and costs them one read.
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { aColdIsolate } from '../counting.ts'
import { basic, browser, codeFor, issuer, operator, redeem, secret, setUp } from '../provider.ts'

beforeAll(setUp)
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await operator('PUT', 'clients/m2m', { enabled: true })
})

const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

function anIsolate(replaced: Partial<Env> = {}) {
  const isolate = aColdIsolate(replaced, { dropsBackgroundWork: 'DB' in replaced })
  const form = () => new URLSearchParams({ grant_type: 'client_credentials' })
  const token = () =>
    isolate.fetch(`${issuer}/connect/token`, { method: 'POST', headers: basic('m2m', secret), body: form() })
  return { ...isolate, token }
}

describe('another isolate', () => {
  it('refuses a client at the latest ten seconds after it was disabled', async () => {
    const other = anIsolate()
    expect((await other.token()).status).toBe(200)
    await operator('PUT', 'clients/m2m', { enabled: false })
    expect((await other.token()).status, 'it cannot know yet').toBe(200)
    later(10.001)
    expect((await other.token()).status).toBe(401)
  })

  it('learns behind an answer after five seconds, so that no request waits', async () => {
    const other = anIsolate()
    await other.token()
    await operator('PUT', 'clients/m2m', { enabled: false })
    later(5.5)
    expect((await other.token()).status).toBe(200)
    expect((await other.token()).status).toBe(401)
  })

  it('does not wait for that read: a database that hangs holds nobody up until ten seconds have passed', async () => {
    const state = { hangs: false }
    const never = () => new Promise<never>(() => undefined)
    const statement = { bind: () => statement, all: never, first: never }
    const silent = { prepare: () => statement, batch: never }
    const database = {
      withSession: (from: string) => (state.hangs ? silent : env.DB.withSession(from)),
    } as unknown as D1Database
    const other = anIsolate({ DB: database })
    await other.token()
    state.hangs = true
    later(9)
    expect((await other.token()).status).toBe(200)
  })

  it('waits for one read, and no more, when it knew nothing for over ten seconds', async () => {
    const other = anIsolate()
    await other.token()
    later(60)
    await other.token()
    expect(other.hops).toEqual(['D1'])
    await other.token()
    expect(other.hops).toEqual([])
  })

  it('ends the tokens of a client that was disabled, within ten seconds', async () => {
    const other = aColdIsolate()
    const { access_token } = await redeem(await codeFor(browser()))
    const userinfo = () =>
      other.fetch(`${issuer}/connect/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })
    expect((await userinfo()).status).toBe(200)
    await operator('PUT', 'clients/web', { enabled: false })
    later(10.001)
    expect((await userinfo()).status).toBe(401)
    await operator('PUT', 'clients/web', { enabled: true })
  })

  it('learns of new scopes and settings in the same way', async () => {
    const other = aColdIsolate()
    const discovery = async () =>
      (await other.fetch(`${issuer}/.well-known/openid-configuration`)).json<{ scopes_supported: string[] }>()
    expect((await discovery()).scopes_supported).not.toContain('invoices')
    await operator('PUT', 'scopes/invoices', {})
    later(10.001)
    expect((await discovery()).scopes_supported).toContain('invoices')
  })
})

it('asks for an unknown client once in five seconds, whoever guesses', async () => {
  const isolate = aColdIsolate()
  const ask = () => isolate.fetch(`${issuer}/connect/authorize?client_id=nobody`)
  await ask()
  for (let count = 0; count < 5; count += 1) {
    await ask()
    expect(isolate.hops).toEqual([])
  }
  await operator('PUT', 'clients/nobody', {
    client_name: 'Somebody now',
    grant_types: ['authorization_code'],
    redirect_uris: ['https://nobody.test/cb'],
    token_endpoint_auth_method: 'none',
  })
  later(6)
  const known = await isolate.fetch(
    `${issuer}/connect/authorize?client_id=nobody&redirect_uri=https://nobody.test/cb&response_type=code`,
  )
  expect(known.headers.get('location')).toMatch(/^https:\/\/nobody\.test\/cb/)
})

it('never reads from a replica behind what it has read: each read hands on the bookmark of the one before', async () => {
  const asked: string[] = []
  const database = {
    withSession(from: string) {
      asked.push(from)
      return env.DB.withSession(from)
    },
  } as unknown as D1Database
  const isolate = anIsolate({ DB: database })
  await isolate.token()
  later(11)
  await isolate.token()
  expect(asked[0]).toBe('first-unconstrained')
  expect(asked[1]).toMatch(/^[\da-f-]{20,}$/)
})
