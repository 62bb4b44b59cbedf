import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { scryptSync } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { loginNameKey } from '../../../src/authentication/login-name-key.ts'
import { checkPassword } from '../../../src/authentication/methods/password.ts'
import { utf8 } from '../../../src/crypto/encoding.ts'
import { hashPassword, verifyPassword } from '../../../src/crypto/password-hash.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { users } from '../../../src/storage/schema.ts'
import { aContext, noon } from '../../context.ts'

const password = 'the right password'
const db = openDatabase(env.DB)
const b64 = (bytes: Uint8Array) => bytes.toBase64({ omitPadding: true })
let passwordHash = ''

beforeAll(async () => {
  passwordHash = await hashPassword(password, aContext().deployment.pepper)
})

const guess = (overrides: Partial<Parameters<typeof checkPassword>[1]> = {}) => ({
  loginName: 'alice',
  password,
  passwordHash,
  device: undefined,
  ...overrides,
})

describe('checkPassword', () => {
  it('is one hop, to the shard of the name, and the guard never learns the name', async () => {
    const context = aContext()
    expect(await checkPassword(context, guess())).toEqual({ outcome: 'match' })
    expect(await checkPassword(context, guess({ password: 'wrong' }))).toEqual({ outcome: 'mismatch' })
    expect(context.hops).toBe(2)
    const shard = loginNameKey(context, 'alice')[0]
    const guard = env.LOGIN_GUARD.get(env.LOGIN_GUARD.idFromName(`guard:${shard}`))
    const rows = await runInDurableObject(guard, (_, { storage }) => {
      const [table] = storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'failures%'").toArray()
      return storage.sql.exec(`SELECT * FROM ${table?.name}`).toArray()
    })
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain('alice')
  })

  it('P01 throttles one guess at each of a thousand names from one address, before any hop', async () => {
    const context = aContext()
    // The binding's own allowance is a hundred a minute for an address; ninety-eight are used up here without a hash each.
    for (let i = 0; i < 98; i += 1) await env.ANONYMOUS_RATE.limit({ key: `login:${context.address}` })
    const outcomes: string[] = []
    for (let i = 0; i < 6; i += 1) {
      const check = await checkPassword(context, guess({ loginName: `user-${i}`, passwordHash: null }))
      outcomes.push(check.outcome)
    }
    expect(outcomes).toEqual(['mismatch', 'mismatch', 'locked', 'locked', 'locked', 'locked'])
    expect(context.hops).toBe(2)
    expect(await checkPassword(context, guess())).toEqual({ outcome: 'locked', retryAt: noon + 60_000 })
    expect(await checkPassword(aContext(), guess()), 'another address').toEqual({ outcome: 'match' })
  })

  it('P01 counts all addresses of one IPv6 network as one', async () => {
    for (let i = 0; i < 100; i += 1) await env.ANONYMOUS_RATE.limit({ key: 'login:2001:db8:7:7::/64' })
    const check = await checkPassword(aContext({ address: '2001:db8:7:7:1234::1' }), guess())
    expect(check.outcome).toBe('locked')
  })

  it('P02 lets a known device pass where its address is throttled and its name locked', async () => {
    const context = aContext({ provider: { guesses_per_name: 1 } })
    expect(await checkPassword(context, guess({ loginName: 'carol', password: 'wrong' }))).toEqual({
      outcome: 'mismatch',
    })
    for (let i = 0; i < 100; i += 1) await env.ANONYMOUS_RATE.limit({ key: `login:${context.address}` })
    expect(await checkPassword(context, guess({ loginName: 'carol' }))).toMatchObject({ outcome: 'locked' })
    const check = await checkPassword(context, guess({ loginName: 'carol', device: 'device-of-carol' }))
    expect(check).toEqual({ outcome: 'match' })
  })

  it('P03 answers for an unknown name as for a known one', async () => {
    const known = await checkPassword(aContext(), guess({ loginName: 'dave', password: 'wrong' }))
    const unknown = await checkPassword(aContext(), guess({ loginName: 'nobody', passwordHash: null }))
    expect(unknown).toEqual(known)
  })

  it('P07 tells the operator of a hash that nobody can match, and not the caller', async () => {
    const context = aContext()
    const check = await checkPassword(context, guess({ loginName: 'erin', passwordHash: 'corrupt' }))
    expect(check).toEqual({ outcome: 'mismatch' })
    expect(context.logged.password_hash).toBe('unreadable')
  })
})

describe('P07 a hash renewed at sign-in', () => {
  const salt = utf8('sixteen byte slt')
  const hash = scryptSync(utf8(password), salt, 32, { N: 2 ** 13, r: 8, p: 1, maxmem: 2 ** 26 })
  const old = `$scrypt$ln=13,r=8,p=1$${b64(salt)}$${b64(hash)}`

  async function aUser(name: string) {
    const row = { user_id: name, login_name: name, sub: name, subject_ref: name, created_at: 1, updated_at: 1 }
    await db.insert(users).values({ ...row, password_hash: old })
  }
  const rowOf = async (name: string) => (await db.select().from(users).where(eq(users.user_id, name)))[0]

  it('is stored behind the answer, and nothing else of the user changes', async () => {
    await aUser('frank')
    const before = await rowOf('frank')
    const context = aContext()
    expect(await checkPassword(context, guess({ loginName: 'frank', passwordHash: old }))).toEqual({ outcome: 'match' })
    expect(context.hops).toBe(1)
    await context.settled()
    const { password_hash, ...after } = (await rowOf('frank')) ?? {}
    expect(before).toMatchObject(after)
    expect(await verifyPassword(password, password_hash ?? undefined, context.deployment.pepper)).toBe('match')
  })

  it('is dropped when the password was changed meanwhile', async () => {
    await aUser('grace')
    await db.update(users).set({ password_hash: 'newer' }).where(eq(users.user_id, 'grace'))
    const context = aContext()
    await checkPassword(context, guess({ loginName: 'grace', passwordHash: old }))
    await context.settled()
    expect((await rowOf('grace'))?.password_hash).toBe('newer')
  })
})
