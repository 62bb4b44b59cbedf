// What sessions by an external provider are worth after the provider, or the session, has changed: renewals, namesakes, logout tokens sent twice.
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readSession } from '../../../src/authentication/sessions.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { users } from '../../../src/storage/schema.ts'
import { findUsers, personOfRecord } from '../../../src/storage/users.ts'
import { aContext } from '../../context.ts'
import { aColdIsolate } from '../../counting.ts'
import { answerForUpstreams, anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { authorizeUrl, issuer, operator, password, redeem, secret, setUp, subjectOf, userinfo } from '../../provider.ts'
import { type Browser, basic, fillForm } from '../../user-agent.ts'
import { browser, expectCode, isLogin, reach } from '../../watched.ts'
import { saveProvider, signInAt } from './external.ts'

let corp: FakeUpstream

beforeAll(async () => {
  await setUp()
  corp = await anUpstream({ host: 'corp.test', now: () => Date.now() })
})
beforeEach(async () => {
  answerForUpstreams()
  corp.user = { sub: 'ada' }
  await saveProvider(corp, 'corp')
})

const isSignedIn = async (user: Browser) => !isLogin(await user.open(authorizeUrl()))

const logout = (token: string) =>
  reach(`${issuer}/external/backchannel-logout/corp`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  })

/** What this browser's cookie proves. */
async function proofOf(user: Browser) {
  const request = new Request(issuer, { headers: { cookie: `__Host-session=${user.cookies.get('__Host-session')}` } })
  const session = await readSession(aContext(), request)
  if (!session) throw new Error('no session')
  return session.proof
}

/** D1 that does not answer when it is asked for external identities. */
const withoutLinks = <T extends object>(db: T): T =>
  new Proxy(db, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...parameters: unknown[]) => {
        if (String(parameters[0]).includes('external_identities')) throw new Error('no D1 today')
        const result = value.apply(target, parameters)
        return name === 'withSession' ? withoutLinks(result) : result
      }
    },
  })

describe('a provider made anew under its id', () => {
  it('gets no session of its namesake by choosing that account', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    const chooser = await user.open(authorizeUrl({ prompt: 'select_account' }))
    const form = fillForm(chooser.html, { decision: 'continue' }, chooser.url)
    await operator('DELETE', 'identity-providers/corp')
    await saveProvider(corp, 'corp')
    const headers = { origin: issuer, 'sec-fetch-site': 'same-origin' }
    const page = await user.open(form.action, { method: 'POST', headers, body: form.body })
    expect(isLogin(page)).toBe(true)
    expect(await isSignedIn(user)).toBe(false)
  })
})

describe('a provider that is off', () => {
  it('has no account page', async () => {
    const user = browser()
    await signInAt(corp, user, 'corp')
    expect((await user.open(`${issuer}/account`)).html).toContain('Ada Example')
    await saveProvider(corp, 'corp', { enabled: false })
    const page = await user.open(`${issuer}/account`)
    expect(isLogin(page)).toBe(true)
    expect(page.html).not.toContain('Ada Example')
  })

  it('has no refresh token that introspection calls active', async () => {
    const tokens = await redeem(expectCode(await signInAt(corp, browser(), 'corp', { scope: 'openid offline_access' })))
    const isActive = async () => {
      const body = new URLSearchParams({ token: tokens.refresh_token })
      const answer = await reach(`${issuer}/connect/introspect`, {
        method: 'POST',
        headers: basic('web', secret),
        body,
      })
      return (await answer.json<{ active: boolean }>()).active
    }
    expect(await isActive()).toBe(true)
    await saveProvider(corp, 'corp', { enabled: false })
    expect(await isActive()).toBe(false)
  })
})

describe('somebody who never signed in, and is shut out at the very moment of the first sign-in', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['disabled', () => operator('PUT', 'users/zoe', { enabled: false })],
    ['deleted', () => operator('DELETE', 'users/zoe')],
  ])('%s: gets no session by a record that was read before', async (how, shutOut) => {
    await operator('PUT', 'users/zoe', { sub: `zoe-${how}`, enabled: true })
    const [record] = await findUsers(openDatabase(env.DB), eq(users.user_id, 'zoe'), 1)
    const subject = await subjectOf('zoe')
    await shutOut()
    if (!record) throw new Error('no zoe')
    const proof = { authenticated_at: Date.now(), acr: '1', amr: ['pwd'], idp: 'local' }
    const session = { id: 's', secret_hash: 'h', ...proof, idle_lifetime: 1e6, absolute_lifetime: 1e6, most: 5 }
    const answer = await subject.signIn(personOfRecord(record), session, undefined, undefined, Date.now(), true)
    expect(answer.outcome).toBe('disabled')
    await env.DB.prepare("DELETE FROM users WHERE user_id = 'zoe'").run()
  })
})

describe('back-channel logout', () => {
  it('ends a session that went on by password, and what it gave before', async () => {
    corp.user = { sub: 'ada', sid: 'u1', auth_time: undefined }
    const user = browser()
    const tokens = await redeem(expectCode(await signInAt(corp, user, 'corp')))
    const page = await user.open(authorizeUrl({ max_age: '0' }))
    expectCode(await user.submit(page, { username: 'ada', password }))
    expect((await logout(await corp.logoutToken({ sub: 'ada', sid: 'u1' }))).status).toBe(200)
    expect((await userinfo(tokens.access_token)).status).toBe(401)
    expect(await isSignedIn(user)).toBe(false)
  })

  it('ends a session that went on by another provider; signing out there goes to the last one', async () => {
    const partner = await anUpstream({ host: 'partner.test', user: { sub: 'p-1', employee: 'ada', sid: 'p' } })
    await saveProvider(partner, 'partner', { identifying_claim: 'employee' })
    corp.user = { sub: 'ada', sid: 'u2' }
    const user = browser()
    const tokens = await redeem(expectCode(await signInAt(corp, user, 'corp')))
    expectCode(await signInAt(partner, user, 'partner', { idp: 'partner' }))
    const subject = await subjectOf('ada')
    const proof = await proofOf(user)
    expect(await subject.findUpstream(proof, Date.now())).toMatchObject({ provider_id: 'partner' })
    expect((await logout(await corp.logoutToken({ sub: 'ada', sid: 'u2' }))).status).toBe(200)
    expect((await userinfo(tokens.access_token)).status).toBe(401)
    expect(await isSignedIn(user)).toBe(false)
    await operator('DELETE', 'identity-providers/partner')
  })

  it('ends nothing that came from another provider, or by another issuer', async () => {
    const partner = await anUpstream({ host: 'partner.test', user: { sub: 'p-1', employee: 'ada', sid: 'same' } })
    await saveProvider(partner, 'partner', { identifying_claim: 'employee' })
    corp.user = { sub: 'ada', sid: 'same' }
    const [here, there] = [browser(), browser()]
    expectCode(await signInAt(corp, here, 'corp'))
    expectCode(await signInAt(partner, there, 'partner'))
    const ada = await subjectOf('ada')
    const from = { provider_id: 'corp', issuer: 'https://another.test', sid: 'same' }
    expect(await ada.endUpstreamSessions(from, Date.now())).toBe(0)
    expect(await ada.endUpstreamSessions({ ...from, provider_id: 'partner', issuer: corp.issuer }, Date.now())).toBe(0)
    expect((await logout(await corp.logoutToken({ sub: 'ada', sid: 'same' }))).status).toBe(200)
    expect(await isSignedIn(here)).toBe(false)
    expect(await isSignedIn(there)).toBe(true)
    await operator('DELETE', 'identity-providers/partner')
  })

  it('from a provider that is off is refused', async () => {
    await saveProvider(corp, 'corp', { enabled: false })
    expect((await logout(await corp.logoutToken({ sub: 'ada' }))).status).toBe(400)
  })

  it('that found the directory down may be sent again', async () => {
    corp.user = { sub: 'ada', sid: 'u2' }
    const user = browser()
    await signInAt(corp, user, 'corp')
    const body = new URLSearchParams({ logout_token: await corp.logoutToken({ sub: 'ada', sid: 'u2' }) })
    const address = `${issuer}/external/backchannel-logout/corp`
    expect((await aColdIsolate({ DB: withoutLinks(env.DB) }).fetch(address, { method: 'POST', body })).status).toBe(503)
    expect((await reach(address, { method: 'POST', body })).status).toBe(200)
    expect(await isSignedIn(user)).toBe(false)
  })

  it('is accepted once, also when an hour ends in between', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const hour = 3_600_000
      const next = Math.ceil(Date.now() / hour + 1) * hour
      vi.setSystemTime(next - 30_000)
      const token = await corp.logoutToken({ sub: 'ada' })
      expect((await logout(token)).status).toBe(200)
      vi.setSystemTime(next + 30_000)
      expect((await logout(token)).status).toBe(400)
    } finally {
      vi.useRealTimers()
    }
  })
})
