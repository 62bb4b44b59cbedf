// Tokens as resource servers read them: jose verifies ID and access tokens with the published JWKS, in both token profiles, with RSA and
// elliptic curve keys. The issuer has a path.
import { createRemoteJWKSet, type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, basic, claimsOf, type Provider, pkce, startProvider } from '../node/server.ts'
import { openAsAda, redirectUri, secret, seedAda, seedClient, seedRobot } from './cast.ts'

const api = 'https://api.test/orders'

let provider: Provider
let ada: Browser

beforeAll(async () => {
  provider = await startProvider({ path: '/idp' })
  await seedAda(provider)
  await seedRobot(provider)
  await provider.operator('PUT', 'scopes/orders', {
    claims: [{ claim: 'department', destination: 'access_token' }],
  })
  await seedClient(provider, 'web', { scopes: ['openid', 'profile', 'email', 'orders'] })
  await provider.operator('PUT', `resources/${encodeURIComponent(api)}`, { name: 'Orders', scopes: ['orders'] })
  ada = provider.browser()
})
afterAll(() => provider.stop())

interface Tokens {
  access_token: string
  id_token: string
}

async function requestTokens(form: Record<string, string>): Promise<Tokens> {
  const init = { method: 'POST', headers: basic('web', secret), body: new URLSearchParams(form) }
  const response = await fetch(`${provider.issuer}/connect/token`, init)
  if (response.status !== 200) throw new Error(await response.text())
  return (await response.json()) as Tokens
}

async function tokensOfAda(scope: string): Promise<Tokens> {
  const { code_verifier, code_challenge } = pkce()
  const query = { client_id: 'web', response_type: 'code', redirect_uri: redirectUri, scope, nonce: 'n-1' }
  const url = `${provider.issuer}/connect/authorize?${new URLSearchParams({ ...query, code_challenge, code_challenge_method: 'S256' })}`
  const code = (await openAsAda(ada, url)).searchParams.get('code') ?? ''
  return requestTokens({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier })
}

/** Verifies a token as a resource server does that knows only the issuer. */
async function verify(
  token: string,
  options: { audience: string; typ: string },
): Promise<{ payload: JWTPayload; protectedHeader: JWTHeaderParameters }> {
  const response = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  const { jwks_uri, issuer } = (await response.json()) as { jwks_uri: string; issuer: string }
  return jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), { issuer, ...options })
}

const now = () => Math.floor(Date.now() / 1000)

describe.each(['RS256', 'ES256'])('%s', (alg) => {
  beforeAll(async () => {
    await provider.operator('PATCH', 'settings', {
      signing_algs: ['RS256', 'ES256'],
      id_token_signing_alg: alg,
      access_token_signing_alg: alg,
    })
  })

  describe('the profile rfc9068', () => {
    beforeAll(() => provider.operator('PATCH', 'settings', { token_profile: 'rfc9068' }))

    it('issues access tokens as in RFC 9068 §2', async () => {
      const { access_token } = await tokensOfAda('openid orders')
      const { payload, protectedHeader } = await verify(access_token, { audience: api, typ: 'at+jwt' })
      expect(protectedHeader).toEqual({
        alg,
        typ: 'at+jwt',
        kid: expect.stringMatching(new RegExp(`^[0-9A-F]{40}${alg}$`)),
      })
      expect(payload).toEqual({
        iss: provider.issuer,
        sub: 'ada',
        // The issuer is an audience because the token may also be used at userinfo.
        aud: [api, provider.issuer],
        client_id: 'web',
        scope: 'openid orders',
        jti: expect.any(String),
        iat: expect.any(Number),
        exp: (payload.iat ?? 0) + 3600,
        auth_time: expect.any(Number),
        acr: '1',
        amr: ['pwd'],
        department: 'Research',
      })
      expect(Math.abs(now() - (payload.iat ?? 0))).toBeLessThanOrEqual(2)
    })

    it('issues client_credentials tokens whose subject is the linked user', async () => {
      const { access_token } = await requestTokens({ grant_type: 'client_credentials', scope: 'orders' })
      const { payload } = await verify(access_token, { audience: api, typ: 'at+jwt' })
      expect(payload).toMatchObject({ aud: api, sub: 'robot', client_id: 'web', scope: 'orders' })
      expect(payload).not.toHaveProperty('auth_time')
    })
  })

  describe('the profile identityserver', () => {
    beforeAll(() => provider.operator('PATCH', 'settings', { token_profile: 'identityserver' }))

    it('issues access tokens with a list of scopes, the audience issuer/resources, idp, sid and nbf', async () => {
      const { access_token, id_token } = await tokensOfAda('openid full_api_access')
      const { payload, protectedHeader } = await verify(access_token, {
        audience: `${provider.issuer}/resources`,
        typ: 'at+jwt',
      })
      expect(protectedHeader.alg).toBe(alg)
      expect(payload).toMatchObject({
        iss: provider.issuer,
        sub: 'ada',
        client_id: 'web',
        scope: ['openid', 'full_api_access'],
        idp: 'local',
        sid: claimsOf(id_token).sid,
        nbf: payload.iat,
        amr: ['pwd'],
      })
      expect(payload.sid).toBeTypeOf('string')
    })

    it('adds the resource to the audience, and our own endpoints accept the token', async () => {
      const { access_token } = await tokensOfAda('openid orders')
      await verify(access_token, { audience: api, typ: 'at+jwt' })
      await verify(access_token, { audience: `${provider.issuer}/resources`, typ: 'at+jwt' })
      const headers = { authorization: `Bearer ${access_token}` }
      const userinfo = await fetch(`${provider.issuer}/connect/userinfo`, { headers })
      expect(await userinfo.json()).toMatchObject({ sub: 'ada' })
      const body = new URLSearchParams({ token: access_token })
      const init = { method: 'POST', headers: basic('web', secret), body }
      const introspection = await fetch(`${provider.issuer}/connect/introspect`, init)
      // RFC 7662 §2.2: scope is a string here, even if the token has a list.
      expect(await introspection.json()).toMatchObject({ active: true, scope: 'openid orders' })
    })

    it('issues client_credentials tokens with a list of scopes too', async () => {
      const { access_token } = await requestTokens({ grant_type: 'client_credentials' })
      const { payload } = await verify(access_token, { audience: `${provider.issuer}/resources`, typ: 'at+jwt' })
      expect(payload).toMatchObject({ sub: 'robot', scope: expect.arrayContaining(['full_api_access', 'orders']) })
      expect(payload.nbf).toBe(payload.iat)
    })
  })

  it.each(['rfc9068', 'identityserver'])(
    'issues ID tokens as in OIDC Core §2 with the profile %s',
    async (token_profile) => {
      await provider.operator('PATCH', 'settings', { token_profile })
      const { id_token, access_token } = await tokensOfAda('openid')
      const { payload, protectedHeader } = await verify(id_token, { audience: 'web', typ: 'JWT' })
      expect(protectedHeader.alg).toBe(alg)
      expect(payload).toEqual({
        iss: provider.issuer,
        sub: 'ada',
        aud: 'web',
        nonce: 'n-1',
        iat: expect.any(Number),
        exp: (payload.iat ?? 0) + 600,
        auth_time: expect.any(Number),
        acr: '1',
        amr: ['pwd'],
        sid: expect.any(String),
        at_hash: expect.any(String),
      })
      // `typ` keeps an ID token from passing for an access token, and vice versa.
      await expect(verify(id_token, { audience: 'web', typ: 'at+jwt' })).rejects.toThrow()
      await expect(verify(access_token, { audience: 'web', typ: 'JWT' })).rejects.toThrow()
    },
  )
})

it('signs ID tokens with the algorithm that the client sets', async () => {
  await provider.operator('PATCH', 'settings', { id_token_signing_alg: 'ES256', access_token_signing_alg: 'ES256' })
  await provider.operator('PUT', 'clients/web', { id_token_signed_response_alg: 'RS256' })
  const tokens = await tokensOfAda('openid')
  expect((await verify(tokens.id_token, { audience: 'web', typ: 'JWT' })).protectedHeader.alg).toBe('RS256')
  const audience = `${provider.issuer}/resources`
  expect((await verify(tokens.access_token, { audience, typ: 'at+jwt' })).protectedHeader.alg).toBe('ES256')
})
