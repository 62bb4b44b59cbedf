import { CompactSign, compactVerify, importJWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { base64url, utf8 } from '../../src/crypto/encoding.ts'
import { importVerificationKey } from '../../src/crypto/jwk.ts'
import { encodeHeader, parseJws, signJws, verifyJws } from '../../src/crypto/jws.ts'
import { type SigningAlgorithm, signingParameters } from '../../src/crypto/signing-algorithms.ts'

const algorithms = Object.keys(signingParameters) as SigningAlgorithm[]
const claims = { iss: 'https://id.test', sub: 'Zoë ✓', n: 1 }
const part = (text: string) => base64url(utf8(text))

async function keyPair(alg: SigningAlgorithm): Promise<CryptoKeyPair> {
  const { key, family } = signingParameters[alg]
  const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }
  const algorithm = family === 'RSA' ? { ...key, ...rsa } : key
  return (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
}

const exported = async (key: CryptoKey) => (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey

/** A token that is valid except for its protected header. */
const withHeader = (header: string) => `${part(header)}.${part(JSON.stringify(claims))}.${part('x'.repeat(64))}`

describe.each(algorithms)('%s', (alg) => {
  it('signs what jose verifies, and verifies what jose signs', async () => {
    const { privateKey, publicKey } = await keyPair(alg)
    const ours = await signJws(encodeHeader({ alg, typ: 'JWT', kid: 'k' }), claims, privateKey, alg)
    const read = await compactVerify(ours, await importJWK(await exported(publicKey), alg))
    expect(JSON.parse(new TextDecoder().decode(read.payload))).toEqual(claims)
    expect(read.protectedHeader).toEqual({ alg, typ: 'JWT', kid: 'k' })

    const theirs = await new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader({ alg }).sign(privateKey)
    const parsed = parseJws(theirs)
    const key = await importVerificationKey(await exported(publicKey), alg)
    expect(parsed?.payload).toEqual(claims)
    expect(parsed && key && (await verifyJws(parsed, key, alg))).toBe(true)
  })

  it('refuses a changed payload, a changed or shortened signature and another key', async () => {
    const { privateKey, publicKey } = await keyPair(alg)
    const token = await signJws(encodeHeader({ alg }), claims, privateKey, alg)
    const jws = parseJws(token)
    if (!jws) throw new Error('our own token is not a JWS')
    const flipped = jws.signature.slice()
    flipped[5] = (flipped[5] ?? 0) ^ 1
    const other = (await keyPair(alg)).publicKey
    const changed = utf8(`${encodeHeader({ alg })}${part('{"iss":"https://evil.test"}')}`)
    expect(await verifyJws(jws, publicKey, alg)).toBe(true)
    expect(await verifyJws({ ...jws, signingInput: changed }, publicKey, alg)).toBe(false)
    expect(await verifyJws({ ...jws, signature: flipped }, publicKey, alg)).toBe(false)
    expect(await verifyJws({ ...jws, signature: jws.signature.slice(0, -1) }, publicKey, alg)).toBe(false)
    expect(await verifyJws({ ...jws, signature: new Uint8Array(0) }, publicKey, alg)).toBe(false)
    expect(await verifyJws(jws, other, alg)).toBe(false)
  })
})

describe('parseJws', () => {
  const header = '{"alg":"ES256"}'
  const good = withHeader(header)

  it('reads a token of three parts', () => {
    expect(parseJws(good)?.header).toEqual({ alg: 'ES256' })
  })

  it.each([
    ['nothing', ''],
    ['two parts', good.slice(0, good.lastIndexOf('.'))],
    ['four parts', `${good}.AA`],
    ['five parts, as a JWE has', `${good}.AA.AA`],
    ['no signature, as of an unsecured JWT', `${good.slice(0, good.lastIndexOf('.'))}.`],
    ['an empty header', `.${good.split('.').slice(1).join('.')}`],
    ['padding', `${good}==`],
    ['a blank at the end', `${good} `],
    ['a line feed at the end', `${good}\n`],
    ['the other base64 alphabet', `${good.slice(0, good.lastIndexOf('.'))}.++++`],
    ['stray bits in the last character', `${good.slice(0, good.lastIndexOf('.'))}.AB`],
    ['a header that is not JSON', withHeader('{"alg":"ES256"')],
    ['a header that is a list', withHeader('["ES256"]')],
    ['a header that is null', withHeader('null')],
    ['a header without alg', withHeader('{"typ":"JWT"}')],
    ['an alg that is not a string', withHeader('{"alg":["ES256"]}')],
    ['a kid that is not a string', withHeader('{"alg":"ES256","kid":1}')],
    ['a byte order mark', withHeader('\ufeff{"alg":"ES256"}')],
    ['a payload that is a list', `${part(header)}.${part('[1]')}.AAAA`],
    ['a payload that is a string', `${part(header)}.${part('"x"')}.AAAA`],
    ['a payload that is not UTF-8', `${part(header)}.${base64url(Uint8Array.of(0x7b, 0xff, 0x7d))}.AAAA`],
    ['a header that is not UTF-8', `${base64url(Uint8Array.of(0xff, 0xfe))}.${part('{}')}.AAAA`],
    ['more than 16 KB', withHeader(JSON.stringify({ alg: 'ES256', pad: 'x'.repeat(16_384) }))],
  ])('refuses %s', (_, token) => {
    expect(parseJws(token)).toBeUndefined()
  })

  it.each([
    ['crit with an unknown extension', '{"alg":"ES256","crit":["exp"],"exp":1}'],
    ['an empty crit', '{"alg":"ES256","crit":[]}'],
    ['b64:false', '{"alg":"ES256","b64":false}'],
    ['b64:false with its crit', '{"alg":"ES256","b64":false,"crit":["b64"]}'],
    ['a member twice', '{"alg":"none","alg":"ES256"}'],
    ['a member twice, once spelt with an escape', '{"alg":"none","\\u0061lg":"ES256"}'],
    ['a member twice, with blanks before the colon', '{"kid":"a","alg":"ES256","kid" \n:"b"}'],
    ['a member twice after a value with quotes', '{"kid":"a\\"b","alg":"ES256","kid":"c"}'],
    ['a nested token', '{"alg":"ES256","cty":"JWT"}'],
  ])('K04 refuses %s', (_, text) => {
    expect(parseJws(withHeader(text))).toBeUndefined()
  })

  it.each([
    ['the same name at two depths', '{"alg":"ES256", "x":{"alg":"none","y":[{"alg":1}]}}'],
    ['a value that looks like a name', '{"alg":"ES256", "x":"\\"alg\\":","y":["alg","alg"]}'],
    ['names that objects inherit', '{"alg":"ES256", "__proto__":{"alg":"none"},"constructor":1}'],
  ])('K04 accepts %s, which is no duplicate member', (_, text) => {
    expect(parseJws(withHeader(text))?.header.alg).toBe('ES256')
  })
})

describe('verifyJws', () => {
  it('K04 refuses an ECDSA signature with r or s of zero, even if the library would accept it', async () => {
    const { privateKey, publicKey } = await keyPair('ES256')
    const jws = parseJws(await signJws(encodeHeader({ alg: 'ES256' }), claims, privateKey, 'ES256'))
    if (!jws) throw new Error('our own token is not a JWS')
    const withoutR = jws.signature.slice().fill(0, 0, 32)
    const withoutS = jws.signature.slice().fill(0, 32)
    const credulous = vi.spyOn(crypto.subtle, 'verify').mockResolvedValue(true)
    try {
      expect(await verifyJws(jws, publicKey, 'ES256')).toBe(true)
      for (const signature of [new Uint8Array(64), withoutR, withoutS]) {
        expect(await verifyJws({ ...jws, signature }, publicKey, 'ES256')).toBe(false)
      }
    } finally {
      credulous.mockRestore()
    }
  })

  it('refuses a token that names another algorithm than the key is for (RFC 8725 §3.1)', async () => {
    const { privateKey, publicKey } = await keyPair('RS256')
    for (const alg of ['PS256', 'HS256', 'none', 'rs256', 'ES256']) {
      const jws = parseJws(await signJws(encodeHeader({ alg }), claims, privateKey, 'RS256'))
      expect(jws && (await verifyJws(jws, publicKey, 'RS256'))).toBe(false)
    }
  })
})

describe('a key of ours', () => {
  it('is not imported if it is malformed, too weak or of another type', async () => {
    const weak = (await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      ['sign', 'verify'],
    )) as CryptoKeyPair
    expect(await importVerificationKey(await exported(weak.publicKey), 'RS256')).toBeUndefined()
    expect(await importVerificationKey({ kty: 'RSA', n: '!', e: 'AQAB' }, 'RS256')).toBeUndefined()
    expect(await importVerificationKey({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, 'ES256')).toBeUndefined()
    const jwk = await exported((await keyPair('ES256')).publicKey)
    expect(await importVerificationKey(jwk, 'ES384')).toBeUndefined()
    expect(await importVerificationKey(jwk, 'RS256')).toBeUndefined()
  })
})
