// What operators can look up of sign-ins by external providers, try out before, and undo.
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LoginAttempt } from '../../../src/model/login-attempt.ts'
import { openDatabase, runBatch } from '../../../src/storage/database.ts'
import { insertLoginAttempt } from '../../../src/storage/login-attempts.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { ask, newChanges, rows } from '../context.ts'

const claims = { iss: 'https://idp.test', sub: 'bob-upstream', name: 'Bob', email: 'bob@example.test', groups: ['x'] }
const noon = Date.UTC(2026, 10, 21, 12)

function anAttempt(minutes: number, change: Partial<LoginAttempt> = {}): LoginAttempt {
  return {
    at: noon + minutes * 60_000,
    provider_id: 'idp',
    outcome: 'signed_in',
    step: 'session',
    check_name: null,
    cause: null,
    fix: null,
    user_id: 'ada',
    issuer: claims.iss,
    subject: claims.sub,
    sid: null,
    request_id: `r${minutes}`,
    changes: [{ field: 'name', action: 'updated', before: 'A', after: 'B' }],
    claims,
    ...change,
  }
}

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await anUpstream()
  await ask('PUT users/ada', { name: 'Ada' })
  await ask('PUT identity-providers/idp', upstream.record(), { now: noon })
  await ask('PUT identity-providers/silent', upstream.record(), { now: noon })
  const db = openDatabase(env.DB)
  const attempts = [
    anAttempt(0),
    anAttempt(1, { user_id: 'bob' }),
    anAttempt(2, { provider_id: 'other' }),
    anAttempt(3, { outcome: 'refused', step: 'match', check_name: 'no_account', cause: 'Nobody.', fix: 'Create.' }),
    anAttempt(4, { outcome: 'failed', step: 'token', claims: null, user_id: null }),
  ]
  await runBatch(
    db,
    attempts.map((attempt) => insertLoginAttempt(db, attempt)),
  )
})

const listed = async (query: string) => {
  const { status, body } = await ask(`GET login-attempts?${query}`)
  expect(status).toBe(200)
  return body.items.map((each: { request_id: string }) => each.request_id)
}

describe('login attempts', () => {
  it('are listed newest first and page by page, without what the provider said of the person', async () => {
    const first = (await ask('GET login-attempts?limit=2')).body
    expect(first.items[0]).toEqual({
      id: 5,
      at: '2026-11-21T12:04:00.000Z',
      provider_id: 'idp',
      outcome: 'failed',
      step: 'token',
      check_name: null,
      cause: null,
      fix: null,
      user_id: null,
      issuer: claims.iss,
      subject: claims.sub,
      sid: null,
      request_id: 'r4',
      changes: [{ field: 'name', action: 'updated', before: 'A', after: 'B' }],
    })
    const second = (await ask(`GET login-attempts?limit=2&after=${first.next}`)).body
    expect(second.items.map((each: { id: number }) => each.id)).toEqual([3, 2])
    expect(JSON.stringify([first, second])).not.toContain(claims.email)
  })

  it.each([
    ['', ['r4', 'r3', 'r2', 'r1', 'r0']],
    ['provider_id=other', ['r2']],
    ['user_id=ada', ['r3', 'r2', 'r0']],
    ['outcome=refused', ['r3']],
    ['request_id=r1', ['r1']],
    ['from=2026-11-21T12:03:00Z', ['r4', 'r3']],
    ['to=2026-11-21T13:01:00%2B01:00', ['r0']],
    ['provider_id=idp&user_id=ada&outcome=signed_in&from=2026-11-21T00:00:00Z&limit=5', ['r0']],
    ["user_id=' or 1=1 --", []],
  ])('filter %s', async (query, expected) => {
    expect(await listed(query)).toEqual(expected)
  })

  it.each([
    ['outcome=maybe', 'outcome'],
    ['from=yesterday', 'from'],
    ['user=ada', 'user'],
    ['after=x', 'after'],
    ['limit=0', 'limit'],
  ])('%s is refused by name: a filter that is not understood would show too much', async (query, field) => {
    const { status, body } = await ask(`GET login-attempts?${query}`)
    expect([status, Object.keys(body.fields)]).toEqual([400, [field]])
  })

  it('one has its claims', async () => {
    expect((await ask('GET login-attempts/1')).body).toMatchObject({ id: 1, request_id: 'r0', claims })
    expect((await ask('GET login-attempts/99')).status).toBe(404)
    expect((await ask('GET login-attempts/x')).status).toBe(400)
  })
})

describe('a dry run', () => {
  const run = (id: string, body: unknown) => ask(`POST identity-providers/${id}/dry-run`, body)

  it('shows what the last claims would do now, and writes nothing', async () => {
    await ask('PUT identity-providers/idp', {
      provisioning_enabled: true,
      user_template: { name: { claim: 'name' }, email: { claim: 'email' } },
    })
    await newChanges()
    const audited = (await rows('select 1 from audit_events')).length
    const { status, body } = await run('idp', {})
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'creates', user_id: claims.sub, cause: null, fix: null })
    expect(body.changes).toContainEqual(expect.objectContaining({ field: 'name', action: 'created', after: 'Bob' }))
    expect((await ask(`GET users/${claims.sub}`)).status).toBe(404)
    expect(await rows('select 1 from audit_events')).toHaveLength(audited)
    expect(await newChanges()).toEqual([])
  })

  it('shows what pasted claims would do', async () => {
    const ada = { sub: 'ada', name: 'Ada Lovelace' }
    expect((await run('idp', { claims: ada })).body).toMatchObject({ outcome: 'signs_in', user_id: 'ada' })
    await ask('PUT identity-providers/idp', { provisioning_enabled: false })
    const { body } = await run('idp', { claims: { sub: 'nobody' } })
    expect(body).toMatchObject({
      outcome: 'refuses',
      cause: expect.stringContaining('nobody'),
      fix: expect.any(String),
    })
  })

  it('says what is missing', async () => {
    expect((await run('silent', {})).body.title).toMatch(/No sign-in by this provider/)
    expect((await run('idp', { claims: {} })).body.fields.subject).toMatch(/no sub/)
    expect((await run('none', {})).status).toBe(404)
  })
})

describe('linked accounts', () => {
  beforeAll(async () => {
    for (const [user, subject] of [
      ['ada', 'ada-upstream'],
      ['zoe', 'zoe-upstream'],
    ]) {
      await ask(`PUT users/${user}`, {})
      await env.DB.prepare(
        'insert into external_identities (provider_id, issuer, subject, user_id, created_at) values (?, ?, ?, ?, ?)',
      )
        .bind('idp', 'https://idp.test', subject, user, noon)
        .run()
    }
  })

  it('are listed by user and by provider, and unlinked', async () => {
    const identity = {
      user_id: 'ada',
      provider_id: 'idp',
      issuer: 'https://idp.test',
      subject: 'ada-upstream',
      created_at: '2026-11-21T12:00:00.000Z',
    }
    expect((await ask('GET users/ada/external-identities')).body).toEqual({ items: [identity] })
    const first = (await ask('GET identity-providers/idp/external-identities?limit=1')).body
    expect(first).toEqual({ items: [identity], next: 'ada' })
    expect((await ask('DELETE users/ada/external-identities/idp')).status).toBe(204)
    expect((await ask('DELETE users/ada/external-identities/idp')).status).toBe(404)
    expect((await ask('GET users/ada/external-identities')).body).toEqual({ items: [] })
    expect((await ask('GET users/nobody/external-identities')).status).toBe(404)
    const [event] = await rows<{ detail: string }>(
      "select detail from audit_events where action = 'external-identity.delete'",
    )
    expect(JSON.parse(event?.detail ?? '')).toMatchObject({ provider_id: 'idp', subject: 'ada-upstream' })
  })

  it('are made by an operator, one for a user and provider', async () => {
    const path = 'users/ada/external-identities/idp'
    const account = { issuer: 'https://idp.test', subject: 'ada-by-hand' }
    expect(await ask(`PUT ${path}`, account)).toMatchObject({ status: 201, body: { user_id: 'ada', ...account } })
    expect((await ask(`PUT ${path}`, account)).status).toBe(200)
    expect((await ask(`PUT ${path}`, { ...account, subject: 'somebody-else' })).status).toBe(409)
    expect((await ask('PUT users/zoe/external-identities/idp', account)).status).toBe(409)
    expect((await ask('PUT users/ada/external-identities/nobody', account)).status).toBe(404)
    await ask('PUT users/machine', { service_account: true })
    expect((await ask('PUT users/machine/external-identities/idp', account)).status).toBe(400)
    expect((await ask(`DELETE ${path}`)).status).toBe(204)
  })

  it('outlive the provider, as do the users and the log of their sign-ins, until each is unlinked', async () => {
    await ask('DELETE identity-providers/idp')
    expect((await ask('GET users/zoe')).status).toBe(200)
    expect(await listed('provider_id=idp')).toHaveLength(4)
    const linked = async () => (await ask('GET identity-providers/idp/external-identities')).body.items
    expect(await linked()).toHaveLength(1)
    expect((await ask('DELETE users/zoe/external-identities/idp')).status).toBe(204)
    expect(await linked()).toEqual([])
  })
})
