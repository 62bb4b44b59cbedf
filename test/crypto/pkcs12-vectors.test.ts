import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/crypto/encoding.ts'
import { countOf, octetsOf, oidOf, parseBer } from '../../src/crypto/pkcs12/ber.ts'
import { bmpString, passwordForms, pkcs12Kdf, purposes } from '../../src/crypto/pkcs12/kdf.ts'
import { startReading } from '../../src/crypto/pkcs12/limits.ts'
import { decipherRc2, decryptRc2 } from '../../src/crypto/pkcs12/rc2.ts'
import { readPkcs12 } from '../../src/crypto/pkcs12/read.ts'
import { rfc9879A1 } from './rfc9879.ts'

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

describe('RC2 decrypts the vectors of RFC 2268 §5', () => {
  const long = '88bca90e90875a7f0f79c384627bafb2'
  it.each([
    ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
    ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
    ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
    ['88', 64, '0000000000000000', '61a8a244adacccf0'],
    ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
    [long, 64, '0000000000000000', '1a807d272bbe5db1'],
    [long, 128, '0000000000000000', '2269552ab0f85ca6'],
    [`${long}16f80a6f85920584c42fceb0be255daf1e`, 129, '0000000000000000', '5b78d3a43dfff1f1'],
  ])('key %s of %i bits', (key, bits, plaintext, ciphertext) => {
    const deciphered = decipherRc2(fromHex(key), bits, new Uint8Array(8), fromHex(ciphertext))
    expect(deciphered.toHex()).toBe(plaintext)
  })

  it('chains blocks: each is combined with the ciphertext block before it', () => {
    const block = fromHex('2269552ab0f85ca6')
    const deciphered = decipherRc2(fromHex(long), 128, fromHex('0102030405060708'), concatBytes(block, block))
    expect(deciphered.toHex()).toBe('01020304050607082269552ab0f85ca6')
  })

  it('returns undefined for half a block, no block, or wrong padding', () => {
    const block = fromHex('2269552ab0f85ca6')
    const mask = (last: string) => fromHex(`00000000000000${last}`)
    expect(decryptRc2(fromHex(long), 128, mask('01'), block)?.toHex()).toBe('00000000000000')
    for (const last of ['00', '02', '09', 'ff']) {
      expect(decryptRc2(fromHex(long), 128, mask(last), block)).toBeUndefined()
    }
    expect(decryptRc2(fromHex(long), 128, mask('01'), block.subarray(0, 7))).toBeUndefined()
    expect(decryptRc2(fromHex(long), 128, mask('01'), new Uint8Array(0))).toBeUndefined()
  })
})

// RFC 7292 has no vectors. These are by the author of OpenSSL's PKCS#12; other implementations test against them.
describe('the key derivation of RFC 7292 appendix B', () => {
  const { key, iv, mac } = purposes
  it.each([
    ['smeg', key, '0a58cf64530d823f', 1, '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3'],
    ['smeg', iv, '0a58cf64530d823f', 1, '79993dfe048d3b76'],
    ['smeg', key, '642b99ab44fb4b1f', 1, 'f3a95fec48d7711e985cfe67908c5ab79fa3d7c5caa5d966'],
    ['smeg', iv, '642b99ab44fb4b1f', 1, 'c0a38d64a79bea1d'],
    ['smeg', mac, '3d83c0e4546ac140', 1, '8d967d88f6caa9d714800ab3d48051d63f73a312'],
    ['queeg', key, '05dec959acff72f7', 1000, 'ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4'],
    ['queeg', iv, '05dec959acff72f7', 1000, '11dedad7758d4860'],
    ['queeg', key, '1682c0fc5b3f7ec5', 1000, '483dd6e919d7de2e8e648ba8f862f3fbfbdc2bcb2c02957f'],
    ['queeg', iv, '1682c0fc5b3f7ec5', 1000, '9d461d1b00355c50'],
    ['queeg', mac, '263216fcc2fab31c', 1000, '5ec4c7a80df652294c3925b6489a7ab857c83476'],
  ] as const)('%s for purpose %i under salt %s, %i iterations', (password, purpose, salt, iterations, expected) => {
    const input = { digest: 'sha1', salt: fromHex(salt), iterations, length: expected.length / 2 } as const
    expect(pkcs12Kdf(input, purpose, passwordForms(password)[0]).toHex()).toBe(expected)
  })

  it('encodes passwords as big-endian UTF-16 with a terminator, also beyond the first plane', () => {
    expect(bmpString('aé😀\0').toHex()).toBe('006100e9d83dde000000')
    expect(passwordForms('').map(({ bmp }) => bmp.toHex())).toEqual(['0000', ''])
  })
})

describe('BER (X.690 §8)', () => {
  const reading = () => startReading('not_pkcs12', 1)
  const parse = (hex: string) => parseBer(fromHex(hex), reading())

  it('has lengths of several forms, and octet strings in pieces of pieces', () => {
    for (const hex of ['0403010203', '048103010203', '048400000003010203', '240704020102040103']) {
      expect(octetsOf(parse(hex), reading()).toHex()).toBe('010203')
    }
    expect(octetsOf(parse('2480 2480 040101 0000 0402 0203 0000'.replaceAll(' ', '')), reading()).toHex()).toBe(
      '010203',
    )
  })

  it.each([
    ['nothing', ''],
    ['half a header', '30'],
    ['a length without its bytes', '0482'],
    ['a length of five bytes', '04850000000001ff'],
    ['a value longer than the file', '040301'],
    ['a value longer than its parent', '3008 30020402 04020000'],
    ['no end of contents', '3080040100'],
    ['an end of contents beyond its parent', '30033080000000'],
    ['a primitive value of indefinite length', '04800000'],
    ['a tag of two bytes', '1f8101 00'],
    ['a second element', '0500 0500'],
  ])('is not %s', (_, hex) => {
    expect(() => parse(hex.replaceAll(' ', ''))).toThrow(expect.objectContaining({ code: 'not_pkcs12' }))
  })

  it('has object identifiers and integers', () => {
    const names = ['06092a864886f70d010706', '0603883703', '06022801', '06012a']
    expect(names.map((hex) => oidOf(parse(hex), reading()))).toEqual([
      '1.2.840.113549.1.7.6',
      '2.999.3',
      '1.0.1',
      '1.2',
    ])
    expect(['020100', '02020800', '02030186a0'].map((hex) => countOf(parse(hex), reading()))).toEqual([
      0, 2048, 100_000,
    ])
    for (const hex of ['0200', '0201ff', '0400']) expect(() => countOf(parse(hex), reading())).toThrow(/no count/)
  })
})

describe('PBMAC1', () => {
  it('reads the file of RFC 9879 §A.1, but not with another password', async () => {
    const { certificate, chain } = await readPkcs12(Uint8Array.fromBase64(rfc9879A1), '1234')
    expect(certificate.length).toBeGreaterThan(500)
    expect(chain).toEqual([])
    await expect(readPkcs12(Uint8Array.fromBase64(rfc9879A1), '1235')).rejects.toMatchObject({ code: 'wrong_password' })
  })
})
