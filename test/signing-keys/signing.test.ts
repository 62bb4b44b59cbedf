import { env } from 'cloudflare:workers'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createSealer } from '../../src/crypto/seal.ts'
import { signingAlgorithms } from '../../src/crypto/signing-algorithms.ts'
import { OAuthError } from '../../src/model/errors.ts'
import { publishedJwks } from '../../src/signing-keys/jwks.ts'
import { signJwt, verifyJwt } from '../../src/signing-keys/signing.ts'
import { aContext, noon } from '../context.ts'
import { addClient, contextAt, emptyRing, keysInD1, origin, set, theRing } from './ring.ts'

// Generating an RSA key takes a random time: mostly 0.1 s, sometimes a second, on a busy machine several.
vi.setConfig({ testTimeout: 30_000 })

const second = 1000
const hour = 3600 * second
const claims = { iss: 'https://id.test', sub: 'zoë', aud: 'api', iat: noon / second, exp: noon / second + 3600 }
const token = { alg: 'RS256', typ: 'at+jwt', claims } as const

beforeEach(emptyRing)

async function aRing() {
  await addClient()
  await theRing().ensure(noon)
}

const headerOf = (jwt: string) =>
  JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(jwt.split('.')[0] ?? '', { alphabet: 'base64url' })))

const jwksAt = async (now: number) => JSON.parse((await publishedJwks(await contextAt(now))).body)

const kidsAt = async (now: number): Promise<string[]> => (await jwksAt(now)).keys.map((key: { kid: string }) => key.kid)

async function refusal(attempt: Promise<unknown>): Promise<OAuthError> {
  const fault = await attempt.catch((reason: unknown) => reason)
  if (!(fault instanceof OAuthError)) throw new Error(`expected a refusal, got ${String(fault)}`)
  return fault
}

describe('signing', () => {
  it.each(signingAlgorithms)('%s: jose verifies the token with the published JWKS', async (alg) => {
    await set({ signing_algs: [...signingAlgorithms] })
    await aRing()
    const context = await contextAt(noon)
    const jwt = await signJwt(context, { alg, typ: 'at+jwt', claims })
    const keys = createLocalJWKSet(JSON.parse((await publishedJwks(context)).body))
    const read = await jwtVerify(jwt, keys, { issuer: 'https://id.test', currentDate: new Date(noon) })
    expect(read.payload).toEqual(claims)
    expect(read.protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: expect.stringMatching(new RegExp(`${alg}$`)) })
    expect(await verifyJwt(context, jwt)).toEqual({ header: read.protectedHeader, claims })
  })

  it('names the key by thumbprints of its certificate alone on request (RFC 7515 §4.1.7, §4.1.8)', async () => {
    await aRing()
    const jwt = await signJwt(await contextAt(noon), { ...token, namedBy: 'certificate' })
    const [{ x5t, 'x5t#S256': x5tS256, x5c }] = (await jwksAt(noon)).keys
    expect(headerOf(jwt)).toEqual({ alg: 'RS256', typ: 'at+jwt', x5t, 'x5t#S256': x5tS256 })
    const der = Uint8Array.fromBase64(x5c[0])
    const thumbprint = new Uint8Array(await crypto.subtle.digest('SHA-1', der))
    expect(x5t).toBe(thumbprint.toBase64({ alphabet: 'base64url', omitPadding: true }))
  })

  it('asks the KeyRing for the first key once', async () => {
    await addClient()
    const context = await contextAt(noon)
    const jwt = await signJwt(context, token)
    expect(context.hops).toBe(1)
    expect(await verifyJwt(context, jwt)).toBeDefined()
    await signJwt(context, token)
    expect(context.hops).toBe(1)
    expect(await keysInD1()).toHaveLength(1)
  })

  it('K06 uses one key for fifty concurrent requests without a key', async () => {
    await addClient()
    const contexts = await Promise.all(Array.from({ length: 50 }, () => contextAt(noon)))
    const tokens = await Promise.all(contexts.map((context) => signJwt(context, token)))
    const published = await kidsAt(noon)
    expect(published).toHaveLength(1)
    expect(new Set(tokens.map((jwt) => headerOf(jwt).kid))).toEqual(new Set(published))
  })

  it('uses the new key from the answer of the KeyRing while a replica of D1 does not have it yet', async () => {
    await addClient()
    const context = aContext({ configuration: { keys: [], refresh: async () => {} } })
    const jwt = await signJwt(context, token)
    expect(headerOf(jwt).kid).toBe((await keysInD1())[0]?.kid)
  })

  it('answers 503 with Retry-After when no key exists and none can be made', async () => {
    const fault = await refusal(signJwt(await contextAt(noon), token))
    expect(fault).toMatchObject({ code: 'temporarily_unavailable', status: 503, headers: { 'retry-after': '2' } })
    expect(await keysInD1()).toEqual([])
  })

  it('answers 503 for an algorithm that the settings do not name', async () => {
    await aRing()
    const fault = await refusal(signJwt(await contextAt(noon), { ...token, alg: 'ES384' }))
    expect(fault).toMatchObject({ code: 'temporarily_unavailable', status: 503 })
    expect(fault.detail.received).toMatch(/signing_algs.*does not name it/)
  })

  it('tells only the operator what to do when WRAP_KEY was changed', async () => {
    await aRing()
    const context = await contextAt(noon)
    const bytes = crypto.getRandomValues(new Uint8Array(32))
    context.issuer = { ...context.issuer, keyWrapper: createSealer([{ id: 1, bytes }], 'https://id.test') }
    const fault = await refusal(signJwt(context, token))
    expect(fault).toMatchObject({ code: 'temporarily_unavailable', status: 503, headers: { 'retry-after': '60' } })
    expect(fault.detail.fix).toMatch(/WRAP_KEY/)
    expect(fault.description).not.toMatch(/WRAP|key/i)
  })

  it('opens and imports a key once', async () => {
    await aRing()
    const context = await contextAt(noon)
    await signJwt(context, token)
    const open = vi.spyOn(context.issuer.keyWrapper, 'open')
    const importKey = vi.spyOn(crypto.subtle, 'importKey')
    await signJwt(context, token)
    await signJwt(await contextAt(noon + hour), token)
    expect(open).not.toHaveBeenCalled()
    expect(importKey).not.toHaveBeenCalled()
    open.mockRestore()
    importKey.mockRestore()
  })
})

describe('K05 rotation by time alone', () => {
  async function aRotation() {
    await aRing()
    const [old] = await kidsAt(noon)
    const answer = await theRing().rotate(noon, origin)
    if (answer.outcome !== 'announced') throw new Error(answer.outcome)
    return { old: old ?? '', kid: answer.kids[0] ?? '', at: answer.activates_at }
  }

  it('publishes the new key at once and signs with it only when every cached JWKS has it', async () => {
    const { old, kid, at } = await aRotation()
    expect(await kidsAt(noon + second)).toEqual([kid, old])
    expect(headerOf(await signJwt(await contextAt(noon + second), token)).kid).toBe(old)
    expect(headerOf(await signJwt(await contextAt(at - 1), token)).kid).toBe(old)
    expect(headerOf(await signJwt(await contextAt(at), token)).kid).toBe(kid)
    expect(at - noon).toBeGreaterThanOrEqual(600 * second)
  })

  it('switches to the new key even if the KeyRing never runs, and keeps the old one published', async () => {
    const { old, kid, at } = await aRotation()
    const before = await signJwt(await contextAt(at - 1), token)
    const context = await contextAt(at + hour)
    expect(headerOf(await signJwt(context, token)).kid).toBe(kid)
    expect(await kidsAt(at + hour)).toEqual([kid, old])
    expect(await verifyJwt(context, before)).toBeDefined()
  })

  it('causes no refused token at a client that caches the JWKS for its max-age, before, during and after', async () => {
    const { at } = await aRotation()
    const maxAge = 600 * second
    const fetched = new Map<number, Awaited<ReturnType<typeof jwksAt>>>()
    for (let now = at - 2 * maxAge; now <= at + 2 * maxAge; now += maxAge / 2) fetched.set(now, await jwksAt(now))
    for (const [now] of fetched) {
      const jwt = await signJwt(await contextAt(now), { ...token, claims: { ...claims, exp: 9_999_999_999 } })
      const cachedBefore = fetched.get(now - maxAge)
      if (cachedBefore) await expect(jwtVerify(jwt, createLocalJWKSet(cachedBefore))).resolves.toBeDefined()
    }
  })
})

describe('verifying', () => {
  it('refuses another issuer, another type, and text that is not a token', async () => {
    await aRing()
    const context = await contextAt(noon)
    const foreign = await signJwt(context, { ...token, claims: { ...claims, iss: 'https://id.test/' } })
    const jwt = await signJwt(context, token)
    expect(await verifyJwt(context, foreign)).toBeUndefined()
    expect(await verifyJwt(context, jwt, { typ: ['JWT'] })).toBeUndefined()
    expect(await verifyJwt(context, jwt, { typ: ['JWT', 'at+jwt'] })).toBeDefined()
    expect(await verifyJwt(context, jwt, { typ: ['application/AT+JWT'] })).toBeDefined()
    for (const text of ['', 'a.b.c', `${jwt}.`, jwt.slice(0, -4)])
      expect(await verifyJwt(context, text)).toBeUndefined()
  })

  it('K04 ignores keys that a token contains or points to, and makes no request', async () => {
    await aRing()
    const context = await contextAt(noon)
    const own = (await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      ['sign', 'verify'],
    )) as CryptoKeyPair
    const jwk = (await crypto.subtle.exportKey('jwk', own.publicKey)) as JsonWebKey
    const [kid = ''] = await kidsAt(noon)
    const fetched = vi.spyOn(globalThis, 'fetch')
    const lures = [
      { jwk },
      { jku: 'https://evil.test/jwks' },
      { x5u: 'https://evil.test/x5u' },
      { x5c: ['AAAA'], 'x5t#S256': 'AAAA' },
    ]
    for (const lure of lures) {
      for (const of of [{ kid }, { kid: 'mine' }, {}]) {
        const header = { alg: 'RS256', typ: 'at+jwt', ...lure, ...of } as Parameters<SignJWT['setProtectedHeader']>[0]
        const jwt = await new SignJWT(claims).setProtectedHeader(header).sign(own.privateKey)
        expect(await verifyJwt(context, jwt)).toBeUndefined()
      }
    }
    expect(fetched).not.toHaveBeenCalled()
    fetched.mockRestore()
  })

  it('K04 accepts only the algorithm of the key: the public key is not an HMAC secret', async () => {
    await set({ signing_algs: ['RS256', 'PS256'] })
    await aRing()
    const context = await contextAt(noon)
    const { keys } = await jwksAt(noon)
    for (const key of keys) {
      const secret = new TextEncoder().encode(JSON.stringify(key))
      const jwt = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(secret)
      expect(await verifyJwt(context, jwt)).toBeUndefined()
    }
    // Signed by the right private key, but under the kid of the other algorithm.
    const ps256 = await signJwt(context, { ...token, alg: 'PS256' })
    const rs256Header = (await signJwt(context, token)).split('.')[0]
    const mixed = [rs256Header, ...ps256.split('.').slice(1)].join('.')
    expect(await verifyJwt(context, mixed)).toBeUndefined()
  })

  it('reads D1 for an unknown kid at most once in five seconds', async () => {
    await aRing()
    const ring = await contextAt(noon)
    const jwt = await signJwt(ring, token)
    const keys = ring.configuration.keys
    // Separate bindings, since the time of the last read is remembered per bindings object.
    const fresh = { ...env }
    let known: typeof keys = []
    let asked = 0
    const refresh = async () => {
      asked += 1
      if (asked === 2) known = keys
    }
    const configuration = Object.defineProperty({ ...ring.configuration, refresh }, 'keys', { get: () => known })
    const at = (now: number) => ({ ...aContext({ env: fresh, now }), configuration })
    expect(await verifyJwt(at(noon), jwt)).toBeUndefined()
    expect(await verifyJwt(at(noon + 4999), jwt)).toBeUndefined()
    expect(asked).toBe(1)
    expect(await verifyJwt(at(noon + 5000), jwt)).toBeDefined()
    expect(await verifyJwt(at(noon + 60_000), jwt)).toBeDefined()
    expect(asked).toBe(2)
  })
})

describe('K12 a key retired in an emergency', () => {
  it('no longer verifies tokens or hints, is not published, and does not sign', async () => {
    await aRing()
    const [kid = ''] = await kidsAt(noon)
    const jwt = await signJwt(await contextAt(noon), token)
    await theRing().retire(kid, noon + second, origin)
    const context = await contextAt(noon + second)
    expect(await verifyJwt(context, jwt)).toBeUndefined()
    expect(await verifyJwt(context, jwt, { allowRetiredForHint: true })).toBeUndefined()
    const published = await kidsAt(noon + second)
    expect(published).not.toContain(kid)
    expect(published).toEqual([headerOf(await signJwt(context, token)).kid])
  })

  it('is known to an idle isolate within ten seconds', async () => {
    await aRing()
    const [kid = ''] = await kidsAt(noon)
    const stale = await contextAt(noon)
    const jwt = await signJwt(stale, token)
    expect(await verifyJwt(stale, jwt)).toBeDefined()
    await theRing().retire(kid, noon + second, origin)
    expect(await verifyJwt(await contextAt(noon + 10 * second), jwt)).toBeUndefined()
  })
})

describe('a key that retired after a rotation', () => {
  async function aRetiredKey() {
    await aRing()
    const jwt = await signJwt(await contextAt(noon), token)
    const answer = await theRing().rotate(noon, origin)
    const at = answer.outcome === 'announced' ? answer.activates_at : 0
    await theRing().rotate(at, origin)
    const retired = (await keysInD1()).find((key) => key.state === 'retired')
    return { jwt, goneAt: retired?.gone_at ?? 0, kid: retired?.kid ?? '' }
  }

  it('verifies tokens while it is published, and hints until the longest session is over', async () => {
    const { jwt, goneAt, kid } = await aRetiredKey()
    const hint = { allowRetiredForHint: true }
    expect(await kidsAt(goneAt - 1)).toContain(kid)
    expect(await verifyJwt(await contextAt(goneAt - 1), jwt)).toBeDefined()
    expect(await kidsAt(goneAt)).not.toContain(kid)
    expect(await verifyJwt(await contextAt(goneAt), jwt)).toBeUndefined()
    expect(await verifyJwt(await contextAt(goneAt), jwt, hint)).toBeDefined()
    const sessionsEnd = goneAt + 30 * 24 * hour
    expect(await verifyJwt(await contextAt(sessionsEnd - 1), jwt, hint)).toBeDefined()
    expect(await verifyJwt(await contextAt(sessionsEnd), jwt, hint)).toBeUndefined()
  })
})

describe('the JWKS', () => {
  it('K01 has only public members in every state, with kid, alg and use, and matching certificates', async () => {
    await set({ signing_algs: [...signingAlgorithms] })
    await aRing()
    await theRing().rotate(noon, origin)
    await theRing().rotate(noon + 24 * hour, origin)
    const { keys } = await jwksAt(noon + 24 * hour)
    expect(keys).toHaveLength(15)
    expect(new Set(keys.map((key: { kid: string }) => key.kid)).size).toBe(15)
    for (const key of keys) {
      expect(key.use).toBe('sig')
      expect(signingAlgorithms).toContain(key.alg)
      const ofKind = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] }[key.kty as 'RSA' | 'EC' | 'OKP']
      expect(Object.keys(key).sort()).toEqual(['alg', 'kid', 'kty', 'use', 'x5c', 'x5t', 'x5t#S256', ...ofKind].sort())
      const certificate = Uint8Array.fromBase64(key.x5c[0])
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', certificate))
      expect(key['x5t#S256']).toBe(digest.toBase64({ alphabet: 'base64url', omitPadding: true }))
    }
  })

  it('K01 omits other members, even when a row holds them', async () => {
    await aRing()
    const [key] = await keysInD1()
    if (!key) throw new Error('no key')
    const spoilt = { ...key, public_jwk: { ...key.public_jwk, d: 'secret', k: 'secret', oth: [] } }
    const { body } = await publishedJwks(aContext({ configuration: { keys: [spoilt] } }))
    expect(body).not.toMatch(/secret|oth/)
    expect(body).toContain(key.kid)
  })

  it('is serialised once for each state of the ring, with an entity tag that changes with it', async () => {
    await aRing()
    const context = await contextAt(noon)
    const first = await publishedJwks(context)
    expect(await publishedJwks(context)).toBe(first)
    await theRing().rotate(noon, origin)
    const second = await publishedJwks(await contextAt(noon + 1))
    expect(second.etag).not.toBe(first.etag)
    expect(first.etag).toMatch(/^"[\w-]{22}"$/)
  })

  it('changes without a write when a retired key is due to leave', async () => {
    await aRing()
    const [key] = await keysInD1()
    if (!key) throw new Error('no key')
    const keys = [key, { ...key, kid: 'old', state: 'retired' as const, retired_at: noon, gone_at: noon + hour }]
    const countAt = async (now: number) =>
      JSON.parse((await publishedJwks(aContext({ now, configuration: { keys } }))).body).keys.length
    expect(await countAt(noon)).toBe(2)
    expect(await countAt(noon + hour - 1)).toBe(2)
    expect(await countAt(noon + hour)).toBe(1)
  })

  it('is empty, and marked so, while no client is enabled', async () => {
    const jwks = await publishedJwks(await contextAt(noon))
    expect(jwks).toMatchObject({ body: '{"keys":[]}', isEmpty: true })
  })

  it('makes the first key on a request before the first token, but calls the KeyRing at most once in five seconds', async () => {
    const fresh = { ...env }
    const ask = async (now: number) => {
      const context = await contextAt(now)
      const jwks = await publishedJwks({ ...context, env: fresh })
      return jwks.isEmpty
    }
    expect(await ask(noon)).toBe(true)
    await addClient()
    expect(await ask(noon + 4999)).toBe(true)
    expect(await ask(noon + 5000)).toBe(false)
  })
})
