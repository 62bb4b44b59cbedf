// grant_type=authorization_code: each code once, for whom and for what it was issued.
import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  authorizeUrl,
  basic,
  browser,
  codeFor,
  issuer,
  operator,
  pkce,
  reach,
  redeem,
  redirectOf,
  redirectUri,
  refresh,
  secret,
  setUp,
  subjectOf,
  tokenRequest,
  tokensOf,
  userinfo,
} from '../../../provider.ts'

const user = browser()
beforeAll(async () => {
  await setUp()
  await codeFor(user)
})
afterEach(() => {
  vi.useRealTimers()
})

const redemption = (code: string, more: Record<string, string> = {}) =>
  tokenRequest({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...more })

async function expectInvalidGrant(response: Response): Promise<void> {
  expect(response.status).toBe(400)
  expect(response.headers.get('cache-control')).toContain('no-store')
  expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
}

describe('T01 a code that comes a second time', () => {
  it.each([1, 30, 3000])(
    'is refused %i seconds later, and takes the tokens of the first time with it',
    async (seconds) => {
      const code = await codeFor(user, { scope: 'openid offline_access' })
      const tokens = await redeem(code)
      expect((await userinfo(tokens.access_token)).status).toBe(200)

      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
      await expectInvalidGrant(await redemption(code))
      expect((await userinfo(tokens.access_token)).status).toBe(401)
      await expectInvalidGrant(await refresh(tokens.refresh_token))
    },
  )

  it('is still recognised after its object was evicted', async () => {
    const code = await codeFor(user, { scope: 'openid offline_access' })
    const tokens = await redeem(code)
    await evictDurableObject(await subjectOf('ada'))
    await expectInvalidGrant(await redemption(code))
    await expectInvalidGrant(await refresh(tokens.refresh_token))
  })
})

it('T02 redeems a code for one of a hundred racing requests, never for two', async () => {
  const code = await codeFor(user)
  const answers = await Promise.all(Array.from({ length: 100 }, () => redemption(code)))
  const statuses = answers.map((answer) => answer.status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 400)).toHaveLength(99)
})

describe('T04 a code', () => {
  it.each([
    ['another redirect_uri', { redirect_uri: 'https://rp.test/other' }],
    ['no redirect_uri', { redirect_uri: '' }],
  ])('with %s is refused and not burnt', async (_, change) => {
    const code = await codeFor(user)
    await expectInvalidGrant(await redemption(code, change))
    expect((await redemption(code)).status).toBe(200)
  })

  it('is refused one second after its lifetime', async () => {
    const code = await codeFor(user)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    await expectInvalidGrant(await redemption(code))
  })

  it('is refused truncated, padded, with another case, or invented', async () => {
    const code = await codeFor(user)
    const flipped = code[20] === code[20]?.toUpperCase() ? code[20]?.toLowerCase() : code[20]?.toUpperCase()
    const variants = [
      code.slice(0, -1),
      `${code}=`,
      `${code}A`,
      ` ${code}`,
      code.slice(0, 20) + flipped + code.slice(21),
      'x',
      'A'.repeat(104),
    ]
    for (const variant of variants) if (variant !== code) await expectInvalidGrant(await redemption(variant))
    expect((await redemption(code)).status).toBe(200)
  })

  it('of another client is refused, and neither burnt nor revoked', async () => {
    const code = await codeFor(user)
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    await expectInvalidGrant(await tokenRequest(form, basic('web2', secret)))
    expect((await redemption(code)).status).toBe(200)
    await expectInvalidGrant(await tokenRequest(form, basic('web2', secret)))
    expect((await tokenRequest({ ...form, code: await codeFor(user) })).status).toBe(200)
  })
})

describe('T05 with PKCE', () => {
  it.each([
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }],
    ['a verifier that is too short', { code_verifier: 'short' }],
    ['no verifier', {}],
  ])('%s is refused, and the right one still works', async (_, wrong) => {
    const { code_challenge, code_verifier } = pkce()
    const code = await codeFor(user, { code_challenge, code_challenge_method: 'S256' })
    await expectInvalidGrant(await redemption(code, wrong as Record<string, string>))
    expect((await redemption(code, { code_verifier })).status).toBe(200)
  })

  it('a verifier without a challenge is refused (RFC 9700 §4.8.2)', async () => {
    await expectInvalidGrant(await redemption(await codeFor(user), { code_verifier: pkce().code_verifier }))
  })
})

describe('the token endpoint', () => {
  it.each([
    'password',
    'implicit',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'AUTHORIZATION_CODE',
  ])('T31 does not know grant_type=%s', async (grant_type) => {
    const response = await tokenRequest({ grant_type, username: 'ada', password: 'x', code: 'x' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' })
  })

  it('T31 wants a grant_type, empty counting as absent', async () => {
    for (const form of [{}, { grant_type: '' }]) {
      const response = await tokenRequest(form as Record<string, string>)
      expect(await response.json()).toMatchObject({ error: 'invalid_request' })
    }
  })

  it('T32 refuses a grant that the client does not have', async () => {
    const machine = await tokenRequest(
      { grant_type: 'authorization_code', code: 'x', redirect_uri: redirectUri },
      basic('m2m', secret),
    )
    expect(await machine.json()).toMatchObject({ error: 'unauthorized_client' })
    const web = await tokenRequest({ grant_type: 'client_credentials' })
    expect(await web.json()).toMatchObject({ error: 'unauthorized_client' })
  })

  it('T30 refuses a body above 64 KB before it parses it, and a hundred thousand parameters', async () => {
    const large = await tokenRequest({ grant_type: 'authorization_code', code: 'x'.repeat(65 * 1024) })
    expect(large.status).toBe(413)
    expect(await large.json()).toMatchObject({ error: 'invalid_request' })
    const body = 'a=1&'.repeat(15_000)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const many = await reach(`${issuer}/connect/token`, { method: 'POST', headers, body })
    expect(many.status).toBe(400)
    const chunks = new ReadableStream({
      start(controller) {
        for (let chunk = 0; chunk < 70; chunk += 1) controller.enqueue(new Uint8Array(1024).fill(97))
        controller.close()
      },
    })
    const streamed = await reach(`${issuer}/connect/token`, { method: 'POST', headers, body: chunks })
    expect(streamed.status).toBe(413)
  })

  it('takes forms only, and each parameter once', async () => {
    const headers = { ...basic('web', secret), 'content-type': 'application/json' }
    const json = await reach(`${issuer}/connect/token`, {
      method: 'POST',
      headers,
      body: '{"grant_type":"refresh_token"}',
    })
    expect(json.status).toBe(400)
    const form = { ...basic('web', secret), 'content-type': 'application/x-www-form-urlencoded' }
    const twice = await reach(`${issuer}/connect/token`, {
      method: 'POST',
      headers: form,
      body: 'grant_type=refresh_token&grant_type=password',
    })
    expect(await twice.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('T34 answers without cache, in JSON, in the allowed characters, and without a stack', async () => {
    const answers = [
      await redemption(await codeFor(user)),
      await redemption('"\\é'),
      await tokenRequest({ grant_type: 'authorization_code', code: 'x' }, basic('web', 'wrong')),
      await tokenRequest({ grant_type: 'a"b\\c' }),
    ]
    for (const answer of answers) {
      expect(answer.headers.get('cache-control')).toContain('no-store')
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      expect(answer.headers.get('x-request-id')).toBeTruthy()
      const body = await answer.json<{ error_description?: string }>()
      expect(JSON.stringify(body)).not.toMatch(/\.ts:|at .*\(/)
      expect(body.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
    }
  })

  it('T36 knows nothing of a client that was deleted since, nor of its tokens', async () => {
    const client = await operator('GET', 'clients/web2')
    expect(client).toBeTruthy()
    await operator('PUT', 'clients/doomed', {
      client_name: 'Doomed',
      grant_types: ['authorization_code'],
      redirect_uris: [redirectUri],
      scopes: [],
      require_pkce: false,
      secrets: [{ value: secret, label: 'tests' }],
    })
    const code = await codeFor(user, { client_id: 'doomed' })
    const form = { grant_type: 'authorization_code', redirect_uri: redirectUri }
    const tokens = await tokensOf(await tokenRequest({ ...form, code }, basic('doomed', secret)))
    const second = await codeFor(user, { client_id: 'doomed' })
    await operator('DELETE', 'clients/doomed')
    const refused = await tokenRequest({ ...form, code: second }, basic('doomed', secret))
    expect(refused.status).toBe(401)
    expect(await refused.json()).toMatchObject({ error: 'invalid_client' })
    expect((await userinfo(tokens.access_token)).status).toBe(401)
  })

  it('T36 gives a new client nothing of a deleted one that had its id', async () => {
    const phoenix = {
      client_name: 'Phoenix',
      grant_types: ['authorization_code'],
      redirect_uris: [redirectUri],
      scopes: [],
      offline_access: true,
      require_pkce: false,
      require_consent: true,
      secrets: [{ value: secret, label: 'tests' }],
    }
    await operator('PUT', 'clients/phoenix', phoenix)
    const allow = async () => {
      const page = await user.open(authorizeUrl({ client_id: 'phoenix', scope: 'openid offline_access' }))
      expect(page.html).toContain('page-consent')
      return redirectOf(await user.submit(page, { decision: 'allow' })).searchParams.get('code') ?? ''
    }
    const credentials = basic('phoenix', secret)
    const form = { grant_type: 'authorization_code', redirect_uri: redirectUri }
    const tokens = await tokensOf(await tokenRequest({ ...form, code: await allow() }, credentials))
    const silent = await user.open(authorizeUrl({ client_id: 'phoenix', scope: 'openid offline_access' }))
    const pending = redirectOf(silent).searchParams.get('code') ?? ''
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2000 })
    await operator('DELETE', 'clients/phoenix')
    await operator('PUT', 'clients/phoenix', phoenix)
    await expectInvalidGrant(await tokenRequest({ ...form, code: pending }, credentials))
    const old = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    await expectInvalidGrant(await tokenRequest(old, credentials))
    expect((await userinfo(tokens.access_token)).status).toBe(401)
    expect(await allow()).toBeTruthy()
  })

  it('T07 refuses before it redeems: a failed client authentication burns no code', async () => {
    const code = await codeFor(user)
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    expect((await tokenRequest(form, basic('web', 'wrong'))).status).toBe(401)
    expect((await tokenRequest(form)).status).toBe(200)
  })
})
