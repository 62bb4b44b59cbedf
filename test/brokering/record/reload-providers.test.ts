// What providers say of themselves changes without us: read again by hand and by the cron, live at once, never lost while they are silent.
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { resealSecrets } from '../../../src/brokering/record/reseal-secrets.ts'
import { createSealer } from '../../../src/crypto/seal.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { runMaintenance } from '../../../src/worker/scheduled.ts'
import { rows } from '../../admin/context.ts'
import { aDeployment } from '../../context.ts'
import { aColdIsolate } from '../../counting.ts'
import { answerForUpstreams, anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { authorizeUrl, browser, issuer, operator, setUp } from '../../provider.ts'
import { aBrowser, type Browser } from '../../user-agent.ts'

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await anUpstream()
  await setUp()
  await operator('PUT', 'identity-providers/idp', upstream.record())
})
beforeEach(() => {
  answerForUpstreams()
  upstream.faults = {}
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const hour = 3_600_000
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds)
const provider = async () => (await operator('GET', 'identity-providers/idp')) as Record<string, unknown>
const reload = async () => (await operator('POST', 'identity-providers/idp/reload')) as Record<string, unknown>
const changes = async () => (await rows('select epoch from config_changes')).length

describe('reload by hand', () => {
  it('brings new claims and endpoints, and drops nothing that the operator added', async () => {
    await operator('PUT', 'identity-providers/idp', { claims: ['added_by_hand'] })
    const said = upstream.metadata.claims_supported as string[]
    upstream.metadata.claims_supported = [...said, 'department']
    upstream.metadata.token_endpoint = 'https://idp.test/token2'
    const read = await reload()
    expect(read.claims).toEqual(expect.arrayContaining(['added_by_hand', 'department', 'sub']))
    expect(read.metadata).toMatchObject({ token_endpoint: 'https://idp.test/token2' })
    upstream.metadata.claims_supported = said
    upstream.metadata.token_endpoint = 'https://idp.test/token'
    expect((await reload()).claims).toEqual(read.claims)
  })

  it('takes no more claims than an operator could list, however many new ones come each time', async () => {
    const said = upstream.metadata.claims_supported
    const before = await provider()
    for (const round of [1, 2, 3]) {
      upstream.metadata.claims_supported = Array.from({ length: 200 }, (_, index) => `claim-${round}-${index}`)
      await reload()
    }
    const after = await reload()
    expect(after.claims).toHaveLength(500)
    expect(after.claims).toEqual(expect.arrayContaining(before.claims as string[]))
    upstream.metadata.claims_supported = said
    await operator('PUT', 'identity-providers/idp', { claims: before.claims })
  })

  it('says why it failed and keeps what it knew', async () => {
    const before = await provider()
    upstream.faults.metadata = () => new Response('gone', { status: 500 })
    const after = await reload()
    expect(after.metadata_fault).toMatch(/status 500/)
    expect([after.metadata, after.claims, after.enabled]).toEqual([before.metadata, before.claims, true])
    upstream.faults = {}
    expect((await reload()).metadata_fault).toBeNull()
  })

  it('a change of the record is live here at once, and in another isolate within ten seconds', async () => {
    const other = aColdIsolate()
    const page = async (person: Browser) => (await person.open(authorizeUrl())).html
    await operator('PUT', 'identity-providers/idp', { sign_in_text: 'Use the old door' })
    expect(await page(aBrowser(issuer, other.fetch))).toContain('Use the old door')
    await operator('PUT', 'identity-providers/idp', { sign_in_text: 'Use the new door' })
    expect(await page(browser())).toContain('Use the new door')
    later(10_001)
    expect(await page(aBrowser(issuer, other.fetch))).toContain('Use the new door')
  })
})

describe('the cron', () => {
  it('reads metadata again that is six hours old, and tells nobody when nothing is new', async () => {
    await reload()
    const [before, requests] = [await changes(), upstream.requests.metadata]
    await runMaintenance(env, Date.now() + 5 * hour)
    expect(upstream.requests.metadata).toBe(requests)
    await runMaintenance(env, Date.now() + 6.1 * hour)
    expect(upstream.requests.metadata).toBe(requests + 1)
    expect(await changes()).toBeLessThanOrEqual(before)
    await runMaintenance(env, Date.now() + 6.2 * hour)
    expect(upstream.requests.metadata).toBe(requests + 1)
  })

  it('tells every isolate of new keys', async () => {
    await reload()
    await upstream.rotateKey()
    const now = Date.now() + 7 * hour
    await runMaintenance(env, now)
    const [row] = await rows<{ jwks: string }>("select jwks from identity_providers where provider_id = 'idp'")
    expect(JSON.parse(row?.jwks ?? '').keys[0].kid).toBe(upstream.keys[0]?.kid)
    const [change] = await rows(
      "select kind from config_changes where kind = 'identity-provider' and changed_at = ?",
      now,
    )
    expect(change).toBeDefined()
    const [event] = await rows<{ actor: string }>("select actor from audit_events where at = ? and target = 'idp'", now)
    expect(event?.actor).toBe('schedule')
  })

  it('keeps a fault, asks again twice an hour, and serves what it knew meanwhile', async () => {
    await reload()
    const { metadata } = await provider()
    upstream.faults.jwks = () => Promise.reject(new TypeError(`no route ${upstream.requests.jwks}`))
    const start = Math.ceil(Date.now() / hour) * hour + 12 * hour
    await runMaintenance(env, start)
    const faulty = await provider()
    expect(faulty.metadata_fault).toMatch(/no route/)
    expect([faulty.metadata, faulty.enabled]).toEqual([metadata, true])
    const asked = upstream.requests.jwks
    for (let at = 5; at < 60; at += 5) await runMaintenance(env, start + at * 60_000)
    expect(upstream.requests.jwks).toBe(asked + 1)
    expect((await provider()).metadata_fault).not.toBe(faulty.metadata_fault)
    const query = "select id from audit_events where actor = 'schedule' and target = 'idp' and at between ? and ?"
    const told = await rows(query, start, start + hour - 1)
    expect(told, 'that it is still down is no news').toHaveLength(1)
    upstream.faults = {}
    await runMaintenance(env, start + hour)
    expect((await provider()).metadata_fault).toBeNull()
  })

  it('asks at most five providers in one run, and none that is disabled', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'off'])
      await operator('PUT', `identity-providers/${id}`, upstream.record())
    await operator('PUT', 'identity-providers/off', { enabled: false })
    const requests = upstream.requests.metadata
    const now = Date.now() + 30 * hour + 6 * 60_000
    await runMaintenance(env, now)
    expect(upstream.requests.metadata).toBe(requests + 5)
    await runMaintenance(env, now)
    await runMaintenance(env, now)
    expect(upstream.requests.metadata).toBe(requests + 7)
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'off']) await operator('DELETE', `identity-providers/${id}`)
  })

  it('does not undo a change of the address that comes while it reads', async () => {
    const moved = await anUpstream({ host: 'moved.test' })
    upstream.faults.jwks = async () => {
      upstream.faults = {}
      await operator('PUT', 'identity-providers/idp', { metadata_endpoint: moved.metadata_endpoint })
      return Response.json({ keys: upstream.keys.map(({ jwk }) => jwk) })
    }
    await runMaintenance(env, Date.now() + 60 * hour)
    expect((await provider()).metadata).toMatchObject({ issuer: moved.issuer })
    await operator('PUT', 'identity-providers/idp', { metadata_endpoint: upstream.metadata_endpoint })
  })

  it('drops attempts that are older than the setting, a bounded number at a time', async () => {
    await env.DB.prepare(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < 10100)
       insert into login_attempts (at, provider_id, outcome, step, request_id, changes)
       select case when i <= 10050 then 1000 else 9e12 end, 'idp', 'refused', 'match', 'r', '[]' from n`,
    ).run()
    const count = async () => (await rows<{ n: number }>('select count(*) as n from login_attempts'))[0]?.n
    await runMaintenance(env, Date.now())
    expect(await count()).toBe(100)
    await runMaintenance(env, Date.now())
    expect(await count()).toBe(50)
  })
})

it('client secrets follow a rotated WRAP_KEY, so that the old one may go', async () => {
  const { issuer } = aDeployment()
  const keys = [
    { id: 2, bytes: new Uint8Array(32).fill(2) },
    { id: 1, bytes: new TextEncoder().encode('wrap-key-of-the-tests-0123456789') },
  ]
  const rotated = { ...issuer, keyWrapper: createSealer(keys, issuer.url) }
  const sealed = async () =>
    (await rows<{ s: string }>("select sealed_client_secret as s from identity_providers where provider_id = 'idp'"))[0]
      ?.s ?? ''
  const before = await sealed()
  await resealSecrets(openDatabase(env.DB), rotated, Date.now())
  const onlyNew = createSealer(keys.slice(0, 1), issuer.url)
  expect(await onlyNew.open('provider-secret', before)).toBeUndefined()
  expect(new TextDecoder().decode(await onlyNew.open('provider-secret', await sealed()))).toBe(upstream.client_secret)
})
