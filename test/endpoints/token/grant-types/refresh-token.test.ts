// grant_type=refresh_token: rotation, the grace window, reuse, and every way a family ends.
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  basic,
  browser,
  codeFor,
  operator,
  password,
  pkce,
  redeem,
  refresh,
  secret,
  setUp,
  subjectOf,
  type Tokens,
  tokenRequest,
  tokensOf,
  userinfo,
} from '../../../provider.ts'
import { claimsOf } from '../../../user-agent.ts'

let user = browser()
beforeAll(async () => {
  await setUp()
  await codeFor(user)
})
afterEach(() => {
  vi.useRealTimers()
})

const family = async (): Promise<Tokens> => redeem(await codeFor(user, { scope: 'openid profile offline_access' }))
const later = (seconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })

async function expectError(response: Response, error: string, status = 400): Promise<void> {
  expect(await response.json()).toMatchObject({ error })
  expect(response.status).toBe(status)
}

const subject = () => subjectOf('ada')

describe('the grace window', () => {
  it('gives the same successor, jti and times to the same token again: a lost answer costs nothing', async () => {
    const { refresh_token } = await family()
    const first = await tokensOf(await refresh(refresh_token))
    later(50)
    const again = await tokensOf(await refresh(refresh_token))
    expect(again.refresh_token).toBe(first.refresh_token)
    const [a, b] = [claimsOf(first.access_token), claimsOf(again.access_token)]
    expect([b.jti, b.iat, b.exp]).toEqual([a.jti, a.iat, a.exp])
  })

  it('ends when the successor is used', async () => {
    const { refresh_token } = await family()
    const next = await tokensOf(await refresh(refresh_token))
    await tokensOf(await refresh(next.refresh_token))
    await expectError(await refresh(refresh_token), 'invalid_grant')
  })

  it('ends after 60 seconds for a confidential client: then the token is reuse, and the family dies', async () => {
    const { refresh_token } = await family()
    const next = await tokensOf(await refresh(refresh_token))
    later(61)
    await expectError(await refresh(refresh_token), 'invalid_grant')
    await expectError(await refresh(next.refresh_token), 'invalid_grant')
  })

  it('ends after 10 seconds for a public client', async () => {
    const { code_challenge, code_verifier } = pkce()
    const scope = 'openid offline_access'
    const parameters = {
      client_id: 'spa',
      redirect_uri: 'https://spa.test/',
      scope,
      code_challenge,
      code_challenge_method: 'S256',
    }
    const code = await codeFor(user, parameters)
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: 'https://spa.test/',
      code_verifier,
      client_id: 'spa',
    }
    const noCredentials = {} as { authorization: string }
    const tokens = await tokensOf(await tokenRequest(form, noCredentials))
    const use = () =>
      tokenRequest(
        { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: 'spa' },
        noCredentials,
      )
    await tokensOf(await use())
    later(9)
    await tokensOf(await use())
    later(2)
    await expectError(await use(), 'invalid_grant')
  })

  it('is a setting of the client: 0 is strict, and rotation can be switched off', async () => {
    await operator('PUT', 'clients/web', { refresh_token_grace: 0 })
    const strict = await family()
    await tokensOf(await refresh(strict.refresh_token))
    await expectError(await refresh(strict.refresh_token), 'invalid_grant')

    await operator('PUT', 'clients/web', { refresh_token_grace: null, refresh_token_rotation: false })
    const kept = await family()
    const next = await tokensOf(await refresh(kept.refresh_token))
    expect(next.refresh_token).toBe(kept.refresh_token)
    await tokensOf(await refresh(kept.refresh_token))
    await operator('PUT', 'clients/web', { refresh_token_rotation: true })
  })
})

it('T08 takes an ancestor as theft: the whole family and its access tokens die, no other family does', async () => {
  const [stolen, other] = [await family(), await family()]
  const second = await tokensOf(await refresh(stolen.refresh_token))
  const third = await tokensOf(await refresh(second.refresh_token))
  await expectError(await refresh(stolen.refresh_token), 'invalid_grant')
  await expectError(await refresh(third.refresh_token), 'invalid_grant')
  for (const tokens of [stolen, second, third]) expect((await userinfo(tokens.access_token)).status).toBe(401)
  await tokensOf(await refresh(other.refresh_token))
})

it('T09 leaves one lineage after fifty refreshes with one token at once', async () => {
  const { refresh_token } = await family()
  const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refresh_token)))
  const tokens = await Promise.all(answers.map(tokensOf))
  expect(new Set(tokens.map((each) => each.refresh_token)).size).toBe(1)
  expect(new Set(tokens.map((each) => claimsOf(each.access_token).jti)).size).toBe(1)
})

it('T10 refuses a rotated token after its object was evicted', async () => {
  const { refresh_token } = await family()
  const next = await tokensOf(await refresh(refresh_token))
  await tokensOf(await refresh(next.refresh_token))
  await evictDurableObject(await subject())
  await expectError(await refresh(refresh_token), 'invalid_grant')
})

describe('T12 a refresh token', () => {
  it('of another client is refused, and its owner is unaffected', async () => {
    const { refresh_token } = await family()
    await expectError(
      await tokenRequest({ grant_type: 'refresh_token', refresh_token }, basic('web2', secret)),
      'invalid_grant',
    )
    await tokensOf(await refresh(refresh_token))
  })

  it('of a confidential client needs that client to authenticate', async () => {
    const { refresh_token } = await family()
    const form = { grant_type: 'refresh_token', refresh_token, client_id: 'web' }
    await expectError(await tokenRequest(form, {} as { authorization: string }), 'invalid_client', 401)
    await tokensOf(await refresh(refresh_token))
  })
})

it('T13 narrows the scope and never widens it, and a refused widening costs nothing', async () => {
  const tokens = await family()
  const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
  await expectError(await tokenRequest({ ...form, scope: 'openid email' }), 'invalid_scope')
  const narrow = await tokensOf(await tokenRequest({ ...form, scope: 'openid' }))
  expect(claimsOf(narrow.access_token).scope).toBe('openid')
  const whole = await tokensOf(await refresh(narrow.refresh_token))
  expect(claimsOf(whole.access_token).scope).toBe('openid profile offline_access')
})

describe('T14 a refresh token is refused', () => {
  it('after consent was taken back', async () => {
    const { refresh_token, access_token } = await family()
    await (await subject()).forgetClient('web', Date.now())
    await expectError(await refresh(refresh_token), 'invalid_grant')
    expect((await userinfo(access_token)).status).toBe(401)
  })

  it('while its client is disabled, or lacks the Offline setting', async () => {
    const { refresh_token } = await family()
    await operator('PUT', 'clients/web', { enabled: false })
    await expectError(await refresh(refresh_token), 'invalid_client', 401)
    await operator('PUT', 'clients/web', { enabled: true, offline_access: false })
    await expectError(await refresh(refresh_token), 'invalid_grant')
    await operator('PUT', 'clients/web', { offline_access: true })
    await tokensOf(await refresh(refresh_token))
  })

  it('after its sliding end, and after its absolute end however often it was used, never in the last minute', async () => {
    const idle = await family()
    const used = await family()
    const start = Date.now()
    const day = 86_400_000
    let { refresh_token } = used
    for (const days of [14, 28, 42, 56, 70, 84]) {
      vi.useFakeTimers({ toFake: ['Date'], now: start + days * day })
      ;({ refresh_token } = await tokensOf(await refresh(refresh_token)))
    }
    await expectError(await refresh(idle.refresh_token), 'invalid_grant')
    vi.useFakeTimers({ toFake: ['Date'], now: start + 90 * day - 30_000 })
    ;({ refresh_token } = await tokensOf(await refresh(refresh_token)))
    vi.useFakeTimers({ toFake: ['Date'], now: start + 90 * day + 60_000 })
    await expectError(await refresh(refresh_token), 'invalid_grant')
  })

  it('S11 after the password changed, and S10 after the person was disabled', async () => {
    const before = await family()
    await operator('PUT', 'users/ada', { password: `${password}!` })
    await expectError(await refresh(before.refresh_token), 'invalid_grant')
    await operator('PUT', 'users/ada', { password })

    user = browser()
    const disabled = await family()
    await operator('PUT', 'users/ada', { enabled: false })
    await expectError(await refresh(disabled.refresh_token), 'invalid_grant')
    expect((await userinfo(disabled.access_token)).status).toBe(401)
    await operator('PUT', 'users/ada', { enabled: true })
    user = browser()
  })
})

it('keeps twenty families for one person and client: the oldest gives way', async () => {
  const families: Tokens[] = []
  for (let count = 0; count < 21; count += 1) families.push(await family())
  await expectError(await refresh(families[0]?.refresh_token ?? ''), 'invalid_grant')
  await tokensOf(await refresh(families[1]?.refresh_token ?? ''))
})

it('repeats auth_time, sid and sub, and leaves the nonce out (OIDC Core §12.2)', async () => {
  const code = await codeFor(user, { scope: 'openid offline_access', nonce: 'n' })
  const first = await redeem(code)
  later(5)
  const next = await tokensOf(await refresh(first.refresh_token))
  const [a, b] = [claimsOf(first.id_token), claimsOf(next.id_token)]
  expect(a.nonce).toBe('n')
  expect(b).toMatchObject({ auth_time: a.auth_time, sid: a.sid, sub: a.sub, aud: a.aud, acr: a.acr })
  expect(b.nonce).toBeUndefined()
  expect(b.iat).toBeGreaterThan(a.iat as number)
})

it('keeps no secret in the clear: nothing of a token can be read from the object', async () => {
  const tokens = await family()
  await tokensOf(await refresh(tokens.refresh_token))
  const { runInDurableObject } = await import('cloudflare:test')
  const dump = await runInDurableObject(await subject(), (_, state) =>
    ['grants', 'sessions', 'person']
      .map((table) => JSON.stringify(state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()))
      .join(),
  )
  for (const token of [tokens.refresh_token, tokens.access_token, tokens.id_token]) expect(dump).not.toContain(token)
  expect(dump).not.toContain(password)
})
