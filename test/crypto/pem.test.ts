import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as der from '../../src/crypto/der.ts'
import { base64, base64url } from '../../src/crypto/encoding.ts'
import { KeyFileError } from '../../src/crypto/key-file-error.ts'
import { generateKeyMaterial } from '../../src/crypto/key-material.ts'
import { readPem, writePem } from '../../src/crypto/pem.ts'
import { encrypt } from '../../src/crypto/pkcs12/encryption.ts'
import { readPrivateJwk } from '../../src/crypto/private-jwk.ts'
import { form, material, now, pbes2With, pbkdf2With } from './pkcs12-samples.ts'

const { privateKey, certificate } = material
const expected = { privateKey, certificate, chain: [] }
const text = writePem(expected)
const other = await generateKeyMaterial('P-256', 0, now)
const [keyBlock = '', certificateBlock = ''] = text.match(/-----BEGIN[\s\S]+?-----END .+-----\n/g) ?? []
const block = (label: string, bytes: Uint8Array) =>
  `-----BEGIN ${label}-----\n${base64(bytes)}\n-----END ${label}-----\n`
const sealed = (password = form) => {
  const { algorithm, ciphertext } = encrypt('aes256', 10, privateKey, password)
  return block('ENCRYPTED PRIVATE KEY', der.sequence(algorithm, der.octetString(ciphertext)))
}

const imported = await crypto.subtle.importKey('pkcs8', privateKey, { name: 'ECDSA', namedCurve: 'P-256' }, true, [
  'sign',
])
const jwk = (await crypto.subtle.exportKey('jwk', imported)) as JsonWebKey

describe('PEM', () => {
  it('is read in any order, with Windows line ends, text between the blocks, and blocks of other kinds', async () => {
    expect(keyBlock).toContain('BEGIN PRIVATE KEY')
    expect(await readPem(text)).toEqual(expected)
    expect(await readPem(certificateBlock + keyBlock)).toEqual(expected)
    expect(await readPem(text.replaceAll('\n', '\r\n'))).toEqual(expected)
    const otherBlocks = block('CERTIFICATE', other.certificate) + block('EC PARAMETERS', der.oid('1.2.840.10045.3.1.7'))
    expect(await readPem(`${otherBlocks}Bag Attributes\n    localKeyID: 01\n${text}subject=CN = x\n`)).toEqual(expected)
  })

  it('has lines of 64 characters (RFC 7468 §2)', () => {
    const lines = text.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBe(64)
    expect(text.endsWith('-----END CERTIFICATE-----\n')).toBe(true)
  })

  it('is read with an encrypted key', async () => {
    expect(await readPem(certificateBlock + sealed(), 'changeit')).toEqual(expected)
  })

  const million = Uint8Array.of(0x0f, 0x42, 0x40)
  it.each([
    ['nothing', '', 'not_pem'],
    ['other text', 'hello', 'not_pem'],
    ['a block without an end', keyBlock.slice(0, -10), 'not_pem'],
    ['a beginning without a label', '-----BEGIN ', 'not_pem'],
    ['a block that is not base64', '-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----', 'not_pem'],
    ['a key block without a key', block('PRIVATE KEY', certificate) + certificateBlock, 'not_pem'],
    ['an RSA key block without a key', block('RSA PRIVATE KEY', certificate) + certificateBlock, 'unusable_key'],
    ['certificates only', certificateBlock, 'no_key'],
    ['two keys', text + sealed(), 'several_keys'],
    ['a key only', keyBlock, 'no_matching_certificate'],
    ['a certificate of another key', keyBlock + block('CERTIFICATE', other.certificate), 'no_matching_certificate'],
    ['an encrypted key without its password', certificateBlock + sealed(), 'wrong_password'],
    [
      'headers of the older encryption',
      keyBlock.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'),
      'unsupported_algorithm',
    ],
    ['an EC key without a named curve', block('EC PRIVATE KEY', der.sequence(der.count(1))), 'unsupported_algorithm'],
    [
      'a million iterations',
      block('ENCRYPTED PRIVATE KEY', der.sequence(pbes2With(pbkdf2With(million)), der.octetString(privateKey))),
      'iterations_too_high',
    ],
    ['more than a megabyte', text + ' '.repeat(2 ** 20), 'too_large'],
  ])('K09 of %s is refused by name', async (_, pem, code) => {
    await expect(readPem(pem)).rejects.toMatchObject({ name: 'KeyFileError', code })
  })

  it('K09 is refused by name after any damage', async () => {
    const pem = sealed() + certificateBlock
    await fc.assert(
      fc.asyncProperty(fc.nat(pem.length - 1), fc.string({ maxLength: 3 }), fc.nat(4), async (at, insert, drop) => {
        const changed = pem.slice(0, at) + insert + pem.slice(at + drop)
        const outcome = await readPem(changed, 'changeit').catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(KeyFileError)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a private JWK', () => {
  const algorithms = [
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    { name: 'ECDSA', namedCurve: 'P-256' },
    { name: 'ECDSA', namedCurve: 'P-521' },
    { name: 'Ed25519' },
  ]
  const exported = async (algorithm: (typeof algorithms)[number]) => {
    const { privateKey: key } = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
    const pkcs8 = new Uint8Array((await crypto.subtle.exportKey('pkcs8', key)) as ArrayBuffer)
    return { jwk: (await crypto.subtle.exportKey('jwk', key)) as JsonWebKey, pkcs8 }
  }

  it.each(algorithms)('is read without x5c, and other members are ignored: $name $namedCurve', async (algorithm) => {
    const { jwk, pkcs8 } = await exported(algorithm)
    const full = { ...jwk, kid: 'one', alg: 'none', use: 'enc', key_ops: ['decrypt'], ext: false }
    expect(await readPrivateJwk(JSON.stringify(full))).toEqual({ privateKey: pkcs8, certificate: undefined, chain: [] })
  })

  it('is read with its certificate in x5c', async () => {
    expect(await readPrivateJwk(JSON.stringify({ ...jwk, x5c: [base64(certificate)] }))).toEqual(expected)
  })

  const { d: _, ...publicJwk } = jwk
  it.each([
    ['text that is not JSON', '{', 'not_jwk'],
    ['an array', '[]', 'not_jwk'],
    ['null', 'null', 'not_jwk'],
    ['an object without kty', '{"d":"AA"}', 'not_jwk'],
    ['a public key', JSON.stringify(publicJwk), 'no_key'],
    ['a secret', JSON.stringify({ kty: 'oct', k: 'AAAA' }), 'no_key'],
    ['X25519', JSON.stringify({ kty: 'OKP', crv: 'X25519', d: 'AA', x: 'AA' }), 'unsupported_algorithm'],
    ['secp256k1', JSON.stringify({ ...jwk, crv: 'secp256k1' }), 'unsupported_algorithm'],
    ['a curve that does not fit its coordinates', JSON.stringify({ ...jwk, crv: 'P-384' }), 'unusable_key'],
    ['half a key', JSON.stringify({ ...jwk, y: undefined }), 'unusable_key'],
    ['members that are not strings', JSON.stringify({ ...jwk, x: 1, y: {} }), 'unusable_key'],
    ['x5c that is not an array', JSON.stringify({ ...jwk, x5c: 'AA' }), 'not_jwk'],
    ['x5c in base64url', JSON.stringify({ ...jwk, x5c: [base64url(Uint8Array.of(251, 255))] }), 'not_jwk'],
    ['x5c of another key', JSON.stringify({ ...jwk, x5c: [base64(other.certificate)] }), 'no_matching_certificate'],
    ['more than a megabyte', JSON.stringify({ ...jwk, kid: 'k'.repeat(2 ** 20) }), 'too_large'],
  ])('K09 of %s is refused by name', async (_, jwkText, code) => {
    await expect(readPrivateJwk(jwkText)).rejects.toMatchObject({ name: 'KeyFileError', code })
  })
})
