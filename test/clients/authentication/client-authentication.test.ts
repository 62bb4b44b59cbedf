import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { authenticateClient } from '../../../src/clients/authentication/client-authentication.ts'
import { acceptedAlgorithms } from '../../../src/crypto/accepted-algorithms.ts'
import { base64, base64url, randomBytes, sha256, utf8 } from '../../../src/crypto/encoding.ts'
import type { Client } from '../../../src/model/client.ts'
import { OAuthError } from '../../../src/model/errors.ts'
import { aClient, aContext, aDeployment, noon, type TestContext, type TestContextOptions } from '../../context.ts'

const issuer = 'https://id.test'
const tokenEndpoint = `${issuer}/connect/token`
const day = 24 * 3_600_000
const seconds = noon / 1000
const secret = 'the-secret-of-web'

let web: Client
let clients: Client[]
const spa = aClient({ client_id: 'spa' })

beforeAll(async () => {
  web = aClient({ secrets: [{ hash: await sha256(secret), label: 'first', expires_at: null }] })
  clients = [web, spa]
})

afterEach(() => vi.restoreAllMocks())

interface Presented {
  basic?: string | undefined
  authorization?: string
  body?: Record<string, string>
  context?: TestContext
  path?: string
}

const aTestContext = (options: TestContextOptions = {}) => aContext({ clients, ...options })

/** Sends the credentials to client authentication; returns the authenticated client. */
function present({ basic, authorization, body = {}, context = aTestContext(), path = '/connect/token' }: Presented) {
  const header = authorization ?? (basic === undefined ? undefined : `Basic ${base64(utf8(basic))}`)
  const headers: Record<string, string> = header === undefined ? {} : { authorization: header }
  const request = new Request(issuer + path, { method: 'POST', headers })
  return authenticateClient(context, request, new URLSearchParams(body))
}

/** The OAuthError that `present` throws. */
async function refusalOf(presented: Presented): Promise<OAuthError> {
  const error = await present(presented).catch((thrown: unknown) => thrown)
  if (error instanceof OAuthError) return error
  throw new Error(`expected a refusal, got ${JSON.stringify(error)}`)
}

const seenByCaller = ({ code, description, status, headers }: OAuthError) => ({ code, description, status, headers })

describe('RFC 6749 §2.3.1 client secrets', () => {
  it('authenticates by Basic and by body, without a hop', async () => {
    const context = aTestContext()
    expect(await present({ basic: `web:${secret}`, context })).toEqual({ client: web, method: 'client_secret_basic' })
    const body = { client_id: 'web', client_secret: secret }
    expect(await present({ body, context })).toEqual({ client: web, method: 'client_secret_post' })
    expect(context.hops).toBe(0)
  })

  it('costs one SHA-256', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest')
    await present({ basic: `web:${secret}` })
    expect(digest).toHaveBeenCalledTimes(1)
  })

  it('form-decodes id and secret of the header, and lets the scheme be of any case', async () => {
    const odd = aClient({
      client_id: 'a b:c',
      secrets: [{ hash: await sha256('p+w% é:/'), label: 'odd', expires_at: null }],
    })
    const context = aTestContext({ clients: [odd] })
    const basic = `${encodeURIComponent('a b:c').replaceAll('%20', '+')}:${encodeURIComponent('p+w% é:/')}`
    expect((await present({ basic, context })).client).toBe(odd)
    expect((await present({ authorization: `bASIC  ${base64(utf8(basic))} `, context })).client).toBe(odd)
  })

  it('allows the same client_id in the body beside Basic, and ignores other schemes', async () => {
    expect((await present({ basic: `web:${secret}`, body: { client_id: 'web' } })).method).toBe('client_secret_basic')
    const body = { client_id: 'web', client_secret: secret }
    expect((await present({ authorization: 'Bearer abc', body })).method).toBe('client_secret_post')
  })

  it.each([
    'Basic',
    'Basic ',
    'Basic !!!',
    `Basic ${base64(utf8('no-colon'))}`,
    `Basic ${base64(utf8(':secret'))}`,
    'Basic /w==',
  ])('refuses the malformed header %j as invalid_request', async (authorization) => {
    expect(await refusalOf({ authorization })).toMatchObject({ code: 'invalid_request', status: 400 })
  })
})

describe('T15 two methods at once', () => {
  const assertion = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'x.y.z',
  }
  it.each<[string, Presented]>([
    ['Basic and client_secret', { basic: `web:${secret}`, body: { client_secret: secret } }],
    ['Basic and client_assertion', { basic: `web:${secret}`, body: assertion }],
    ['client_secret and client_assertion', { body: { client_id: 'web', client_secret: secret, ...assertion } }],
    ['Basic of one client and client_id of another', { basic: `web:${secret}`, body: { client_id: 'spa' } }],
    ['client_assertion without its type', { body: { client_id: 'web', client_assertion: 'x.y.z' } }],
  ])('T15 refuses %s as invalid_request', async (_, presented) => {
    const error = await refusalOf(presented)
    expect(error).toMatchObject({ code: 'invalid_request', status: 400, client_id: 'web' })
    expect(JSON.stringify(error.detail)).not.toContain(secret)
  })
})

describe('T16 the method a client is registered for', () => {
  const pkj = aClient({ client_id: 'pkj', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] } })
  const generic = 'client authentication failed'

  it('T16 refuses a secret of a private_key_jwt client, no secret of a confidential one, a secret of a public one', async () => {
    const hash = await sha256(secret)
    const withSecret = { ...pkj, secrets: [{ hash, label: 'left over', expires_at: null }] }
    const context = aTestContext({ clients: [withSecret, web, spa] })
    const all: Presented[] = [
      { basic: `pkj:${secret}`, context },
      { body: { client_id: 'pkj' }, context },
      { body: { client_id: 'web' }, context },
      { body: { client_id: 'spa', client_secret: 'anything' }, context },
      { basic: 'spa:anything', context },
    ]
    for (const presented of all) {
      const error = await refusalOf(presented)
      expect(error).toMatchObject({ code: 'invalid_client', status: 401, description: generic })
      expect(error.detail.check).toBe('client_authentication')
    }
  })

  it('T16 treats an empty secret as absent', async () => {
    for (const presented of [{ body: { client_id: 'spa', client_secret: '' } }, { basic: 'spa:' }]) {
      expect(await present(presented)).toEqual({ client: spa, method: 'none' })
    }
    expect(await refusalOf({ basic: 'web:' })).toMatchObject({ code: 'invalid_client' })
  })

  it('T16 lets a client with secrets use Basic or body unless one method is registered', async () => {
    const context = (method: 'client_secret_basic' | 'client_secret_post') =>
      aTestContext({ clients: [{ ...web, token_endpoint_auth_method: method }] })
    const basic = { basic: `web:${secret}` }
    const post = { body: { client_id: 'web', client_secret: secret } }
    expect((await present({ ...basic, context: context('client_secret_basic') })).method).toBe('client_secret_basic')
    expect((await present({ ...post, context: context('client_secret_post') })).method).toBe('client_secret_post')
    for (const refused of [
      { ...post, context: context('client_secret_basic') },
      { ...basic, context: context('client_secret_post') },
    ]) {
      expect(await refusalOf(refused)).toMatchObject({ code: 'invalid_client', status: 401 })
    }
  })

  it('a request without a client gets 401 invalid_client without a challenge', async () => {
    const error = await refusalOf({})
    expect(error).toMatchObject({ code: 'invalid_client', status: 401, headers: {}, detail: { check: 'client_id' } })
  })
})

describe('the error that the caller sees', () => {
  it('T19 is the same for an unknown client, a disabled one and a wrong secret', async () => {
    const context = aTestContext({ clients: [web, { ...web, client_id: 'off', enabled: false }] })
    const basic = (credentials: string) => refusalOf({ basic: credentials, context })
    const wrong = await basic('web:wrong')
    expect(seenByCaller(wrong)).toEqual({
      code: 'invalid_client',
      description: 'client authentication failed',
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="https://id.test"' },
    })
    expect(seenByCaller(await basic('nobody:wrong'))).toEqual(seenByCaller(wrong))
    expect(seenByCaller(await basic(`off:${secret}`))).toEqual(seenByCaller(wrong))
    const post = await refusalOf({ body: { client_id: 'web', client_secret: 'wrong' }, context })
    expect(post.headers).toEqual({})
  })

  it('differs from the detail for the operator, which contains no secret', async () => {
    const context = aTestContext({ clients: [web, { ...web, client_id: 'off', enabled: false }] })
    const checks = new Map<string, OAuthError>()
    for (const id of ['web', 'nobody', 'off'])
      checks.set(id, await refusalOf({ basic: `${id}:guessed-secret`, context }))
    expect(checks.get('web')?.detail).toMatchObject({
      check: 'client_secret',
      expected: 'the secret "first" (no expiry)',
    })
    expect(checks.get('nobody')?.detail).toMatchObject({ check: 'client_id', received: 'nobody' })
    expect(checks.get('off')?.detail).toMatchObject({ check: 'client_id', received: 'off, which is disabled' })
    for (const [id, error] of checks) {
      expect(error.client_id).toBe(id)
      expect(JSON.stringify(error.detail)).not.toMatch(/guessed-secret|[\w-]{43}/)
    }
  })
})

describe('T19 secrets', () => {
  const withSecrets = async (...secrets: [string, number | null][]) =>
    aClient({
      secrets: await Promise.all(
        secrets.map(async ([label, expires_at]) => ({ hash: await sha256(`secret ${label}`), label, expires_at })),
      ),
    })

  it('T19 accepts both secrets during a rotation', async () => {
    const context = aTestContext({ clients: [await withSecrets(['old', noon + day], ['new', null])] })
    expect((await present({ basic: 'web:secret+old', context })).method).toBe('client_secret_basic')
    expect((await present({ basic: 'web:secret+new', context })).method).toBe('client_secret_basic')
  })

  it('T19 refuses an expired secret and logs its label and expiry', async () => {
    const context = aTestContext({ clients: [await withSecrets(['old', noon], ['new', noon + day])] })
    const error = await refusalOf({ basic: 'web:secret+old', context })
    expect(error).toMatchObject({ code: 'invalid_client', status: 401 })
    expect(error.detail).toEqual({
      check: 'client_secret',
      expected: `the secret "new" (expires ${new Date(noon + day).toISOString()})`,
      received: `the secret "old" (expires ${new Date(noon).toISOString()})`,
      fix: 'configure a newer secret in the client',
    })
    const justBefore = { ...context, now: noon - 1 }
    expect((await present({ basic: 'web:secret+old', context: justBefore })).method).toBe('client_secret_basic')
  })

  it('T19 answers 429 after a hundred failures a minute, but still accepts the correct secret', async () => {
    const context = aTestContext()
    const statuses: number[] = []
    for (let i = 0; i < 1000; i += 1) statuses.push((await refusalOf({ basic: `web:wrong-${i}`, context })).status)
    // The rate limit may start a new period during the loop.
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(200)
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(800)
    const throttled = await refusalOf({ basic: 'web:wrong', context })
    expect(throttled).toMatchObject({ code: 'invalid_client', status: 429, headers: { 'retry-after': '60' } })
    expect((await present({ basic: `web:${secret}`, context })).client).toBe(web)
    expect((await refusalOf({ basic: 'web:wrong' })).status, 'another address').toBe(401)
  })

  it('T19 does not count successes towards the limit', async () => {
    const limit = vi.fn(async () => ({ success: true }))
    const context = aTestContext({ env: { ...env, ANONYMOUS_RATE: { limit } } })
    await present({ basic: `web:${secret}`, context })
    expect(limit).not.toHaveBeenCalled()
    await refusalOf({ basic: 'web:wrong', context })
    expect(limit).toHaveBeenCalledTimes(1)
  })
})

describe('private_key_jwt (RFC 7523)', () => {
  type Keys = Awaited<ReturnType<typeof generateKeyPair>>
  let [ec, rsa, foreign]: Keys[] = []
  let pkj: Client
  let other: Client
  const publicJwk = async (keys: Keys | undefined, kid: string) => ({
    ...(await exportJWK(keys?.publicKey ?? new CryptoKey())),
    kid,
  })

  beforeAll(async () => {
    ;[ec, rsa, foreign] = await Promise.all([
      generateKeyPair('ES256', { extractable: true }),
      generateKeyPair('RS256', { extractable: true }),
      generateKeyPair('ES256', { extractable: true }),
    ])
    const method = 'private_key_jwt' as const
    const keys = [await publicJwk(ec, 'ec-1'), await publicJwk(rsa, 'rsa-1')]
    pkj = aClient({ client_id: 'pkj', token_endpoint_auth_method: method, jwks: { keys } })
    other = aClient({
      client_id: 'other',
      token_endpoint_auth_method: method,
      jwks: { keys: [await publicJwk(foreign, 'foreign-1')] },
    })
    clients = [...clients, pkj, other]
  })

  interface Signing {
    alg?: string
    kid?: string | undefined
    key?: CryptoKey | Uint8Array | undefined
    header?: Record<string, unknown>
    claims?: Record<string, unknown>
  }

  function sign({ alg = 'ES256', kid = 'ec-1', key = ec?.privateKey, header = {}, claims = {} }: Signing = {}) {
    const payload = {
      iss: 'pkj',
      sub: 'pkj',
      aud: issuer,
      jti: base64url(randomBytes(16)),
      iat: seconds,
      exp: seconds + 60,
      ...claims,
    }
    if (!key) throw new Error('no key')
    return new SignJWT(payload).setProtectedHeader({ alg, ...(kid ? { kid } : {}), ...header }).sign(key)
  }

  async function asPss(keys: Keys | undefined) {
    const key = await importJWK(await exportJWK(keys?.privateKey ?? new CryptoKey()), 'PS256')
    return key instanceof CryptoKey ? key : undefined
  }

  const asBody = (assertion: string, more: Record<string, string> = {}) => ({
    body: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...more,
    },
  })

  it('identifies the client by client_id, or by the subject alone, in one hop', async () => {
    const context = aTestContext()
    expect(await present({ ...asBody(await sign()), context })).toEqual({ client: pkj, method: 'private_key_jwt' })
    expect(context.hops).toBe(1)
    expect((await present(asBody(await sign(), { client_id: 'pkj' }))).client).toBe(pkj)
    expect((await present(asBody(await sign({ alg: 'RS256', kid: 'rsa-1', key: rsa?.privateKey })))).client).toBe(pkj)
    expect((await present(asBody(await sign({ alg: 'PS256', kid: 'rsa-1', key: await asPss(rsa) })))).client).toBe(pkj)
    expect((await present(asBody(await sign({ kid: undefined })))).client, 'the one key that fits').toBe(pkj)
  })

  it.each(acceptedAlgorithms)('accepts %s if the client is registered for it', async (alg) => {
    const keys = await generateKeyPair(alg, { extractable: true })
    const jwks = { keys: [{ ...(await publicJwk(keys, 'k')), alg, use: 'sig' }] }
    const client = { ...pkj, jwks, token_endpoint_auth_signing_alg: alg }
    const assertion = await sign({ alg, kid: 'k', key: keys.privateKey })
    expect((await present({ ...asBody(assertion), context: aTestContext({ clients: [client] }) })).client).toBe(client)
    const other = {
      ...client,
      token_endpoint_auth_signing_alg: alg === 'RS256' ? ('PS256' as const) : ('RS256' as const),
    }
    const error = await refusalOf({ ...asBody(assertion), context: aTestContext({ clients: [other] }) })
    expect(error.detail.received).toBe(`alg ${alg}`)
  })

  it('tries at most five matching keys if the kid is missing or ambiguous', async () => {
    const strangers = await Promise.all(
      Array.from({ length: 5 }, () => generateKeyPair('ES256', { extractable: true })),
    )
    const context = async (before: number, kid: string) => {
      const keys = await Promise.all([...strangers.slice(0, before), ec].map((each) => publicJwk(each, kid)))
      return aTestContext({ clients: [{ ...pkj, jwks: { keys } }] })
    }
    for (const kid of ['ec-1', undefined]) {
      const signing = async () => asBody(await sign({ kid }))
      expect((await present({ ...(await signing()), context: await context(4, 'ec-1') })).method).toBe(
        'private_key_jwt',
      )
      expect(await refusalOf({ ...(await signing()), context: await context(5, 'ec-1') })).toMatchObject({
        code: 'invalid_client',
      })
    }
  })

  it('T21 accepts as aud the issuer, the token endpoint and the endpoint called', async () => {
    for (const aud of [issuer, tokenEndpoint]) {
      expect((await present(asBody(await sign({ claims: { aud } })))).client, aud).toBe(pkj)
    }
    const path = '/connect/introspect'
    const assertion = await sign({ claims: { aud: issuer + path } })
    expect((await present({ ...asBody(assertion), path })).client).toBe(pkj)
  })

  it('T21 takes the endpoint from the issuer, never from the Host header', async () => {
    const aud = 'https://evil.test/connect/token'
    const body = new URLSearchParams(asBody(await sign({ claims: { aud } })).body)
    const request = new Request(aud, { method: 'POST' })
    await expect(authenticateClient(aTestContext(), request, body)).rejects.toThrow(OAuthError)
  })

  it.each<[string, unknown]>([
    ['an array', [issuer]],
    ['an array with ours first', [issuer, 'https://other.test']],
    ['another issuer', 'https://other.test'],
    ["another tenant's token endpoint", 'https://id.test/tenant/connect/token'],
    ['another endpoint of ours', `${issuer}/connect/introspect`],
    ['the issuer with a slash', `${issuer}/`],
    ['nothing', undefined],
  ])('T21 refuses as aud %s', async (_, aud) => {
    const error = await refusalOf(asBody(await sign({ claims: { aud } })))
    expect(error).toMatchObject({ code: 'invalid_client', status: 401, client_id: 'pkj' })
    expect(error.detail.expected).toContain('aud')
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['iss of another client', { iss: 'other' }, 'client_assertion'],
    ['sub of an unknown client', { sub: 'nobody' }, 'client_id'],
    ['no sub', { sub: undefined }, 'client_id'],
    ['no iss', { iss: undefined }, 'client_assertion'],
    ['no jti', { jti: undefined }, 'client_assertion'],
    ['an empty jti', { jti: '' }, 'client_assertion'],
    ['a jti of 257 characters', { jti: 'x'.repeat(257) }, 'client_assertion'],
    ['a jti that is a number', { jti: 7 }, 'client_assertion'],
    ['no exp', { exp: undefined }, 'clock'],
    ['an exp in a string', { exp: String(seconds + 60) }, 'clock'],
    ['an exp passed by the skew', { exp: seconds - 60 }, 'clock'],
    ['an exp more than ten minutes and the skew ahead', { exp: seconds + 661 }, 'clock'],
    ['an exp of 1e300', { exp: 1e300 }, 'clock'],
    ['an nbf ahead by more than the skew', { nbf: seconds + 61 }, 'clock'],
    ['an nbf in a string', { nbf: '1' }, 'clock'],
    ['an iat ahead by more than the skew', { iat: seconds + 61 }, 'clock'],
  ])('refuses %s', async (_, claims, check) => {
    const error = await refusalOf(asBody(await sign({ claims })))
    expect(error).toMatchObject({ code: 'invalid_client', status: 401 })
    expect(error.detail.check).toBe(check)
  })

  it('F04 tolerates clocks that differ by the skew', async () => {
    for (const claims of [
      { exp: seconds - 59 },
      { nbf: seconds + 60 },
      { iat: seconds + 60 },
      { exp: seconds + 660 },
    ]) {
      expect((await present(asBody(await sign({ claims })))).client, JSON.stringify(claims)).toBe(pkj)
    }
  })

  it('T22 refuses alg none, HS256 keyed with the public key, another alg than registered, another key', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch')
    const claims = { iss: 'pkj', sub: 'pkj', aud: issuer, jti: 'j', exp: seconds + 60 }
    const publicKey = utf8(JSON.stringify(pkj.jwks?.keys[0]))
    const stranger = { ...(await publicJwk(foreign, 'foreign-1')) }
    const refused: Record<string, string> = {
      none: new UnsecuredJWT(claims).encode(),
      HS256: await sign({ alg: 'HS256', key: publicKey }),
      'a key that does not fit the alg': await sign({ kid: 'rsa-1' }),
      'other client’s kid': await sign({ kid: 'foreign-1', key: foreign?.privateKey }),
      'our kid, other key': await sign({ key: foreign?.privateKey }),
      'jwk in the header': await sign({ kid: undefined, key: foreign?.privateKey, header: { jwk: stranger } }),
      'jku in the header': await sign({ key: foreign?.privateKey, header: { jku: 'https://evil.test/jwks' } }),
      'x5u in the header': await sign({ key: foreign?.privateKey, header: { x5u: 'https://evil.test/x' } }),
      'an unknown crit': await sign().then((jwt) => withHeader(jwt, { alg: 'ES256', kid: 'ec-1', crit: ['x'], x: 1 })),
      'a cut signature': (await sign()).slice(0, -4),
      'two parts': (await sign()).split('.').slice(0, 2).join('.'),
    }
    for (const [what, assertion] of Object.entries(refused)) {
      const error = await refusalOf(asBody(assertion, { client_id: 'pkj' }))
      expect(error, what).toMatchObject({ code: 'invalid_client', status: 401 })
      expect(error.description, what).toBe('client authentication failed')
    }
    expect(fetch).not.toHaveBeenCalled()
  })

  it('T22 refuses RS256 from a client registered for ES256', async () => {
    const context = aTestContext({ clients: [{ ...pkj, token_endpoint_auth_signing_alg: 'ES256' }] })
    expect((await present({ ...asBody(await sign()), context })).method).toBe('private_key_jwt')
    const byRsa = await sign({ alg: 'RS256', kid: 'rsa-1', key: rsa?.privateKey })
    const error = await refusalOf({ ...asBody(byRsa), context })
    expect(error.detail).toMatchObject({ check: 'client_assertion', expected: 'alg ES256', received: 'alg RS256' })
  })

  it('refuses an assertion of one client for the client_id of another', async () => {
    const assertion = await sign({ kid: 'foreign-1', key: foreign?.privateKey, claims: { iss: 'other', sub: 'other' } })
    expect((await present(asBody(assertion))).client).toBe(other)
    expect(await refusalOf(asBody(assertion, { client_id: 'pkj' }))).toMatchObject({ code: 'invalid_client' })
  })

  it('is accepted once, even in parallel, and another client may use the same jti', async () => {
    const assertion = await sign({ claims: { jti: 'once' } })
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => present(asBody(assertion))))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const error = await refusalOf(asBody(await sign({ claims: { jti: 'once' } })))
    expect(error.detail.received).toBe('a jti used before')
    const claims = { iss: 'other', sub: 'other', jti: 'once' }
    const ofOther = await sign({ kid: 'foreign-1', key: foreign?.privateKey, claims })
    expect((await present(asBody(ofOther))).client).toBe(other)
  })

  it('does not use up the jti of an assertion that is refused for another reason', async () => {
    const context = aTestContext()
    await refusalOf({ ...asBody(await sign({ claims: { jti: 'kept', aud: 'https://other.test' } })), context })
    expect(context.hops).toBe(0)
    expect((await present(asBody(await sign({ claims: { jti: 'kept' } })))).client).toBe(pkj)
  })

  it('names the fault only to a caller that holds the key', async () => {
    const aud = await refusalOf(asBody(await sign({ claims: { aud: tokenEndpoint.toUpperCase() } })))
    expect(aud.description).toBe('client authentication failed: expected aud https://id.test, as a single string')
    const forged = await refusalOf(asBody(await sign({ key: foreign?.privateKey, claims: { aud: 'wrong' } })))
    expect(forged.description).toBe('client authentication failed')
  })

  function withHeader(jwt: string, header: object): string {
    return [base64url(utf8(JSON.stringify(header))), ...jwt.split('.').slice(1)].join('.')
  }

  describe('keys at a jwks_uri', () => {
    let uris = 0
    const aRemote = (): Client => {
      uris += 1
      return { ...pkj, jwks: null, jwks_uri: `https://rp-${uris}.test/jwks` }
    }
    const serves = (answer: () => Response | Promise<Response>) =>
      vi.spyOn(globalThis, 'fetch').mockImplementation(async () => answer())
    const set = async (...keys: [Keys | undefined, string][]) => {
      const jwks = { keys: await Promise.all(keys.map(([pair, kid]) => publicJwk(pair, kid))) }
      return () => Response.json(jwks)
    }
    const at = (client: Client, seconds: number, options: TestContextOptions = {}) =>
      aContext({ clients: [client], now: noon + seconds * 1000, ...options })
    const signAt = (after: number, signing: Signing = {}) =>
      sign({ ...signing, claims: { iat: seconds + after, exp: seconds + after + 60 } })
    const attempt = async (client: Client, after: number, signing: Signing = {}, options: TestContextOptions = {}) => {
      const context = at(client, after, options)
      return present({ ...asBody(await signAt(after, signing)), context }).then(
        () => 'accepted',
        (error: unknown) => (error instanceof OAuthError ? (error.detail.received ?? '') : Promise.reject(error)),
      )
    }

    it('are fetched once and kept for ten minutes', async () => {
      const client = aRemote()
      const fetch = serves(await set([ec, 'ec-1']))
      for (const after of [0, 1, 599]) expect(await attempt(client, after)).toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(1)
      expect(await attempt(client, 601)).toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(2)
    })

    it('rp-key-rotation: are fetched again for an unknown key, at most once a minute', async () => {
      const client = aRemote()
      serves(await set([ec, 'ec-1']))
      expect(await attempt(client, 0)).toBe('accepted')
      const fetch = serves(await set([foreign, 'ec-2']))
      fetch.mockClear()
      const rotated = { kid: 'ec-2', key: foreign?.privateKey }
      expect(await attempt(client, 30, rotated), 'asked half a minute ago').not.toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(0)
      expect(await attempt(client, 61, rotated)).toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(1)
      for (let i = 0; i < 20; i += 1) await attempt(client, 62 + i, { kid: `random-${i}` })
      expect(fetch).toHaveBeenCalledTimes(1)
      expect(await attempt(client, 90, rotated)).toBe('accepted')
    })

    it('are kept for an hour while they cannot be fetched, with one attempt in ten seconds at most', async () => {
      const client = aRemote()
      serves(await set([ec, 'ec-1']))
      expect(await attempt(client, 0)).toBe('accepted')
      const fetch = serves(() => new Response('down', { status: 503 }))
      fetch.mockClear()
      for (const after of [700, 701, 705, 709]) expect(await attempt(client, after)).toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(1)
      expect(await attempt(client, 3599)).toBe('accepted')
      expect(await attempt(client, 3700)).toBe(`${client.jwks_uri} answered with status 503`)
    })

    it('T24 are refused from internal addresses, after a redirect, above 256 KB or a hundred keys, or if not a JWK set', async () => {
      const many = [await publicJwk(ec, 'ec-1'), ...Array.from({ length: 100 }, () => ({ kty: 'EC' }))]
      const bad: [string, () => Response][] = [
        ['a redirect inside', () => new Response(null, { status: 302, headers: { location: 'https://10.0.0.1/' } })],
        ['10 MB', () => new Response(new Uint8Array(10 * 2 ** 20))],
        ['hundreds of keys', () => Response.json({ keys: many })],
        ['no JSON', () => new Response('<html>')],
        ['no set', () => Response.json([])],
        ['null', () => Response.json(null)],
        ['keys of other types', () => Response.json({ keys: [null, 1, 'x', {}, { kty: 'EC', kid: 7, crv: 'P-256' }] })],
        ['deep JSON', () => new Response('['.repeat(100_000))],
      ]
      for (const [what, answer] of bad) {
        const fetch = serves(answer)
        fetch.mockClear()
        expect(await attempt(aRemote(), 0), what).not.toBe('accepted')
        expect(fetch, what).toHaveBeenCalledTimes(1)
      }
      const fetch = serves(await set([ec, 'ec-1']))
      fetch.mockClear()
      for (const jwks_uri of [
        'https://10.0.0.1/jwks',
        'http://rp.test/jwks',
        'https://localhost/jwks',
        'https://a.internal/',
      ]) {
        expect(await attempt({ ...pkj, jwks: null, jwks_uri }, 0), jwks_uri).toContain(jwks_uri)
      }
      expect(fetch).not.toHaveBeenCalled()
    })

    it('K01 are ignored if they are published with private members', async () => {
      const client = aRemote()
      const jwk = { ...(await exportJWK(ec?.privateKey ?? new CryptoKey())), kid: 'ec-1' }
      serves(() => Response.json({ keys: [jwk] }))
      expect(await attempt(client, 0)).toBe('kid ec-1, alg ES256')
    })

    it('T24 may be on loopback if the issuer is', async () => {
      const place = aDeployment({ AUTHORITY_URL: 'http://127.0.0.1:8787' })
      const client = { ...pkj, jwks: null, jwks_uri: 'http://127.0.0.1:9999/jwks' }
      const fetch = serves(await set([ec, 'ec-1']))
      const context = at(client, 0, place)
      const assertion = await sign({ claims: { aud: place.issuer.url } })
      expect((await present({ ...asBody(assertion), context })).client).toBe(client)
      expect(context.hops, 'the keys and the mark').toBe(2)
      expect(fetch).toHaveBeenCalledTimes(1)
    })

    it('T24 are fetched at most once in ten seconds while that fails', async () => {
      const client = aRemote()
      const fetch = serves(() => new Response('down', { status: 500 }))
      for (let i = 0; i < 9; i += 1) expect(await attempt(client, i)).not.toBe('accepted')
      expect(fetch).toHaveBeenCalledTimes(1)
    })
  })
})
