import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as der from '../../src/crypto/der.ts'
import { concatBytes, utf8 } from '../../src/crypto/encoding.ts'
import { KeyFileError } from '../../src/crypto/key-file-error.ts'
import { generateKeyMaterial } from '../../src/crypto/key-material.ts'
import { encrypt } from '../../src/crypto/pkcs12/encryption.ts'
import { passwordForms } from '../../src/crypto/pkcs12/kdf.ts'
import { largestFile } from '../../src/crypto/pkcs12/limits.ts'
import { encodeMac } from '../../src/crypto/pkcs12/mac.ts'
import { oids } from '../../src/crypto/pkcs12/oids.ts'
import { readPkcs12 } from '../../src/crypto/pkcs12/read.ts'
import { writePkcs12 } from '../../src/crypto/pkcs12/write.ts'
import { createCertificate } from '../../src/crypto/x509.ts'
import {
  bag,
  certificateBag,
  contentInfo,
  dataPart,
  encryptedPart,
  form,
  inBer,
  keyBag,
  macWith,
  material,
  now,
  pbes2With,
  pbkdf2With,
  pbmac1With,
  pfx,
  pfxWithMac,
  shroudedKeyBag,
  tripleDesWith,
} from './pkcs12-samples.ts'

const { privateKey, certificate } = material
const expected = { privateKey, certificate, chain: [] }
const number = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
const sealed = (iterations: number, bags: Uint8Array, under = form) => {
  const { algorithm, ciphertext } = encrypt('aes256', iterations, bags, under)
  return encryptedPart(algorithm, ciphertext)
}

describe('a PKCS#12 file', () => {
  it('is read as it was written, and is different each time', async () => {
    for (const encryption of ['aes256', '3des'] as const) {
      const options = { encryption, iterations: 10 }
      const [one, two] = [
        await writePkcs12(material, 'changeit', options),
        await writePkcs12(material, 'changeit', options),
      ]
      expect(one).not.toEqual(two)
      expect(await readPkcs12(one, 'changeit')).toEqual(expected)
      await expect(readPkcs12(one, 'Changeit')).rejects.toMatchObject({ code: 'wrong_password' })
    }
  })

  it('may be BER: indefinite lengths, octet strings in pieces, in every layer', async () => {
    const [bags, keys] = [inBer(der.sequence(certificateBag())), inBer(der.sequence(shroudedKeyBag(10)))]
    const parts = [inBer(sealed(10, bags)), inBer(contentInfo(oids.data, der.octetString(keys)))]
    const content = inBer(der.sequence(...parts))
    const mac = encodeMac('sha256', 10, content, form)
    const file = inBer(der.sequence(der.count(3), contentInfo(oids.data, der.octetString(content)), mac))
    expect(file.subarray(0, 2)).toEqual(Uint8Array.of(0x30, 0x80))
    expect(await readPkcs12(file, 'changeit')).toEqual(expected)
  })

  it('may have nested contents and bags of unknown types', async () => {
    const nested = bag(oids.safeContentsBag, der.sequence(bag(oids.safeContentsBag, der.sequence(certificateBag()))))
    const strange = [bag('1.2.840.113549.1.12.10.1.5', der.nil()), bag('1.2.3', der.octetString(number(1)))]
    expect(await readPkcs12(pfx([dataPart(nested, ...strange, keyBag())]))).toEqual(expected)
  })

  it('may hold a key with attributes, as Windows writes, or of version 2 with its public key (RFC 5958)', async () => {
    const [, algorithm, key] = der.parseElements(der.parseElements(privateKey)?.[0]?.content ?? privateKey) ?? []
    const both = [algorithm?.bytes ?? certificate, key?.bytes ?? certificate]
    const usage = der.sequence(der.oid('2.5.29.15'), der.set(der.bitString(Uint8Array.of(0x80), 7)))
    const attributes = der.encode(0xa0, usage)
    for (const info of [
      der.sequence(der.count(0), ...both, attributes),
      der.sequence(der.count(1), ...both, attributes, der.encode(0x81, new Uint8Array(66))),
    ]) {
      expect(await readPkcs12(pfx([dataPart(keyBag(info), certificateBag())]))).toEqual(expected)
    }
  })

  it('may have an empty password in either encoding: the terminator alone, or no bytes', async () => {
    for (const under of passwordForms('')) {
      const parts = [sealed(10, der.sequence(certificateBag()), under), dataPart(shroudedKeyBag(10, under))]
      for (const file of [pfxWithMac(parts, under), pfx(parts)]) {
        expect(await readPkcs12(file, '')).toEqual(expected)
        expect(await readPkcs12(file)).toEqual(expected)
      }
      await expect(readPkcs12(pfxWithMac(parts, under), 'x')).rejects.toMatchObject({ code: 'wrong_password' })
    }
  })

  it('yields the newest of several certificates of its key', async () => {
    const keys = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair
    const dated = (notBefore: number) => createCertificate({ keys, alg: 'EdDSA', notBefore, notAfter: now * 2 })
    const certificates = await Promise.all([now - 2000_000, now, now - 1000_000].map(dated))
    const info = new Uint8Array((await crypto.subtle.exportKey('pkcs8', keys.privateKey)) as ArrayBuffer)
    const read = await readPkcs12(pfx([dataPart(keyBag(info), ...certificates.map(certificateBag))]))
    expect(read).toEqual({ privateKey: info, certificate: certificates[1], chain: [] })
  })
})

const rsa = await generateKeyMaterial('RSA', 2048, now)
const million = number(1_000_000)
const endless = concatBytes(Uint8Array.of(1), new Uint8Array(18), Uint8Array.of(1))
const mostTimes = (count: number) =>
  Array.from({ length: count }, () => encryptedPart(tripleDesWith(number(50_000)), privateKey))
const nest = (levels: number): Uint8Array<ArrayBuffer> => (levels === 0 ? der.nil() : der.sequence(nest(levels - 1)))
const clear = dataPart(keyBag(), certificateBag())

describe('K09 a PKCS#12 file is refused by name', () => {
  it.each([
    ['of no bytes', new Uint8Array(0), 'not_pkcs12'],
    ['of text', utf8('-----BEGIN PRIVATE KEY-----'), 'not_pkcs12'],
    ['that is a certificate', certificate, 'not_pkcs12'],
    ['that is a PKCS#8 key', privateKey, 'not_pkcs12'],
    ['with bytes after its end', concatBytes(pfx([clear]), Uint8Array.of(0)), 'not_pkcs12'],
    ['of another version', der.sequence(der.count(1), contentInfo(oids.data, der.nil())), 'not_pkcs12'],
    [
      'protected by a signature',
      der.sequence(der.count(3), contentInfo('1.2.840.113549.1.7.2', der.nil())),
      'unsupported_algorithm',
    ],
    ['encrypted to a certificate', pfx([contentInfo('1.2.840.113549.1.7.3', der.sequence())]), 'unsupported_algorithm'],
    [
      'under RC4',
      pfx([encryptedPart(der.sequence(der.oid('1.2.840.113549.1.12.1.1'), der.nil()), privateKey)]),
      'unsupported_algorithm',
    ],
    [
      'under PBES2 with DES',
      pfx([encryptedPart(pbes2With(pbkdf2With(number(1)), '1.3.14.3.2.7'), privateKey)]),
      'unsupported_algorithm',
    ],
    [
      'with a PBKDF2 key longer than its cipher takes',
      pfx([encryptedPart(pbes2With(pbkdf2With(number(1), der.count(33))), privateKey)]),
      'not_pkcs12',
    ],
    ['without a private key', pfx([dataPart(certificateBag())]), 'no_key'],
    ['without anything', pfx([]), 'no_key'],
    ['with two private keys', pfx([dataPart(keyBag(), keyBag(), certificateBag())]), 'several_keys'],
    ['without a certificate', pfx([dataPart(keyBag())]), 'no_matching_certificate'],
    [
      'with a certificate that is none',
      pfx([dataPart(keyBag(), certificateBag(privateKey))]),
      'no_matching_certificate',
    ],
    [
      'with a key of X25519',
      pfx([
        dataPart(
          keyBag(der.sequence(der.count(0), der.sequence(der.oid('1.3.101.110')), der.octetString(number(1)))),
          certificateBag(),
        ),
      ]),
      'unsupported_algorithm',
    ],
    [
      'with a key that is no key',
      pfx([
        dataPart(
          keyBag(der.sequence(der.count(0), der.sequence(der.oid('1.3.101.112')), der.octetString(number(1)))),
          certificateBag(),
        ),
      ]),
      'unusable_key',
    ],
    [
      'with a certificate of 100,000 bytes',
      pfx([dataPart(keyBag(), certificateBag(new Uint8Array(100_000)))]),
      'too_large',
    ],
    ['with a MAC of the wrong length', pfx([clear], macWith(number(1), 21)), 'not_pkcs12'],
    ['with a MAC that is not its own', pfx([clear], macWith(number(1))), 'wrong_password'],
  ])('%s', async (_, file, code) => {
    await expect(readPkcs12(file)).rejects.toMatchObject({ name: 'KeyFileError', code })
  })

  it('whose certificate is of another key', async () => {
    const other = await generateKeyMaterial('P-256', 0, now)
    const file = pfx([dataPart(keyBag(), certificateBag(other.certificate))])
    await expect(readPkcs12(file)).rejects.toMatchObject({ code: 'no_matching_certificate' })
  })

  it('that has no MAC although a password is given', async () => {
    await expect(readPkcs12(pfx([clear]), 'changeit')).rejects.toMatchObject({ code: 'no_mac' })
    await expect(readPkcs12(pfx([dataPart(shroudedKeyBag(1), certificateBag())]), 'changeit')).rejects.toMatchObject({
      code: 'no_mac',
    })
  })

  it('whose key is under another password than its MAC', async () => {
    const [other] = passwordForms('another')
    const file = pfxWithMac([dataPart(shroudedKeyBag(1, other), certificateBag())])
    await expect(readPkcs12(file, 'changeit')).rejects.toMatchObject({ code: 'wrong_password' })
  })

  it('whose decrypted content is not BER', async () => {
    const file = pfxWithMac([sealed(1, utf8('text'))])
    await expect(readPkcs12(file, 'changeit')).rejects.toMatchObject({ code: 'wrong_password' })
  })

  it('whose content was changed after its MAC', async () => {
    const file = pfxWithMac([clear])
    const at = file.length - 200
    file[at] = (file[at] ?? 0) ^ 1
    await expect(readPkcs12(file, 'changeit')).rejects.toMatchObject({ code: 'wrong_password' })
  })
})

/** Milliseconds of the fastest of several runs, since the machine may be busy. */
async function fastestRefusal(file: Uint8Array<ArrayBuffer>, passwords: string[], code: string): Promise<number> {
  const times: number[] = []
  for (const password of passwords) {
    const start = performance.now()
    const refusal = await readPkcs12(file, password).catch((error: unknown) => error)
    times.push(performance.now() - start)
    expect(refusal).toBeInstanceOf(KeyFileError)
    expect(refusal).toMatchObject({ code })
  }
  return Math.min(...times)
}

describe('K09 a hostile PKCS#12 file is refused in less than 50 ms:', () => {
  it.each([
    ['of 50 MB', new Uint8Array(50_000_000), 'too_large'],
    ['of one byte too many', new Uint8Array(largestFile + 1).fill(0x30), 'too_large'],
    ['nested without end', new Uint8Array(largestFile).map((_, index) => (index % 2 === 0 ? 0x30 : 0x80)), 'too_deep'],
    ['nested 33 times', nest(32), 'too_deep'],
    ['nested 33 times in a part', pfx([contentInfo(oids.data, der.octetString(nest(32)))]), 'too_deep'],
    [
      'of half a million elements',
      der.sequence(new Uint8Array(largestFile - 8).map((_, index) => (index % 2 === 0 ? 5 : 0))),
      'too_large',
    ],
    ['a million iterations in the MAC', pfx([clear], macWith(million)), 'iterations_too_high'],
    ['one iteration too many in the MAC', pfx([clear], macWith(number(100_001))), 'iterations_too_high'],
    ['2^160 iterations in the MAC', pfx([clear], macWith(endless)), 'iterations_too_high'],
    [
      '2^1000000 iterations in the MAC',
      pfx([clear], macWith(new Uint8Array(125_000).fill(0x7f))),
      'iterations_too_high',
    ],
    ['a million in PBMAC1', pfx([clear], pbmac1With(pbkdf2With(million, der.count(32)))), 'iterations_too_high'],
    ['a million in a 3DES part', pfx([encryptedPart(tripleDesWith(million), privateKey)]), 'iterations_too_high'],
    [
      'a million in a PBES2 part',
      pfx([encryptedPart(pbes2With(pbkdf2With(million)), privateKey)]),
      'iterations_too_high',
    ],
    [
      'a million for a key',
      pfx([dataPart(bag(oids.shroudedKeyBag, der.sequence(tripleDesWith(million), der.octetString(privateKey))))]),
      'iterations_too_high',
    ],
    ['five parts of 50,000 each', pfx(mostTimes(5), macWith(number(1))), 'iterations_too_high'],
    ['no iteration', pfx([clear], macWith(number(0))), 'not_pkcs12'],
    ['a PBMAC1 key of a gigabyte', pfx([clear], pbmac1With(pbkdf2With(number(1), der.count(2 ** 30)))), 'not_pkcs12'],
    ['a PBMAC1 key of no length', pfx([clear], pbmac1With(pbkdf2With(number(1)))), 'not_pkcs12'],
  ])('%s', async (_, file, code) => {
    expect(await fastestRefusal(file, ['', 'changeit', ''], code)).toBeLessThan(50)
  })

  it('a million iterations in an encrypted part', async () => {
    const inner = bag(oids.shroudedKeyBag, der.sequence(tripleDesWith(million), der.octetString(privateKey)))
    const file = pfxWithMac([sealed(1, der.sequence(inner, certificateBag()))])
    expect(await fastestRefusal(file, ['changeit', 'changeit'], 'iterations_too_high')).toBeLessThan(50)
  })
})

describe('K09 a damaged file is refused with a named error', () => {
  const files = {
    clear: { file: pfx([clear]), password: '' },
    'clear, RSA': { file: pfx([dataPart(keyBag(rsa.privateKey), certificateBag(rsa.certificate))]), password: '' },
    'without MAC': {
      file: pfx([sealed(1, der.sequence(certificateBag()), passwordForms('')[0]), dataPart(keyBag())]),
      password: '',
    },
    'with MAC': {
      file: pfxWithMac([sealed(1, der.sequence(certificateBag())), dataPart(shroudedKeyBag(1))]),
      password: 'changeit',
    },
    BER: { file: inBer(pfxWithMac([dataPart(shroudedKeyBag(1), certificateBag())])), password: 'changeit' },
  }

  async function codeOf(file: Uint8Array<ArrayBuffer>, password: string): Promise<string> {
    try {
      await readPkcs12(file, password)
      return 'read'
    } catch (error) {
      if (error instanceof KeyFileError) return error.code
      throw error
    }
  }

  it.each(Object.entries(files))('cut off anywhere: %s', async (_, { file, password }) => {
    expect(await codeOf(file, password)).toBe('read')
    for (let length = 0; length < file.length; length += length < 900 ? 1 : 7) {
      expect(await codeOf(file.slice(0, length), password)).toBe('not_pkcs12')
    }
  })

  it.each(Object.entries(files))('with bytes changed at random: %s', async (_, { file, password }) => {
    const change = fc.record({ at: fc.nat(file.length - 1), byte: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = file.slice()
        for (const { at, byte } of changes) changed[at] = byte
        await codeOf(changed, password)
      }),
      { numRuns: 300 },
    )
  })

  it('made of random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await codeOf(new Uint8Array(bytes), '')).not.toBe('read')
        expect(await codeOf(pfx([dataPart(new Uint8Array(bytes))]), '')).not.toBe('read')
      }),
      { numRuns: 300 },
    )
  })
})
