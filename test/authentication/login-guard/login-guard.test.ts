import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { pbkdf2Sync } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PasswordAnswer, PasswordAttempt } from '../../../src/authentication/login-guard/login-guard.ts'
import { createQueue } from '../../../src/authentication/login-guard/queue.ts'
import { base64, utf8 } from '../../../src/crypto/encoding.ts'
import { hashPassword, verifyPassword } from '../../../src/crypto/password-hash.ts'
import { parseSecretKeys } from '../../../src/crypto/seal.ts'
import { noon } from '../../context.ts'

const pepper = parseSecretKeys(env.PEPPER) ?? []
const password = 'the right password'
const second = 1000
const minute = 60 * second
let passwordHash = ''

beforeAll(async () => {
  passwordHash = await hashPassword(password, pepper)
})

let guards = 0
/** A shard that nobody used. */
function aGuard() {
  guards += 1
  return env.LOGIN_GUARD.get(env.LOGIN_GUARD.idFromName(`guard:test-${guards}`))
}

type Guard = ReturnType<typeof aGuard>

let addresses = 0
function attempt(overrides: Partial<PasswordAttempt> & { guesses?: number } = {}): PasswordAttempt {
  addresses += 1
  const { guesses = 10, ...rest } = overrides
  return {
    name: 'alice',
    address: `192.0.2.${addresses}`,
    password: 'a wrong password',
    passwordHash,
    now: noon,
    limits: { guesses_per_name: guesses, guess_window: 900, guesses_per_address: 100 },
    ...rest,
  }
}

const right = (overrides: Parameters<typeof attempt>[0] = {}) => attempt({ password, ...overrides })
const outcomes = (answers: PasswordAnswer[]) => answers.map((answer) => answer.outcome)
const count = (answers: PasswordAnswer[], outcome: PasswordAnswer['outcome']) =>
  outcomes(answers).filter((each) => each === outcome).length

async function fail(guard: Guard, times: number, overrides: Parameters<typeof attempt>[0] = {}) {
  for (let i = 0; i < times; i += 1) expect(await guard.check(attempt(overrides))).toEqual({ outcome: 'mismatch' })
}

/** Delivered in one turn of the event loop, which calls over RPC are not. */
const atOnce = (guard: Guard, attempts: PasswordAttempt[]) =>
  runInDurableObject(guard, (instance) => Promise.all(attempts.map((each) => instance.check(each))))

const rowsOf = (guard: Guard) =>
  runInDurableObject(guard, (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name LIKE 'failures%'")
      .toArray()
    return tables.map(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray())
  })

describe('a guess', () => {
  it('matches the right password and no other', async () => {
    const guard = aGuard()
    expect(await guard.check(right())).toEqual({ outcome: 'match' })
    expect(await guard.check(attempt())).toEqual({ outcome: 'mismatch' })
    expect(await guard.check(right({ passwordHash: null }))).toEqual({ outcome: 'mismatch' })
  })

  it('P07 brings a new hash when the stored one is old, and says when nobody can match it', async () => {
    const guard = aGuard()
    const hash = pbkdf2Sync(utf8(password), utf8('salt of the past'), 1000, 32, 'sha256')
    const imported = `$pbkdf2-sha256$i=1000$${base64(utf8('salt of the past')).replaceAll('=', '')}$${base64(hash).replaceAll('=', '')}`
    const answer = await guard.check(right({ passwordHash: imported }))
    const newHash = answer.outcome === 'match' ? answer.newHash : undefined
    expect(await verifyPassword(password, newHash, pepper)).toBe('match')
    expect(await guard.check(right({ passwordHash: '$6$crypt' }))).toEqual({ outcome: 'mismatch', fault: 'unreadable' })
  })

  it('P08 leaves nothing of the password in storage', async () => {
    const guard = aGuard()
    await fail(guard, 1, { password: 'a-canary-password' })
    const rows = JSON.stringify(await rowsOf(guard))
    expect(rows).toContain('alice')
    expect(rows).not.toContain('canary')
  })
})

describe('the lock on a name', () => {
  it('P01 evaluates ten of 200 parallel wrong guesses in a window, whatever the number of waves', async () => {
    const guard = aGuard()
    let evaluated = 0
    for (let wave = 0; wave < 8; wave += 1) {
      const answers = await Promise.all(Array.from({ length: 200 }, () => guard.check(attempt())))
      evaluated += count(answers, 'mismatch')
      expect(count(answers, 'mismatch') + count(answers, 'busy') + count(answers, 'locked')).toBe(200)
    }
    expect(evaluated).toBe(10)
    expect((await guard.check(right())).outcome).toBe('locked')
  })

  it('P01 counts a guess in flight as a failure', async () => {
    const guard = aGuard()
    const answers = await atOnce(
      guard,
      [1, 2, 3].map(() => attempt({ guesses: 2 })),
    )
    expect(outcomes(answers)).toEqual(['mismatch', 'mismatch', 'busy'])
  })

  it('P01 forgets nothing when the object is evicted', async () => {
    const guard = aGuard()
    await fail(guard, 2)
    await evictDurableObject(guard)
    expect((await guard.check(right({ guesses: 2 }))).outcome).toBe('locked')
    expect((await guard.check(right({ guesses: 3 }))).outcome).toBe('match')
  })

  it('ends with the window, and asking meanwhile does not extend it', async () => {
    const guard = aGuard()
    await fail(guard, 1, { guesses: 2 })
    await fail(guard, 1, { guesses: 2, now: noon + minute })
    const locked = { outcome: 'locked', retryAt: noon + 15 * minute }
    for (const now of [noon + minute, noon + 10 * minute, noon + 15 * minute - 1]) {
      expect(await guard.check(right({ guesses: 2, now }))).toEqual(locked)
    }
    expect(await guard.check(attempt({ guesses: 2, now: noon + 15 * minute }))).toEqual({ outcome: 'mismatch' })
    // Two failures within the last fifteen minutes again: at 12:01 and 12:15.
    expect(await guard.check(right({ guesses: 2, now: noon + 15 * minute }))).toEqual({
      outcome: 'locked',
      retryAt: noon + 16 * minute,
    })
    expect(await guard.check(right({ guesses: 2, now: noon + 16 * minute }))).toEqual({ outcome: 'match' })
  })

  it('does not touch other names', async () => {
    const guard = aGuard()
    await fail(guard, 2, { guesses: 2 })
    expect((await guard.check(right({ name: 'bob', guesses: 2 }))).outcome).toBe('match')
  })

  it('is forgiven by the right password to the address that mistyped it, and to no other', async () => {
    const guard = aGuard()
    const owner = { address: '198.51.100.1', guesses: 4 }
    await fail(guard, 2, owner)
    await fail(guard, 1, { guesses: 4 })
    expect(await guard.check(right(owner))).toEqual({ outcome: 'match' })
    await fail(guard, 2, owner)
    await evictDurableObject(guard)
    expect(await guard.check(right({ ...owner, guesses: 3 }))).toMatchObject({ outcome: 'locked' })
    await fail(guard, 1, owner)
    expect(await guard.check(right(owner))).toMatchObject({ outcome: 'locked' })
  })
})

describe('a device that signed in before', () => {
  const device = 'device-of-alice'

  it('P02 lets a known device sign in while other browsers keep the name locked', async () => {
    const guard = aGuard()
    await fail(guard, 2, { guesses: 2 })
    expect(await guard.check(right({ guesses: 2 }))).toMatchObject({ outcome: 'locked' })
    expect(await guard.check(right({ guesses: 2, device }))).toEqual({ outcome: 'match' })
  })

  it('P02 has an allowance of its own and no more', async () => {
    const guard = aGuard()
    await fail(guard, 2, { guesses: 2, device })
    expect(await guard.check(right({ guesses: 2, device }))).toMatchObject({ outcome: 'locked' })
    expect(await guard.check(right({ guesses: 2 })), 'other browsers have their own allowance').toEqual({
      outcome: 'match',
    })
  })

  it('P02 is delayed neither by anonymous guesses in the queue nor by its address', async () => {
    const guard = aGuard()
    const address = '198.51.100.2'
    const limits = { guesses_per_name: 10, guess_window: 900, guesses_per_address: 3 }
    const order: string[] = []
    const answers = await runInDurableObject(guard, (instance) => {
      const all = ['a', 'b', 'c', 'd'].map((name) => attempt({ name, address, limits }))
      all.push(right({ name: 'alice', device, address, limits }))
      return Promise.all(all.map((each) => instance.check(each).finally(() => order.push(each.name))))
    })
    expect(outcomes(answers)).toEqual(['mismatch', 'mismatch', 'mismatch', 'busy', 'match'])
    expect(order).toEqual(['d', 'a', 'alice', 'b', 'c'])
    expect(await guard.check(right({ device, address, limits }))).toEqual({ outcome: 'match' })
    expect(await guard.check(right({ address, limits }))).toMatchObject({ outcome: 'locked' })
  })
})

describe('the lock on an address', () => {
  it('P01 stops one address that goes through many names, for a minute', async () => {
    const guard = aGuard()
    const from = {
      address: '198.51.100.3',
      limits: { guesses_per_name: 10, guess_window: 900, guesses_per_address: 3 },
    }
    for (const name of ['a', 'b', 'c']) await fail(guard, 1, { ...from, name })
    expect(await guard.check(right(from))).toEqual({ outcome: 'locked', retryAt: noon + minute })
    expect(await guard.check(right({ limits: from.limits }))).toEqual({ outcome: 'match' })
    expect(await guard.check(right({ ...from, now: noon + minute }))).toEqual({ outcome: 'match' })
  })
})

describe('P03 known and unknown names', () => {
  it('get the same answers at every count, of the same shape', async () => {
    const guard = aGuard()
    const [known, unknown]: [PasswordAnswer[], PasswordAnswer[]] = [[], []]
    for (let i = 0; i < 5; i += 1) {
      known.push(await guard.check(attempt({ guesses: 3 })))
      unknown.push(await guard.check(attempt({ guesses: 3, name: 'nobody', passwordHash: null })))
    }
    expect(unknown).toEqual(known)
    expect(count(known, 'mismatch')).toBe(3)
  })

  it('take the same time (short form; the figure is printed)', async () => {
    const guard = aGuard()
    const times: [number[], number[]] = [[], []]
    for (let i = 0; i < 24; i += 1) {
      const stored = i % 2 === 0 ? passwordHash : null
      const start = performance.now()
      await guard.check(attempt({ name: `name ${i}`, passwordHash: stored }))
      times[i % 2 === 0 ? 0 : 1].push(performance.now() - start)
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = (values: number[]) =>
      values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0) / (values.length - 1)
    const [a, b] = times
    const t = (mean(a) - mean(b)) / Math.sqrt(variance(a) / a.length + variance(b) / b.length)
    console.log(`P03 known ${mean(a).toFixed(1)} ms, unknown ${mean(b).toFixed(1)} ms, t = ${t.toFixed(2)} (12 each)`)
    const median = (values: number[]) => values.toSorted((x, y) => x - y)[values.length / 2] ?? 0
    expect(median(b)).toBeGreaterThan(median(a) / 2)
    expect(median(a)).toBeGreaterThan(median(b) / 2)
  })
})

describe('the queue', () => {
  it('P09 answers whoever needs no hash while three others wait for theirs', async () => {
    const guard = aGuard()
    await fail(guard, 1, { name: 'locked', guesses: 1 })
    const order: string[] = []
    const hashing = ['a', 'b', 'c'].map((name) => guard.check(attempt({ name })).then(() => order.push(name)))
    const late = guard.check(attempt({ name: 'locked', guesses: 1 })).then(() => order.push('locked'))
    await Promise.all([...hashing, late])
    expect(order.indexOf('locked')).toBeLessThanOrEqual(1)
    expect(order.filter((name) => name !== 'locked')).toEqual(['a', 'b', 'c'])
  })

  it('lets two anonymous guesses wait beside the running one, and continues afterwards', async () => {
    const guard = aGuard()
    const answers = await atOnce(
      guard,
      ['a', 'b', 'c', 'd', 'e'].map((name) => attempt({ name })),
    )
    expect(outcomes(answers)).toEqual(['mismatch', 'mismatch', 'mismatch', 'busy', 'busy'])
    expect(await guard.check(right())).toEqual({ outcome: 'match' })
  })

  it('goes on when a caller went away', async () => {
    const guard = aGuard()
    for (const name of ['a', 'b', 'c']) {
      const call = guard.check(attempt({ name }))
      // Calls over RPC can be dropped, which TypeScript's library does not know yet.
      const { dispose } = Symbol as unknown as { dispose: symbol }
      ;(call as unknown as Record<symbol, () => void>)[dispose]?.()
      call.catch(() => undefined)
    }
    let answer = await guard.check(right())
    for (let tries = 0; answer.outcome === 'busy' && tries < 100; tries += 1) {
      await scheduler.wait(100)
      answer = await guard.check(right())
    }
    expect(answer).toEqual({ outcome: 'match' })
  })

  it('takes turns between the lines, and bounds both', async () => {
    const queue = createQueue()
    const order: string[] = []
    const enter = (line: 'anonymous' | 'device', name: string) =>
      queue.enter(line, name, async () => {
        order.push(name)
      })
    const entered = [
      enter('anonymous', 's1'),
      enter('anonymous', 's2'),
      enter('anonymous', 's3'),
      ...['d1', 'd2', 'd3'].map((name) => enter('device', name)),
    ]
    expect(enter('anonymous', 's4')).toBeUndefined()
    expect(enter('device', 'd3')).toBeDefined()
    expect(enter('device', 'd3'), 'two for a name').toBeUndefined()
    await Promise.all(entered)
    expect(order.slice(0, 6)).toEqual(['s1', 'd1', 's2', 'd2', 's3', 'd3'])
  })

  it('P09 leaves the thread to others between any two pieces of work, of all shards together', async () => {
    const events: string[] = []
    const queues = [createQueue(), createQueue(), createQueue()]
    const work = async (name: string) => {
      const until = performance.now() + 40
      while (performance.now() < until);
      events.push(name)
    }
    const all = queues.flatMap((queue, at) =>
      ['a', 'b'].map((name) => queue.enter('anonymous', name, () => work(`${name}${at}`))),
    )
    let isOver = false
    const others = (async () => {
      while (!isOver) {
        await scheduler.wait(1)
        if (events.at(-1) !== '-') events.push('-')
      }
    })()
    await Promise.all(all)
    isOver = true
    await others
    const works = events.filter((event) => event !== '-')
    expect(works.toSorted()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
    expect(events.join(' ')).toMatch(/^- (\w\d - ){5}\w\d/)
  })

  it('P09 lets eight strangers wait in all shards of an isolate, then devices alone', async () => {
    const done = async () => 'done'
    const lines = (line: 'anonymous' | 'device', count: number) =>
      Array.from({ length: count }, (_, at) => createQueue().enter(line, `name ${at}`, done))
    const strangers = lines('anonymous', 20)
    const devices = lines('device', 10)
    expect(strangers.filter((entered) => entered !== undefined)).toHaveLength(8)
    expect(devices.filter((entered) => entered !== undefined)).toHaveLength(4)
    await Promise.all([...strangers, ...devices])
    expect(await createQueue().enter('anonymous', 'later', done)).toBe('done')
  })

  it('survives work that throws', async () => {
    const queue = createQueue()
    const broken = queue.enter('anonymous', 'a', () => Promise.reject(new Error('broken')))
    const next = queue.enter('anonymous', 'b', async () => 'done')
    await expect(broken).rejects.toThrow('broken')
    expect(await next).toBe('done')
  })
})

describe('what is written', () => {
  it('one row for a failure, none for a success without failures, one for a success that forgives', async () => {
    const guard = aGuard()
    const address = '198.51.100.4'
    await fail(guard, 1, { address })
    const written = await runInDurableObject(guard, async (instance, { storage }) => {
      const rows: number[] = []
      const exec = storage.sql.exec.bind(storage.sql)
      let sum = 0
      Object.defineProperty(storage.sql, 'exec', {
        configurable: true,
        value: (query: string, ...bindings: unknown[]) => {
          const cursor = exec(query, ...bindings)
          sum += cursor.rowsWritten
          return cursor
        },
      })
      for (const each of [attempt({ address }), right(), right({ address }), right({ address })]) {
        sum = 0
        await instance.check(each)
        rows.push(sum)
      }
      return rows
    })
    expect(written).toEqual([1, 0, 1, 0])
  })

  it('is dropped by the alarm when nobody counts it any more, and the alarm stops', async () => {
    const guard = aGuard()
    const past = Date.now() - 3 * 900 * second
    await fail(guard, 1, { now: past })
    expect(await rowsOf(guard)).toHaveLength(1)
    await fail(guard, 1, { now: Date.now() })
    expect(await rowsOf(guard), 'an expired table goes with the next failure').toHaveLength(1)
    expect(await runDurableObjectAlarm(guard)).toBe(true)
    const pending = await runInDurableObject(guard, (_, { storage }) => storage.getAlarm())
    expect(pending, 'one more table is left').toBeGreaterThan(Date.now())
  })
})
