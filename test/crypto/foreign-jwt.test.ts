import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type AcceptedAlgorithm, acceptedAlgorithms, keyRequirements } from '../../src/crypto/accepted-algorithms.ts'
import * as der from '../../src/crypto/der.ts'
import { base64url, parseBase64url, utf8 } from '../../src/crypto/encoding.ts'
import { importForeignKey, parseForeignJwt, verifyForeignJwt } from '../../src/crypto/foreign-jwt.ts'
import { jwkThumbprint } from '../../src/crypto/jwk.ts'

interface Pair {
  privateKey: CryptoKey
  publicJwk: JWK
  privateJwk: JWK
}

const claims = { iss: 'https://op.test', sub: 'Zoë ✓', nested: { list: [1, { deep: true }] } }
const part = (value: unknown): string => base64url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))

async function newPair(alg: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, publicJwk: await exportJWK(publicKey), privateJwk: await exportJWK(privateKey) }
}

const pairs = {} as Record<AcceptedAlgorithm, Pair>

beforeAll(async () => {
  for (const alg of acceptedAlgorithms) pairs[alg] = await newPair(alg)
})

type Header = { alg: string } & Record<string, unknown>

const signWith = (key: CryptoKey | Uint8Array, header: Header, payload: object = claims): Promise<string> =>
  new CompactSign(utf8(JSON.stringify(payload))).setProtectedHeader(header).sign(key)

const sign = (alg: AcceptedAlgorithm, header: object = {}, payload: object = claims): Promise<string> =>
  signWith(pairs[alg].privateKey, { alg, ...header }, payload)

/** Verifies a token with a published key as brokering and client authentication do. */
async function isAccepted(token: string, jwk: object, alg: AcceptedAlgorithm): Promise<boolean> {
  const jwt = parseForeignJwt(token)
  const key = await importForeignKey(jwk as JsonWebKey, alg)
  return jwt !== undefined && key !== undefined && verifyForeignJwt(jwt, key, alg)
}

const isImported = async (jwk: object, alg: AcceptedAlgorithm) =>
  (await importForeignKey(jwk as JsonWebKey, alg)) !== undefined

describe.each(acceptedAlgorithms)('%s', (alg) => {
  it('verifies a token by the published key', async () => {
    const token = await sign(alg, { typ: 'JWT', kid: 'k' })
    expect(await isAccepted(token, { ...pairs[alg].publicJwk, kid: 'k', alg, use: 'sig' }, alg)).toBe(true)
    expect(parseForeignJwt(token)).toMatchObject({ claims, header: { alg, typ: 'JWT', kid: 'k' } })
  })

  it('refuses another key, changed claims, and a changed, shortened or prolonged signature', async () => {
    const { publicJwk } = pairs[alg]
    const token = await sign(alg)
    const [header, payload, signature = ''] = token.split('.')
    const bytes = parseBase64url(signature) ?? new Uint8Array()
    const flipped = bytes.slice()
    flipped[9] = (flipped[9] ?? 0) ^ 1
    expect(await isAccepted(await signWith((await newPair(alg)).privateKey, { alg }), publicJwk, alg)).toBe(false)
    expect(await isAccepted([header, part({ sub: 'eve' }), signature].join('.'), publicJwk, alg)).toBe(false)
    for (const other of [flipped, bytes.slice(0, -1), bytes.slice(0, 1), Uint8Array.of(...bytes, 0)]) {
      expect(await isAccepted([header, payload, base64url(other)].join('.'), publicJwk, alg)).toBe(false)
    }
  })

  it('refuses a token that names another algorithm than the key is for (RFC 8725 §3.1)', async () => {
    const { publicJwk } = pairs[alg]
    const [, payload, signature] = (await sign(alg)).split('.')
    for (const other of ['none', 'HS256', 'HS512', alg.toLowerCase(), ...acceptedAlgorithms]) {
      if (other !== alg)
        expect(await isAccepted([part({ alg: other }), payload, signature].join('.'), publicJwk, alg)).toBe(false)
    }
  })

  it('is not verified by a key of another type or curve', async () => {
    for (const other of acceptedAlgorithms) {
      const isSameType =
        keyRequirements[other].kty === keyRequirements[alg].kty &&
        keyRequirements[other].crv === keyRequirements[alg].crv
      expect(await isImported(pairs[other].publicJwk, alg), other).toBe(isSameType)
    }
  })
})

describe('the algorithm', () => {
  it('none is refused, with and without a signature', async () => {
    const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`
    expect(parseForeignJwt(unsigned)).toBeUndefined()
    for (const alg of acceptedAlgorithms) {
      expect(await isAccepted(`${unsigned}AAAA`, pairs[alg].publicJwk, alg)).toBe(false)
    }
  })

  it('HS256 keyed with the public key is refused', async () => {
    const { publicJwk } = pairs.RS256
    const secrets = [JSON.stringify(publicJwk), publicJwk.n ?? '']
    for (const secret of secrets) {
      expect(await isAccepted(await signWith(utf8(secret), { alg: 'HS256' }), publicJwk, 'RS256')).toBe(false)
    }
  })
})

describe('a JWK', () => {
  const ec = () => pairs.ES256.publicJwk

  it.each<[string, object]>([
    ['use enc', { use: 'enc' }],
    ['key_ops without verify', { key_ops: ['encrypt'] }],
    ['key_ops that is not an array', { key_ops: 'verify' }],
    ['the alg of another hash', { alg: 'ES384' }],
    ['the alg of another key type', { alg: 'RS256' }],
    ['another kty', { kty: 'OKP' }],
    ['another curve', { crv: 'P-384' }],
    ['an unknown curve', { crv: 'secp256k1' }],
    ['a point that is not on the curve', { x: base64url(new Uint8Array(32).fill(7)) }],
    ['a coordinate that is too short', { x: 'AA' }],
    ['no y', { y: undefined }],
  ])('with %s verifies nothing (RFC 7517 §4)', async (_, members) => {
    expect(await isImported(ec(), 'ES256')).toBe(true)
    expect(await isImported({ ...ec(), ...members }, 'ES256')).toBe(false)
  })

  it('may state its use for signatures, and have unknown members', async () => {
    const members = { use: 'sig', key_ops: ['verify'], alg: 'ES256', kid: 7, ext: 'no', x5c: ['?'] }
    expect(await isImported({ ...ec(), ...members }, 'ES256')).toBe(true)
  })

  it('EdDSA and Ed25519 are two names: a key that states one does not verify the other (RFC 9864)', async () => {
    const { publicJwk } = pairs.EdDSA
    expect(await isImported({ ...publicJwk, alg: 'Ed25519' }, 'EdDSA')).toBe(false)
    expect(await isImported({ ...publicJwk, alg: 'EdDSA' }, 'Ed25519')).toBe(false)
    expect(await isAccepted(await signWith(pairs.EdDSA.privateKey, { alg: 'Ed25519' }), publicJwk, 'Ed25519')).toBe(
      true,
    )
  })

  it('of RSA has 2048 bits or more (RFC 7518 §3.3)', async () => {
    const { publicKey } = (await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      ['sign', 'verify'],
    )) as CryptoKeyPair
    const weak = await exportJWK(publicKey)
    for (const alg of acceptedAlgorithms) expect(await isImported(weak, alg), alg).toBe(false)
    expect(await isImported({ kty: 'RSA', n: '!', e: 'AQAB' }, 'RS256')).toBe(false)
  })

  it('with private or secret members is not a public key', async () => {
    for (const alg of acceptedAlgorithms) expect(await isImported(pairs[alg].privateJwk, alg), alg).toBe(false)
    expect(await isImported({ ...ec(), k: 'AAAA' }, 'ES256')).toBe(false)
    for (const alg of acceptedAlgorithms) expect(await isImported({ kty: 'oct', k: 'AAAA' }, alg), alg).toBe(false)
  })

  it('of Ed25519 has 32 bytes', async () => {
    for (const length of [0, 31, 33, 64]) {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(new Uint8Array(length).fill(9)) }
      expect(await isImported(jwk, 'EdDSA'), `${length} bytes`).toBe(false)
    }
    const { publicKey } = (await crypto.subtle.generateKey({ name: 'X25519' }, true, ['deriveBits'])) as CryptoKeyPair
    expect(await isImported(await exportJWK(publicKey), 'EdDSA')).toBe(false)
  })
})

describe('the header', () => {
  it.each<[string, object]>([
    ['crit of an extension that is not there', { crit: ['x'] }],
    ['crit of an extension that is there', { crit: ['x'], x: 1 }],
    ['an empty crit', { crit: [] }],
    ['b64 false with its crit', { b64: false, crit: ['b64'] }],
    ['b64 false alone', { b64: false }],
    ['b64 true', { b64: true }],
    ['cty', { cty: 'JWT' }],
    ['a kid that is not a string', { kid: 1 }],
  ])('with %s is refused', async (_, members) => {
    const [, payload, signature] = (await sign('ES256')).split('.')
    expect(parseForeignJwt([part({ alg: 'ES256', ...members }), payload, signature].join('.'))).toBeUndefined()
  })

  it('with a member twice is refused; of a duplicate claim the last one counts (RFC 7515 §4, RFC 7519 §4)', async () => {
    const signature = part('x'.repeat(64))
    expect(parseForeignJwt(`${part('{"alg":"none","alg":"ES256"}')}.${part('{}')}.${signature}`)).toBeUndefined()
    expect(parseForeignJwt(`${part('{"alg":"ES256"}')}.${part('{"sub":"a","sub":"b"}')}.${signature}`)?.claims).toEqual(
      {
        sub: 'b',
      },
    )
  })

  it('that contains or points to a key does not change which key verifies (RFC 8725 §3.10)', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch')
    const attacker = await newPair('ES256')
    const urls = { jku: 'https://evil.test/jwks', x5u: 'https://evil.test/x5' }
    for (const members of [{ jwk: attacker.publicJwk }, { x5c: ['MIIB'] }, urls]) {
      const forged = await signWith(attacker.privateKey, { alg: 'ES256', ...members })
      expect(await isAccepted(forged, pairs.ES256.publicJwk, 'ES256')).toBe(false)
      expect(await isAccepted(await sign('ES256', members), pairs.ES256.publicJwk, 'ES256')).toBe(true)
    }
    expect(fetch).not.toHaveBeenCalled()
    fetch.mockRestore()
  })
})

describe('the serialisation', () => {
  const nested = (levels: number): object => (levels === 1 ? {} : { x: nested(levels - 1) })

  it('has claims and a header of 32 levels at most', async () => {
    expect(await isAccepted(await sign('ES256', {}, nested(32)), pairs.ES256.publicJwk, 'ES256')).toBe(true)
    expect(parseForeignJwt(await sign('ES256', {}, nested(34)))).toBeUndefined()
    expect(parseForeignJwt(await sign('ES256', { x: nested(34) }))).toBeUndefined()
  })

  it('has 16384 characters at most', async () => {
    expect(parseForeignJwt(await sign('ES256', {}, { pad: 'x'.repeat(12_000) }))).toBeDefined()
    expect(parseForeignJwt(await sign('ES256', {}, { pad: 'x'.repeat(12_288) }))).toBeUndefined()
  })

  it.each<[string, (token: string) => string]>([
    ['a line feed behind it', (token) => `${token}\n`],
    ['a blank before it', (token) => ` ${token}`],
    ['padding', (token) => `${token}==`],
    ['a fourth part', (token) => `${token}.AAAA`],
    ['two parts', (token) => token.slice(0, token.lastIndexOf('.'))],
    ['a NUL behind it', (token) => `${token}\0`],
    ['the alphabet of plain base64', (token) => token.replace(/.$/, '+')],
    ['bits that belong to no byte', (token) => `${token.slice(0, -1)}${token.endsWith('B') ? 'C' : 'B'}`],
    [
      'claims that are a list',
      (token) =>
        token
          .split('.')
          .with(1, part([1]))
          .join('.'),
    ],
    ['claims that are no JSON', (token) => token.split('.').with(1, part('{')).join('.')],
  ])('with %s is refused', async (_, spoil) => {
    const token = await sign('ES256')
    expect(parseForeignJwt(token)).toBeDefined()
    expect(parseForeignJwt(spoil(token))).toBeUndefined()
  })
})

describe('an ECDSA signature', () => {
  const halves = { ES256: 32, ES384: 48, ES512: 66 } as const

  it.each(['ES256', 'ES384', 'ES512'] as const)('%s in DER instead of r and s is refused', async (alg) => {
    const token = await sign(alg)
    const [header, payload, signature = ''] = token.split('.')
    const raw = parseBase64url(signature) ?? new Uint8Array()
    expect(raw.length).toBe(2 * halves[alg])
    const [r, s] = [raw.slice(0, halves[alg]), raw.slice(halves[alg])]
    const inDer = base64url(der.sequence(der.unsignedInteger(r), der.unsignedInteger(s)))
    expect(await isAccepted([header, payload, inDer].join('.'), pairs[alg].publicJwk, alg)).toBe(false)
  })

  it.each(['ES256', 'ES384', 'ES512'] as const)(
    '%s with r or s of zero is refused, even if Web Crypto takes it',
    async (alg) => {
      const [header, payload, signature = ''] = (await sign(alg)).split('.')
      const raw = parseBase64url(signature) ?? new Uint8Array()
      const forged = [raw.slice().fill(0), raw.slice().fill(0, 0, halves[alg]), raw.slice().fill(0, halves[alg])]
      const accepts = (bytes: Uint8Array) =>
        isAccepted([header, payload, base64url(bytes)].join('.'), pairs[alg].publicJwk, alg)
      for (const bytes of forged) expect(await accepts(bytes)).toBe(false)
      const credulous = vi.spyOn(crypto.subtle, 'verify').mockResolvedValue(true)
      try {
        expect(await accepts(raw)).toBe(true)
        for (const bytes of forged) expect(await accepts(bytes)).toBe(false)
      } finally {
        credulous.mockRestore()
      }
    },
  )
})

describe('RFC 7638', () => {
  it('§3.1: the thumbprint of the example, whatever else the JWK says', async () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    const jwk = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
    expect(await jwkThumbprint(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })

  it('§3.2: a private key has the thumbprint of its public key', async () => {
    for (const alg of ['PS384', 'ES512', 'Ed25519'] as const) {
      const { publicJwk, privateJwk } = pairs[alg]
      const thumbprint = await jwkThumbprint(publicJwk as JsonWebKey)
      expect(await jwkThumbprint(privateJwk as JsonWebKey)).toBe(thumbprint)
      expect(thumbprint).toMatch(/^[\w-]{43}$/)
    }
  })
})
