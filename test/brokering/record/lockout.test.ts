// D12: without local accounts somebody must be able to sign in by a provider, and there is a way back that needs no sign-in.
import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { ask, start } from '../../admin/context.ts'
import { answerForUpstreams, anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await anUpstream()
})
beforeEach(async () => {
  answerForUpstreams()
  upstream.faults = {}
  await allow(true)
  for (const id of ['idp', 'second', 'github']) await ask(`DELETE identity-providers/${id}`)
})

const allow = (allow_local_accounts: boolean | null) => ask('PATCH settings', { allow_local_accounts })
const put = (id: string, change: Record<string, unknown> = {}) =>
  ask(`PUT identity-providers/${id}`, upstream.record(change))

async function expectRefusal() {
  const { status, body } = await allow(false)
  expect(status).toBe(400)
  expect(body.fields.allow_local_accounts).toMatch(
    /^needs an enabled external provider .*PATCH settings .*OPERATOR_TOKEN/,
  )
  expect((await ask('GET settings')).body.values.allow_local_accounts).toBe(true)
}

it('D12 local accounts stay on without a provider, with a disabled one, and with one that does not answer now', async () => {
  await expectRefusal()
  await put('idp', { enabled: false })
  await expectRefusal()
  await put('idp')
  upstream.faults.jwks = () => new Response('down', { status: 503 })
  await expectRefusal()
  upstream.faults = {}
  expect((await allow(false)).status).toBe(200)
})

it('D12 of kind oauth2, somebody has to have signed in by it, not by a namesake before it', async () => {
  await ask('PUT identity-providers/github', { preset: 'github', client_id: 'a', client_secret: 'b' })
  await expectRefusal()
  const attempt = (outcome: string, at = start) =>
    env.DB.prepare(
      `insert into login_attempts (at, provider_id, outcome, step, request_id, changes) values (${at}, 'github', '${outcome}', 'match', 'r', '[]')`,
    ).run()
  await attempt('refused')
  await expectRefusal()
  await attempt('signed_in', start - 1)
  await expectRefusal()
  await attempt('signed_in')
  expect((await allow(false)).status).toBe(200)
})

it('D12 the last provider that works can be neither disabled nor deleted while local accounts are off', async () => {
  await put('idp')
  await put('second', { metadata_endpoint: upstream.metadata_endpoint })
  await allow(false)
  expect((await put('second', { enabled: false })).status).toBe(200)
  const disabled = await ask('PUT identity-providers/idp', { enabled: false })
  expect([disabled.status, disabled.body.fields.enabled]).toEqual([
    400,
    expect.stringMatching(/^is the last one that works/),
  ])
  const deleted = await ask('DELETE identity-providers/idp')
  expect([deleted.status, deleted.body.title]).toEqual([
    409,
    expect.stringMatching(/the last one that works.*OPERATOR_TOKEN/),
  ])
  expect((await ask('GET identity-providers/idp')).body.enabled).toBe(true)
  // What changes nothing of that is as free as ever.
  expect((await ask('PUT identity-providers/idp', { name: 'Renamed' })).status).toBe(200)
  expect((await ask('DELETE identity-providers/second')).status).toBe(204)
})

it.each([true, null])(
  'D12 the way back: allow_local_accounts %j always works, though no provider does',
  async (value) => {
    await put('idp')
    await allow(false)
    upstream.faults.metadata = () => new Response('down', { status: 503 })
    expect((await allow(value)).status).toBe(200)
    expect((await ask('GET settings')).body.values.allow_local_accounts).toBe(true)
    expect((await ask('DELETE identity-providers/idp')).status).toBe(204)
  },
)
