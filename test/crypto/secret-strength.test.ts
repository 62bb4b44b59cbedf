import { describe, expect, it } from 'vitest'
import { base64url, randomBytes } from '../../src/crypto/encoding.ts'
import { estimateSecretBits, leastSecretBits } from '../../src/crypto/secret-strength.ts'

const draws = 500
const times = (make: () => string) => Array.from({ length: draws }, make)

describe('Rules 8 a randomly generated secret is accepted', () => {
  it.each([
    ['16 bytes in hex', () => randomBytes(16).toHex()],
    ['16 bytes in upper-case hex', () => randomBytes(16).toHex().toUpperCase()],
    ['16 bytes in base64url', () => base64url(randomBytes(16))],
    ['32 bytes in base64url', () => base64url(randomBytes(32))],
    ['32 bytes in base64', () => randomBytes(32).toBase64()],
    ['a UUID and a half', () => crypto.randomUUID() + crypto.randomUUID().slice(0, 18)],
  ])('%s', (_, make) => {
    const refused = times(make).filter((secret) => estimateSecretBits(secret) < leastSecretBits)
    expect(refused.slice(0, 3)).toEqual(refused.length > 1 ? [] : refused)
  })
})

describe('Rules 8 a guessable secret is refused', () => {
  it.each([
    '',
    'secret',
    'a'.repeat(200),
    'ab'.repeat(100),
    'correct horse'.repeat(20),
    '0123456789'.repeat(10),
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '1111111122222222333333334444444455555555',
    'correct horse battery staple',
    'CorrectHorseBatteryStapleOfThinkwise2026',
    'my-very-secret-client-secret-2026',
    '123456789012345678901234567890123456',
    'Zomer2026!Zomer2026!Zomer2026!Zomer2026!',
    '010101101001011010010110011010010110100110010110',
  ])('%s', (secret) => {
    expect(estimateSecretBits(secret)).toBeLessThan(leastSecretBits)
  })
})
