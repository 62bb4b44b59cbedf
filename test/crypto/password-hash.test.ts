import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/crypto/encoding.ts'
import { hashPassword, verifyPassword } from '../../src/crypto/password-hash.ts'
import type { SecretKey } from '../../src/crypto/seal.ts'

const key = (id: number): SecretKey => ({ id, bytes: new Uint8Array(32).fill(id) })
const pepper = [key(1)]
const password = 'correct horse battery staple'
const salt = utf8('sixteen byte slt')
const b64 = (bytes: Uint8Array) => bytes.toBase64({ omitPadding: true })
const scryptPhc = (ln: number, r: number, p: number) => {
  const hash = scryptSync(utf8(password), salt, 32, { N: 2 ** ln, r, p, maxmem: 2 ** 27 })
  return `$scrypt$ln=${ln},r=${r},p=${p}$${b64(salt)}$${b64(hash)}`
}
const pbkdf2Phc = (iterations: number) =>
  `$pbkdf2-sha256$i=${iterations}$${b64(salt)}$${b64(pbkdf2Sync(utf8(password), salt, iterations, 32, 'sha256'))}`
/** Milliseconds of the fastest of three runs, so that a busy machine distorts less. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 3; i += 1) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return Math.min(...times)
}

describe('hashPassword', () => {
  it('writes a PHC string with the cost, the pepper id, 16 bytes of salt and 32 of hash', async () => {
    const phc = await hashPassword(password, [key(7), key(1)])
    expect(phc).toMatch(/^\$scrypt\$ln=14,r=8,p=5,k=7\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await hashPassword(password, [key(7)])).not.toBe(phc)
  })
})

describe('verifyPassword', () => {
  it('matches the same password and no other', async () => {
    const phc = await hashPassword(password, pepper)
    expect(await verifyPassword(password, phc, pepper)).toBe('match')
    expect(await verifyPassword(`${password} `, phc, pepper)).toBe('mismatch')
    expect(await verifyPassword('', phc, pepper)).toBe('mismatch')
  })

  it('accepts both Unicode spellings of a password', async () => {
    const phc = await hashPassword('caf\u00e9', pepper)
    expect(await verifyPassword('cafe\u0301', phc, pepper)).toBe('match')
  })

  it('needs the pepper: the same hash under another key does not match', async () => {
    const phc = await hashPassword(password, pepper)
    const other = [{ id: 1, bytes: new Uint8Array(32).fill(9) }]
    expect(await verifyPassword(password, phc, other)).toBe('mismatch')
  })

  it('P07 asks for a new hash if cost, scheme or pepper is outdated', async () => {
    const underOldPepper = await hashPassword(password, [key(1)])
    expect(await verifyPassword(password, underOldPepper, [key(2), key(1)])).toBe('match-rehash')
    expect(await verifyPassword(password, scryptPhc(13, 8, 1), pepper)).toBe('match-rehash')
    expect(await verifyPassword(password, scryptPhc(14, 8, 5), pepper)).toBe('match-rehash')
    expect(await verifyPassword(password, pbkdf2Phc(100_000), pepper)).toBe('match-rehash')
    expect(await verifyPassword('wrong', pbkdf2Phc(1000), pepper)).toBe('mismatch')
    expect(await verifyPassword('wrong', scryptPhc(13, 8, 1), pepper)).toBe('mismatch')
  })

  it('P07 fails closed on a corrupt hash, an unknown scheme and a removed pepper', async () => {
    const phc = await hashPassword(password, pepper)
    const [, , cost, phcSalt, hash] = phc.split('$')
    const broken = [
      '',
      'plain text',
      phc.slice(0, -1),
      phc.slice(0, 60),
      `${phc}\n`,
      `$argon2id$v=19$m=65536,t=3,p=4$${phcSalt}$${hash}`,
      `$scrypt$${cost}$$`,
      `$scrypt$${cost}$${phcSalt}$${hash}$more`,
      `$scrypt$ln=0,r=8,p=5,k=1$${phcSalt}$${hash}`,
      `$scrypt$ln=14,r=0,p=5,k=1$${phcSalt}$${hash}`,
      `$scrypt$ln=14,r=8,p=0,k=1$${phcSalt}$${hash}`,
      `$scrypt$ln=-1,r=8,p=5,k=1$${phcSalt}$${hash}`,
    ]
    for (const stored of broken) {
      expect(await verifyPassword(password, stored, pepper), stored).toBe('unreadable')
    }
    expect(await verifyPassword(password, phc, [key(2)]), 'the pepper is gone').toBe('unreadable')
    expect(await verifyPassword(password, undefined, pepper)).toBe('mismatch')
  })

  it('P07 refuses costs that production cannot compute, even if this runtime can', async () => {
    const tooMany = pbkdf2Phc(100_001)
    expect(await verifyPassword(password, tooMany, pepper)).toBe('unreadable')
    expect(await verifyPassword(password, pbkdf2Phc(9_999_999).slice(0, 20), pepper)).toBe('unreadable')
    // N·r·p of 2^20 and 32 MiB is accepted, one lane more is not; 2^17·8 would need 128 MiB.
    expect(await verifyPassword(password, scryptPhc(15, 8, 4), pepper)).toBe('match-rehash')
    const [, , , phcSalt, hash] = scryptPhc(10, 8, 1).split('$')
    expect(await verifyPassword(password, `$scrypt$ln=15,r=8,p=5$${phcSalt}$${hash}`, pepper)).toBe('unreadable')
    expect(await verifyPassword(password, `$scrypt$ln=17,r=8,p=1$${phcSalt}$${hash}`, pepper)).toBe('unreadable')
  })

  it('P03 spends one hash on every mismatch, for any stored value', async () => {
    const phc = await hashPassword(password, pepper)
    const known = await costOf(() => verifyPassword('wrong', phc, pepper))
    for (const stored of [undefined, 'corrupt', scryptPhc(13, 8, 1), scryptPhc(15, 8, 2), pbkdf2Phc(1000)]) {
      expect(await costOf(() => verifyPassword('wrong', stored, pepper)), stored).toBeGreaterThan(known * 0.6)
    }
  })
})
