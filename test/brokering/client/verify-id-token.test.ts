import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { acceptedAlgorithms } from '../../../src/crypto/accepted-algorithms.ts'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider, refusalOf, signInAt } from './upstream-record.ts'

type Claims = Record<string, unknown>

const seconds = noon / 1000
let upstream: FakeUpstream
let provider: ExternalProvider

beforeEach(async () => {
  upstream = await anUpstream({ now: () => noon })
  provider = await aProvider(upstream)
})
afterEach(() => vi.restoreAllMocks())

const signIn = () => signInAt(upstream, provider)

async function refusedFor(claims: Claims): Promise<{ check: string; message: string }> {
  upstream.tamper.idToken = (given) => JSON.parse(JSON.stringify({ ...given, ...claims })) as Claims
  const error = await refusalOf(signIn())
  expect(error).toMatchObject({ step: 'id_token', publicCause: 'invalid_answer', outcome: 'refused' })
  return error
}

describe('I01 whose token it is, and for whom', () => {
  const cases: [string, Claims, string][] = [
    ['another issuer', { iss: 'https://evil.test' }, 'issuer'],
    ['the issuer with a slash', { iss: 'https://idp.test/' }, 'issuer'],
    ['no issuer', { iss: undefined }, 'issuer'],
    ['issuers in a list', { iss: ['https://idp.test'] }, 'issuer'],
    ['the issuer in capitals', { iss: 'https://IDP.test' }, 'issuer'],
    ['another audience', { aud: 'another-client' }, 'audience'],
    ['no audience', { aud: undefined }, 'audience'],
    ['an empty list', { aud: [] }, 'audience'],
    ['an audience that begins like ours', { aud: 'countersign-2' }, 'audience'],
    ['a second audience without azp', { aud: ['countersign', 'another'] }, 'azp'],
    ['a second audience with its azp', { aud: ['countersign', 'another'], azp: 'another' }, 'azp'],
    ['another azp', { azp: 'another' }, 'azp'],
    ['an azp that is no text', { azp: ['countersign'] }, 'azp'],
  ]
  it.each(cases)('refuses %s', async (_, claims, check) => {
    expect((await refusedFor(claims)).check).toBe(check)
  })

  it('accepts several audiences with our azp', async () => {
    upstream.user = { sub: 'ada', aud: ['countersign', 'another'], azp: 'countersign' }
    expect(await signIn()).toMatchObject({ subject: 'ada' })
  })

  it('says both issuers and what to change, and whose token it was', async () => {
    upstream.user.iss = 'https://other.test'
    const error = await refusalOf(signIn())
    expect(error.message).toBe("The token's issuer is https://other.test, but this provider expects https://idp.test.")
    expect(error.fix).toBe('Allow additional issuers and add this one, or correct the metadata endpoint.')
    expect(error.known).toMatchObject({ issuer: 'https://other.test', subject: 'ada-upstream' })
  })

  it('accepts a further issuer that the operator named, byte for byte', async () => {
    upstream.user.iss = 'https://other.test'
    provider.valid_issuers = ['https://other.test']
    expect(await signIn()).toMatchObject({ issuer: 'https://other.test' })
    expect((await refusedFor({ iss: 'https://other.test/' })).check).toBe('issuer')
  })
})

describe('I02 for this sign-in, now, about somebody', () => {
  const cases: [string, Claims, string][] = [
    ['no nonce', { nonce: undefined }, 'nonce'],
    ['another nonce', { nonce: 'x'.repeat(43) }, 'nonce'],
    ['an empty nonce', { nonce: '' }, 'nonce'],
    ['no sub', { sub: undefined }, 'subject'],
    ['an empty sub', { sub: '' }, 'subject'],
    ['a sub of 256 characters', { sub: 'x'.repeat(256) }, 'subject'],
    ['a sub that is a number', { sub: 7 }, 'subject'],
    ['no exp', { exp: undefined }, 'exp'],
    ['an exp that is a text', { exp: String(seconds + 60) }, 'exp'],
    ['an exp that has passed', { exp: seconds - 61 }, 'exp'],
    ['no iat', { iat: undefined }, 'iat'],
    ['an iat a week old', { iat: seconds - 7 * 86_400 }, 'iat'],
    ['an iat eleven minutes and the skew old', { iat: seconds - 661 }, 'iat'],
    ['an iat to come', { iat: seconds + 61 }, 'iat'],
    ['an nbf to come', { nbf: seconds + 61 }, 'nbf'],
    ['an auth_time that is a text', { auth_time: 'yesterday' }, 'auth_time'],
    ['an at_hash of another access token', { at_hash: 'x'.repeat(22) }, 'at_hash'],
    ['an at_hash that is no text', { at_hash: null }, 'at_hash'],
  ]
  it.each(cases)('refuses %s', async (_, claims, check) => {
    const error = await refusedFor(claims)
    expect(error.check).toBe(check)
    expect(error.message.length).toBeLessThan(600)
  })

  it('refuses the token of an earlier sign-in', async () => {
    let first = ''
    upstream.tamper.idToken = (claims) => {
      first ||= String(claims.nonce)
      return { ...claims, nonce: first }
    }
    const secret = crypto.getRandomValues(new Uint8Array(32))
    await signIn()
    expect(await refusalOf(signInAt(upstream, provider, { request: { secret } }))).toMatchObject({ check: 'nonce' })
  })

  it('accepts clocks that differ by the skew, a sub of 255 characters, and no at_hash', async () => {
    const sub = 'x'.repeat(255)
    for (const claims of [
      { iat: seconds + 60, exp: seconds + 90 },
      { iat: seconds - 660, exp: seconds - 59 },
    ]) {
      upstream.tamper.idToken = (given) => ({ ...given, ...claims, sub, at_hash: undefined })
      expect(await signIn()).toMatchObject({ subject: sub })
    }
  })

  it('a token endpoint without ID token is told apart', async () => {
    upstream.faults.token = () => Response.json({ access_token: 'a', token_type: 'Bearer' })
    expect(await refusalOf(signIn())).toMatchObject({ step: 'id_token', check: 'id_token' })
  })
})

describe('I03 signed by the provider', () => {
  const refusedWith = async (): Promise<string> => {
    const error = await refusalOf(signIn())
    expect(error).toMatchObject({ step: 'id_token', known: {} })
    return error.check
  }
  const withHeader = (change: (header: Claims) => void) => {
    upstream.tamper.idToken = (claims, header) => {
      change(header)
      return claims
    }
  }
  const changingToken = (change: (jwt: string) => string) => {
    upstream.tamper.jwt = change
  }

  it.each(['none', 'HS256', 'HS384', 'HS512'])('refuses alg %s, also when the metadata names it', async (alg) => {
    upstream.tamper.alg = alg
    expect(await refusedWith()).toMatch(/^(jwt|alg)$/)
    upstream.metadata.id_token_signing_alg_values_supported = [alg, 'ES256']
    expect(await refusedWith()).toMatch(/^(jwt|alg)$/)
    expect(upstream.requests.jwks, 'no key is asked for').toBe(0)
  })

  it('refuses an algorithm that the metadata does not name', async () => {
    upstream.metadata.id_token_signing_alg_values_supported = ['RS256']
    expect(await refusedWith()).toBe('alg')
  })

  it('refuses the key of somebody else under the kid of the provider', async () => {
    upstream.tamper.key = (await generateKeyPair('ES256')).privateKey
    expect(await refusedWith()).toBe('signature')
  })

  it('refuses a flipped signature', async () => {
    changingToken((jwt) => jwt.slice(0, -10) + (jwt.at(-10) === 'A' ? 'B' : 'A') + jwt.slice(-9))
    expect(await refusedWith()).toBe('signature')
  })

  it('refuses a changed payload', async () => {
    changingToken((jwt) => {
      const [header, payload = '', signature] = jwt.split('.')
      const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Claims
      const changed = btoa(JSON.stringify({ ...claims, sub: 'root' }))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
      return [header, changed.replaceAll('=', ''), signature].join('.')
    })
    expect(await refusedWith()).toBe('signature')
  })

  it.each([
    ['five parts', () => 'a.b.c.d.e'],
    ['20 KB', (jwt: string) => jwt + 'A'.repeat(20_000)],
    ['no JWT', () => 'secret'],
  ])('refuses %s', async (_, change) => {
    changingToken(change)
    expect(await refusedWith()).toBe('jwt')
  })

  it('refuses claims of 1 000 levels', async () => {
    upstream.user.nested = JSON.parse('['.repeat(1000) + ']'.repeat(1000))
    expect(await refusedWith()).toBe('jwt')
  })

  it('refuses a token without kid when several keys fit, and accepts it when there is one', async () => {
    withHeader((header) => delete header.kid)
    expect(await signIn()).toMatchObject({ subject: 'ada-upstream' })
    await upstream.rotateKey(true)
    provider = await aProvider(upstream)
    expect(await refusedWith()).toBe('signature')
  })

  it('does not count keys for something else among those that fit', async () => {
    withHeader((header) => delete header.kid)
    const [key] = upstream.keys
    if (!key) throw new Error('no key')
    const other = (await generateKeyPair('EdDSA', { extractable: true })).publicKey
    const add = (jwk: JWK) => upstream.keys.push({ ...key, jwk })
    add({ ...key.jwk, use: 'enc' })
    add({ ...(await exportJWK(other)), kid: 'two' })
    add({ ...key.jwk, alg: 'ES384' })
    add({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' })
    expect(await signIn()).toMatchObject({ subject: 'ada-upstream' })
  })

  it('refuses a kid that stands there twice, and nobody’s kid', async () => {
    const [key] = upstream.keys
    const other = (await generateKeyPair('ES256', { extractable: true })).publicKey
    if (key) upstream.keys.push({ ...key, jwk: { ...(await exportJWK(other)), kid: key.kid } })
    expect(await refusedWith()).toBe('signature')
    withHeader((header) => {
      header.kid = 'nobody'
    })
    expect(await refusedWith()).toBe('signature')
  })

  it('looks at no key in the header', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(pair.publicKey)
    upstream.tamper.key = pair.privateKey
    withHeader((header) => Object.assign(header, { jwk, jku: 'https://evil.test/jwks', kid: undefined }))
    expect(await refusedWith()).toBe('signature')
    expect(upstream.requests.jwks).toBe(1)
  })

  it.each(acceptedAlgorithms)('accepts %s, with its at_hash', async (alg) => {
    upstream = await anUpstream({ now: () => noon, alg })
    provider = await aProvider(upstream)
    expect(await signIn()).toMatchObject({ subject: 'ada-upstream' })
  })

  it('refuses a token whose key the provider published with its private members', async () => {
    const [key] = upstream.keys
    if (!key) throw new Error('the provider has no key')
    Object.assign(key.jwk, await exportJWK(key.privateKey))
    expect(await refusedWith()).toBe('signature')
  })
})

describe('I12 keys that change', () => {
  const at = (after: number) => aContext({ now: noon + after * 1000 })
  const signInLater = (after: number) => signInAt(upstream, provider, { context: at(after) })
  beforeEach(() => {
    upstream.tamper.idToken = (claims) => ({ ...claims, iat: seconds, exp: seconds + 86_400 })
  })

  it('are fetched once in ten minutes', async () => {
    for (const after of [0, 1, 300]) await signInLater(after)
    expect(upstream.requests.jwks).toBe(1)
    await signInLater(601)
    expect(upstream.requests.jwks).toBe(2)
  })

  it('are fetched again when a new one signs; then 1 000 random kids cost at most one fetch a minute', async () => {
    await signInLater(0)
    await upstream.rotateKey()
    expect(await signInLater(61)).toMatchObject({ subject: 'ada-upstream' })
    expect(upstream.requests.jwks).toBe(2)
    let kids = 0
    upstream.tamper.idToken = (claims, header) => {
      kids += 1
      header.kid = `random-${kids}`
      return { ...claims, iat: seconds, exp: seconds + 86_400 }
    }
    for (let round = 0; round < 100; round += 1) {
      const logins = Array.from({ length: 10 }, () => refusalOf(signInLater(120 + Math.floor(round / 25) * 30)))
      for (const error of await Promise.all(logins)) expect(error.check).toBe('signature')
    }
    expect(kids).toBe(1000)
    // At 120 it is 59 seconds since the last one; then at 150 and 210.
    expect(upstream.requests.jwks - 2).toBe(2)
  })

  it('that another request is out for are waited for, not fetched as well', async () => {
    let pending = 0
    const keys = { keys: upstream.keys.map(({ jwk }) => jwk) }
    upstream.faults.jwks = async () => {
      pending += 1
      await scheduler.wait(100)
      return Response.json(keys)
    }
    const logins = await Promise.all(Array.from({ length: 20 }, () => signInLater(0)))
    expect(logins).toHaveLength(20)
    expect(pending).toBe(1)
    await upstream.rotateKey()
    keys.keys = upstream.keys.map(({ jwk }) => jwk)
    await Promise.all(Array.from({ length: 20 }, () => signInLater(61)))
    expect(pending).toBe(2)
  })

  it('serve on while the JWKS is down: from memory, or from the copy in D1 for a day', async () => {
    const jwks = { keys: upstream.keys.map(({ jwk }) => jwk as JsonWebKey) }
    upstream.faults.jwks = () => new Response('down', { status: 503 })
    provider = await aProvider(upstream, { jwks, metadata_fetched_at: noon - 3_600_000 })
    expect(await signInLater(0)).toMatchObject({ subject: 'ada-upstream' })
    for (const after of [1, 5, 9]) await signInLater(after)
    expect(upstream.requests.jwks, 'a failure is remembered for ten seconds').toBe(1)
    await signInLater(11)
    expect(upstream.requests.jwks).toBe(2)
    provider = await aProvider(upstream, { jwks, metadata_fetched_at: noon - 25 * 3_600_000 })
    expect(await refusalOf(signInLater(0))).toMatchObject({
      step: 'id_token',
      check: 'jwks',
      publicCause: 'unreachable',
      outcome: 'failed',
      message: "The provider's keys cannot be had: https://idp.test/jwks answered with status 503.",
    })
  })

  it('are taken from D1 without any fetch while the copy is fresh, and again when it is newer', async () => {
    const copy = () => ({ keys: upstream.keys.map(({ jwk }) => jwk as JsonWebKey) })
    provider = await aProvider(upstream, { jwks: copy(), metadata_fetched_at: noon - 1000 })
    await signInLater(0)
    await upstream.rotateKey()
    provider = { ...provider, jwks: copy(), metadata_fetched_at: noon + 20_000 }
    await signInLater(30)
    expect(upstream.requests.jwks).toBe(0)
  })

  it('of one provider are no other’s, and a provider that points elsewhere begins anew', async () => {
    await signInLater(0)
    provider = { ...provider, metadata: { ...(provider.metadata ?? never()), jwks_uri: 'https://evil.test/jwks' } }
    const evil = await anUpstream({ host: 'evil.test' })
    expect(await refusalOf(signInLater(1))).toMatchObject({ check: 'signature' })
    expect(evil.requests.jwks).toBe(1)
  })

  const never = (): never => {
    throw new Error('no metadata')
  }
})
