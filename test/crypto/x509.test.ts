import { X509Certificate } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import * as der from '../../src/crypto/der.ts'
import { generateKeyMaterial, type KeyMaterial, selfTest } from '../../src/crypto/key-material.ts'
import type { KeyFamily } from '../../src/crypto/signing-algorithms.ts'
import { createCertificate, parseCertificate, thumbprints } from '../../src/crypto/x509.ts'

// Generating an RSA key takes a random time: mostly 0.1 s, sometimes a second, on a busy machine several.
vi.setConfig({ testTimeout: 30_000 })

const now = Date.UTC(2026, 10, 21, 12)
const families: KeyFamily[] = ['RSA', 'P-256', 'P-384', 'Ed25519']

const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

async function materials(): Promise<Map<KeyFamily, KeyMaterial>> {
  const generated = families.map(async (family) => [family, await generateKeyMaterial(family, 2048, now)] as const)
  return new Map(await Promise.all(generated))
}

const all = await materials()
const of = (family: KeyFamily): KeyMaterial => all.get(family) as KeyMaterial

describe.each(families)('a self-signed %s certificate', (family) => {
  it('is read by another implementation, which verifies its signature', () => {
    const read = new X509Certificate(of(family).certificate)
    expect(read.verify(read.publicKey)).toBe(true)
    expect(read.subject).toBe('CN=CountersignOpenID')
    expect(read.issuer).toBe(read.subject)
    expect(read.ca).toBe(false)
  })

  it('begins five minutes ago and ends in ten years, for us and for another implementation', () => {
    const { certificate } = of(family)
    const read = new X509Certificate(certificate)
    const fields = parseCertificate(certificate)
    expect(Date.parse(read.validFrom)).toBe(now - 300_000)
    expect(Date.parse(read.validTo)).toBe(Date.UTC(2036, 10, 20, 12))
    expect(fields).toMatchObject({ notBefore: Date.parse(read.validFrom), notAfter: Date.parse(read.validTo) })
  })

  it('has the same public key for us and for another implementation', () => {
    const { certificate } = of(family)
    const read = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' })
    expect(hexOf(parseCertificate(certificate)?.spki ?? new Uint8Array())).toBe(hexOf(read))
  })

  it('has the thumbprints that another implementation computes', async () => {
    const { certificate } = of(family)
    const read = new X509Certificate(certificate)
    const prints = await thumbprints(certificate)
    expect(prints.hex).toBe(read.fingerprint.replaceAll(':', ''))
    const sha256 = Uint8Array.fromBase64(prints['x5t#S256'], { alphabet: 'base64url' })
    expect(hexOf(sha256).toUpperCase()).toBe(read.fingerprint256.replaceAll(':', ''))
    expect(hexOf(Uint8Array.fromBase64(prints.x5t, { alphabet: 'base64url' })).toUpperCase()).toBe(prints.hex)
  })

  it('passes the self-test', async () => {
    expect(await selfTest(of(family), now)).toBeUndefined()
  })
})

describe('certificates', () => {
  it('have a positive, unique serial of sixteen bytes (RFC 5280 §4.1.2.2)', async () => {
    const serials = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { certificate } = await generateKeyMaterial('P-256', 0, now)
        return new X509Certificate(certificate).serialNumber
      }),
    )
    expect(new Set(serials).size).toBe(20)
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/)
  })

  it('have basicConstraints, keyUsage digitalSignature and subjectKeyIdentifier', () => {
    const hex = hexOf(of('P-256').certificate)
    expect(hex).toContain('300c0603551d130101ff04023000')
    expect(hex).toContain('300e0603551d0f0101ff040403020780')
    expect(hex).toContain('301d0603551d0e04160414')
  })

  it('carry the given name, and dates after 2049 as GeneralizedTime (RFC 5280 §4.1.2.5)', async () => {
    const keys = (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const notAfter = Date.UTC(2055, 0, 2, 3, 4, 5)
    const options = { keys, alg: 'ES256', commonName: 'Zoë & co', notBefore: now, notAfter } as const
    const certificate = await createCertificate(options)
    const read = new X509Certificate(certificate)
    expect(read.subject).toBe('CN=Zoë & co')
    expect(Date.parse(read.validTo)).toBe(notAfter)
    expect(parseCertificate(certificate)?.notAfter).toBe(notAfter)
    expect(read.verify(read.publicKey)).toBe(true)
  })

  it('are refused when truncated, extended or changed anywhere in their frame', () => {
    const { certificate } = of('RSA')
    for (let length = 0; length < certificate.length; length += 7) {
      expect(parseCertificate(certificate.slice(0, length))).toBeUndefined()
    }
    const longer = new Uint8Array(certificate.length + 1)
    longer.set(certificate)
    expect(parseCertificate(longer)).toBeUndefined()
    for (let at = 0; at < certificate.length; at += 1) {
      const changed = certificate.slice()
      changed[at] = (changed[at] ?? 0) ^ 0xff
      expect(() => parseCertificate(changed)).not.toThrow()
    }
  })
})

describe('the self-test', () => {
  it('K09 refuses a private key of another certificate', async () => {
    const other = await generateKeyMaterial('P-256', 0, now)
    const fault = await selfTest({ ...of('P-256'), privateKey: other.privateKey }, now)
    expect(fault).toBe('the private key does not belong to the certificate')
  })

  it('K09 refuses a certificate before its first and after its last day', async () => {
    expect(await selfTest(of('RSA'), now - 86_400_000)).toBe('the certificate is not valid yet')
    expect(await selfTest(of('RSA'), now + 11 * 365 * 86_400_000)).toBe('the certificate has expired')
  })

  it('K09 refuses bytes that are not a certificate or not a key, and a key of another kind', async () => {
    const noise = crypto.getRandomValues(new Uint8Array(900))
    expect(await selfTest({ ...of('RSA'), certificate: noise }, now)).toBe('the certificate is not X.509')
    expect(await selfTest({ ...of('RSA'), privateKey: noise }, now)).toMatch(/not usable for RS256/)
    expect(await selfTest({ ...of('P-256'), family: 'P-384' }, now)).toMatch(/not usable for ES384/)
  })

  it('refuses an RSA key of 1024 bits (RFC 7518 §3.3)', async () => {
    const weak = await generateKeyMaterial('RSA', 1024, now)
    expect(await selfTest(weak, now)).toBe('the RSA key has fewer than 2048 bits')
  })
})

describe('DER', () => {
  it('writes lengths in the shortest form and reads no other (X.690 §10.1)', () => {
    expect([...der.octetString(new Uint8Array(200)).subarray(0, 4)]).toEqual([0x04, 0x81, 200, 0])
    expect([...der.octetString(new Uint8Array(70_000)).subarray(0, 5)]).toEqual([0x04, 0x83, 0x01, 0x11, 0x70])
    expect(der.parseElements(Uint8Array.of(0x04, 0x81, 0x01, 0x00))).toBeUndefined()
    expect(der.parseElements(Uint8Array.of(0x30, 0x80, 0x00, 0x00))).toBeUndefined()
    expect(der.parseElements(Uint8Array.of(0x04, 0x02, 0x00))).toBeUndefined()
    expect(der.parseElements(Uint8Array.of(0x04, 0x84, 0xff, 0xff, 0xff, 0xff))).toBeUndefined()
  })

  it('writes non-negative integers without leading zeros (X.690 §8.3)', () => {
    expect([...der.unsignedInteger(Uint8Array.of(0, 0, 0x7f))]).toEqual([2, 1, 0x7f])
    expect([...der.unsignedInteger(Uint8Array.of(0x80))]).toEqual([2, 2, 0, 0x80])
    expect([...der.unsignedInteger(Uint8Array.of(0, 0))]).toEqual([2, 1, 0])
  })
})
