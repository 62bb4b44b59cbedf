// Userinfo, introspection and revocation: what a token is good for, and to whom it is shown.
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { aColdIsolate } from '../counting.ts'
import {
  basic,
  browser,
  codeFor,
  issuer,
  operator,
  pkce,
  reach,
  redeem,
  redirectUri,
  refresh,
  secret,
  setUp,
  type Tokens,
  tokenRequest,
  tokensOf,
} from '../provider.ts'
import { claimsOf } from '../user-agent.ts'

const user = browser()
let tokens: Tokens
let machine: Tokens

beforeAll(async () => {
  await setUp()
  await operator('PUT', 'scopes/orders', { title: { en: 'Orders' }, claims: [] })
  await operator('PUT', 'clients/api', {
    client_name: 'The orders API',
    grant_types: ['client_credentials'],
    linked_user: 'robot',
    scopes: [],
    secrets: [{ value: secret, label: 'tests' }],
  })
  await operator('PUT', `resources/${encodeURIComponent('https://orders.test')}`, {
    name: 'Orders',
    scopes: ['orders'],
    introspection_client_id: 'api',
  })
  await operator('PUT', 'clients/web', { scopes: ['profile', 'email', 'address', 'phone', 'orders'] })
  tokens = await redeem(await codeFor(user, { scope: 'openid profile email address phone offline_access orders' }))
  machine = await tokensOf(await tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret)))
})
afterEach(() => {
  vi.useRealTimers()
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
const userinfo = (init: RequestInit) => reach(`${issuer}/connect/userinfo`, init)
const ask = (path: string, token: string, credentials: Record<string, string> = basic('web', secret)) =>
  reach(`${issuer}/connect/${path}`, { method: 'POST', headers: credentials, body: new URLSearchParams({ token }) })
const introspect = async (token: string, credentials?: Record<string, string>) =>
  (await ask('introspect', token, credentials)).json<Record<string, unknown>>()

describe('userinfo', () => {
  it.each([undefined, 'Basic d2ViOng=', 'Bearer', 'DPoP abc'])(
    'U01 answers %s by a bare challenge',
    async (authorization) => {
      const response = await userinfo(authorization ? { headers: { authorization } } : {})
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
    },
  )

  it('U04 refuses garbage, expired, revoked and foreign tokens with invalid_token', async () => {
    const revoked = await redeem(await codeFor(user))
    await ask('revocation', revoked.access_token)
    const [header, payload, signature] = tokens.access_token.split('.')
    const forged = btoa(JSON.stringify({ ...claimsOf(tokens.access_token), iss: 'https://other.test' })).replaceAll(
      '=',
      '',
    )
    for (const token of [
      'garbage',
      `${header}.${payload}.AAAA`,
      `${header}.${forged}.${signature}`,
      tokens.id_token,
      revoked.access_token,
    ]) {
      const response = await userinfo(bearer(token))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 })
    expect((await userinfo(bearer(tokens.access_token))).status).toBe(401)
  })

  it('U04 refuses a token without openid with insufficient_scope, one for another audience with invalid_token', async () => {
    const noOpenid = await redeem(await codeFor(user, { scope: 'profile' }))
    const response = await userinfo(bearer(noOpenid.access_token))
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_scope"/)
    const elsewhere = await redeem(await codeFor(user, { scope: 'orders' }))
    expect(claimsOf(elsewhere.access_token).aud).toBe('https://orders.test')
    expect((await userinfo(bearer(elsewhere.access_token))).status).toBe(401)
  })

  it('U05 takes a token in a form body, not in JSON, not in the query, not twice', async () => {
    const { access_token } = tokens
    const form = await userinfo({ method: 'POST', body: new URLSearchParams({ access_token }) })
    expect(form.status).toBe(200)
    const headers = { 'content-type': 'application/json' }
    expect((await userinfo({ method: 'POST', headers, body: JSON.stringify({ access_token }) })).status).toBe(400)
    expect((await reach(`${issuer}/connect/userinfo?access_token=${access_token}`)).status).toBe(401)
    const both = await userinfo({
      method: 'POST',
      ...bearer(access_token),
      body: new URLSearchParams({ access_token }),
    })
    expect(both.status).toBe(400)
    expect((await userinfo({ method: 'POST', ...bearer(access_token) })).status).toBe(200)
  })

  it('U05 gives the claims of the granted scopes and no others, with the subject of the ID token', async () => {
    const all = await (await userinfo(bearer(tokens.access_token))).json<Record<string, unknown>>()
    expect(all).toMatchObject({
      sub: claimsOf(tokens.id_token).sub,
      email_verified: true,
      phone_number_verified: true,
      birthdate: '1990-12-10',
    })
    expect(all.address).toMatchObject({ country: 'NL' })
    const email = await redeem(await codeFor(user, { scope: 'openid email' }))
    const some = await (await userinfo(bearer(email.access_token))).json<Record<string, unknown>>()
    expect(Object.keys(some).sort()).toEqual(['email', 'email_verified', 'sub'])
  })

  it('gives single claims asked for by the claims parameter, only of scopes the client may request', async () => {
    const claims = JSON.stringify({
      userinfo: { name: { essential: true }, secret_claim: null },
      id_token: { email: null },
    })
    const asked = await redeem(await codeFor(user, { scope: 'openid', claims }))
    const answer = await (await userinfo(bearer(asked.access_token))).json<Record<string, unknown>>()
    expect(Object.keys(answer).sort()).toEqual(['name', 'sub'])
    expect(claimsOf(asked.id_token).email).toBe('ada@example.test')
  })

  it('tells nothing to a client_credentials token', async () => {
    expect((await userinfo(bearer(machine.access_token))).status).toBe(403)
  })
})

describe('introspection', () => {
  it('U07 needs client authentication, and a method that carries a body', async () => {
    expect((await ask('introspect', tokens.access_token, {})).status).toBe(401)
    expect((await ask('introspect', tokens.access_token, basic('web', 'wrong'))).status).toBe(401)
    const body = new URLSearchParams({ token: tokens.access_token, client_id: 'spa' })
    expect((await reach(`${issuer}/connect/introspect`, { method: 'POST', body })).status).toBe(401)
    const get = await reach(`${issuer}/connect/introspect?token=x`, { headers: basic('web', secret) })
    expect(get.status).toBe(405)
    expect(get.headers.get('allow')).toBe('POST')
  })

  it('U07 tells a client about its own tokens, a resource about tokens for it, and others nothing', async () => {
    expect(await introspect(tokens.access_token)).toMatchObject({
      active: true,
      client_id: 'web',
      sub: 'ada',
      token_type: 'Bearer',
    })
    expect(await introspect(tokens.access_token, basic('api', secret))).toMatchObject({ active: true, sub: 'ada' })
    expect(await introspect(tokens.access_token, basic('web2', secret))).toEqual({ active: false })
    expect(await introspect(machine.access_token, basic('api', secret))).toEqual({ active: false })
    expect(await introspect('unknown')).toEqual({ active: false })
    expect(await introspect(tokens.id_token)).toEqual({ active: false })
  })

  it('knows refresh tokens of the asking client', async () => {
    expect(await introspect(tokens.refresh_token)).toMatchObject({ active: true, client_id: 'web' })
    expect(await introspect(tokens.refresh_token, basic('web2', secret))).toEqual({ active: false })
    const next = await tokensOf(await refresh(tokens.refresh_token))
    expect(await introspect(tokens.refresh_token)).toEqual({ active: false })
    tokens = next
  })

  it('S10 ends a client_credentials token with its linked user, within ten seconds, here at once', async () => {
    expect(await introspect(machine.access_token, basic('m2m', secret))).toMatchObject({ active: true, sub: 'robot' })
    await operator('PUT', 'users/robot', { enabled: false })
    expect(await introspect(machine.access_token, basic('m2m', secret))).toEqual({ active: false })
    const refused = await tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret))
    expect(await refused.json()).toMatchObject({ error: 'unauthorized_client' })
    await operator('PUT', 'users/robot', { enabled: true })
  })

  it('U08 throttles a client that asks about unknown tokens without end, and not about live ones', async () => {
    const credentials = basic('web2', secret)
    const answers = await Promise.all(
      // Enough also when a new minute begins in between, and with it a new allowance of a hundred.
      Array.from({ length: 250 }, (_, index) => ask('introspect', `guess-${index}`, credentials)),
    )
    const throttled = answers.filter((answer) => answer.status === 429)
    expect(throttled.length).toBeGreaterThanOrEqual(50)
    expect(throttled[0]?.headers.get('retry-after')).toBe('60')
    const own = await tokensOf(
      await tokenRequest(
        {
          grant_type: 'authorization_code',
          code: await codeFor(user, { client_id: 'web2' }),
          redirect_uri: redirectUri,
        },
        credentials,
      ),
    )
    expect(await introspect(own.access_token, credentials)).toMatchObject({ active: true })
  })
})

describe('revocation', () => {
  it('ends one access token, at once, and not its siblings (RFC 7009 §2.1)', async () => {
    const first = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    const second = await tokensOf(await refresh(first.refresh_token))
    expect((await ask('revocation', first.access_token)).status).toBe(200)
    expect((await userinfo(bearer(first.access_token))).status).toBe(401)
    expect((await userinfo(bearer(second.access_token))).status).toBe(200)
  })

  it('of a refresh token ends the whole grant', async () => {
    const first = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    expect((await ask('revocation', first.refresh_token)).status).toBe(200)
    expect((await userinfo(bearer(first.access_token))).status).toBe(401)
    expect((await refresh(first.refresh_token)).status).toBe(400)
  })

  it('ends a client_credentials token', async () => {
    const own = await tokensOf(await tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret)))
    expect((await ask('revocation', own.access_token, basic('m2m', secret))).status).toBe(200)
    expect(await introspect(own.access_token, basic('m2m', secret))).toEqual({ active: false })
  })

  it('refuses tokens of another client and leaves them alone; an unknown token is no error', async () => {
    const own = await redeem(await codeFor(user, { scope: 'openid offline_access' }))
    for (const token of [own.access_token, own.refresh_token]) {
      expect((await ask('revocation', token, basic('web2', secret))).status).toBe(400)
    }
    expect((await userinfo(bearer(own.access_token))).status).toBe(200)
    await tokensOf(await refresh(own.refresh_token))
    expect((await ask('revocation', 'unknown')).status).toBe(200)
  })

  it('serves public clients', async () => {
    const { code_challenge, code_verifier } = pkce()
    const spa = { client_id: 'spa', redirect_uri: 'https://spa.test/' }
    const code = await codeFor(user, { ...spa, scope: 'openid', code_challenge, code_challenge_method: 'S256' })
    const nobody = {} as { authorization: string }
    const own = await tokensOf(
      await tokenRequest({ grant_type: 'authorization_code', code, ...spa, code_verifier }, nobody),
    )
    const body = new URLSearchParams({ token: own.access_token, client_id: 'spa' })
    expect((await reach(`${issuer}/connect/revocation`, { method: 'POST', body })).status).toBe(200)
    expect((await userinfo(bearer(own.access_token))).status).toBe(401)
  })

  it('U11 answers 503 with Retry-After when the object does not answer, never 200', async () => {
    const own = await redeem(await codeFor(user))
    const broken = aColdIsolate({
      SUBJECT: { idFromName: env.SUBJECT.idFromName.bind(env.SUBJECT), get: () => brokenStub } as never,
    })
    const response = await broken.fetch(`${issuer}/connect/revocation`, {
      method: 'POST',
      headers: basic('web', secret),
      body: new URLSearchParams({ token: own.access_token }),
    })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBeTruthy()
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect((await userinfo(bearer(own.access_token))).status).toBe(200)
  })
})

const brokenStub = new Proxy(
  {},
  {
    get: () => async () => {
      throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
    },
  },
)

describe('cross-origin', () => {
  const from = (origin: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...init.headers, origin },
  })

  it('lets any origin preflight, and a client read its own answers and errors from its own origins only', async () => {
    const url = `${issuer}/connect/token`
    const preflight = await reach(
      url,
      from('https://evil.test', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } }),
    )
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://evil.test')
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()

    const body = () => new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'spa' })
    const own = await reach(url, from('https://spa.test', { method: 'POST', body: body() }))
    expect(own.status).toBe(400)
    expect(own.headers.get('access-control-allow-origin')).toBe('https://spa.test')
    for (const origin of ['https://evil.test', 'null', 'https://spa.test.evil.test']) {
      const other = await reach(url, from(origin, { method: 'POST', body: body() }))
      expect(other.headers.get('access-control-allow-origin')).toBeNull()
    }
    const nullPreflight = await reach(url, from('null', { method: 'OPTIONS' }))
    expect(nullPreflight.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('opens userinfo to the origins of the token’s client, client_origins included', async () => {
    await operator('PUT', 'clients/web', { client_origins: ['https://app.rp.test'] })
    for (const origin of ['https://rp.test', 'https://app.rp.test']) {
      const response = await userinfo(from(origin, bearer(tokens.access_token)))
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    }
    const other = await userinfo(from('https://spa.test', bearer(tokens.access_token)))
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('shows documents to everybody and pages to nobody', async () => {
    const discovery = await reach(`${issuer}/.well-known/openid-configuration`, from('https://evil.test'))
    expect(discovery.headers.get('access-control-allow-origin')).toBe('*')
    const page = await reach(`${issuer}/connect/authorize`, from('https://evil.test'))
    expect(page.headers.get('access-control-allow-origin')).toBeNull()
  })
})
