// Experiments E06 and E08 in one process with a simulated clock, so that hours pass in seconds. Each prints its figures.
import { applyD1Migrations, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { writePem } from '../../../src/crypto/pem.ts'
import { openConfiguration } from '../../../src/request/configuration.ts'
import type { RequestContext } from '../../../src/request/context.ts'
import { publishedKeys } from '../../../src/signing-keys/jwks.ts'
import type { EnsureResult, KeyRing } from '../../../src/signing-keys/key-ring/key-ring.ts'
import { isPublishedAt, signingKeyAt } from '../../../src/signing-keys/key-ring/key-states.ts'
import { signJwt } from '../../../src/signing-keys/signing.ts'
import { azureKeyVault } from '../../../src/signing-keys/vaults/azure-key-vault.ts'
import type { Vault, VaultAccess } from '../../../src/signing-keys/vaults/vault.ts'
import { openDatabase } from '../../../src/storage/database.ts'
import { readRing } from '../../../src/storage/signing-keys.ts'
import { aContext, noon } from '../../context.ts'
import { type FakeKeyVault, fakeKeyVault } from '../../fakes/azure-key-vault.ts'
import { theRing } from '../ring.ts'
import { aKey, answering } from '../vaults/access.ts'

vi.setConfig({ testTimeout: 300_000 })

/** Prints past the mock that silences the log lines of the ring. */
const print = console.log

const second = 1000
const hour = 3600 * second

let time: number
let azure: FakeKeyVault

beforeAll(async () => {
  for (const db of [env.SECOND_DB, env.THIRD_DB]) await applyD1Migrations(db, env.TEST_MIGRATIONS)
})
beforeEach(() => {
  time = noon
  azure = fakeKeyVault(() => time)
  answering(azure.answer)
  vi.spyOn(console, 'log').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A simulated clock. A wait ends only after tasks in the middle of a request have gone on, as with real time. */
const access: VaultAccess = {
  now: () => time,
  async wait(milliseconds) {
    const until = time + milliseconds
    await scheduler.wait(20)
    time = Math.max(time, until)
  },
  electionWindow: 1500,
}

const theVault = (): Vault =>
  azureKeyVault(
    {
      certificates: { RSA: { vault: 'https://keys.vault.test', name: 'openid' } },
      credential: {
        kind: 'secret',
        clientSecret: 'the-client-secret',
        authority: 'https://login.test',
        tenantId: 't',
        clientId: 'c',
      },
      resource: 'https://vault.test',
      password: '',
    },
    access,
  )

/** A deployment: a database, and the one KeyRing that writes to it. */
interface Deployment {
  name: string
  db: D1Database
}

const deployments: Deployment[] = [
  { name: 'https://one.test', db: env.DB },
  { name: 'https://two.test', db: env.SECOND_DB },
  { name: 'https://three.test', db: env.THIRD_DB },
]

async function empty({ name, db }: Deployment): Promise<void> {
  const tables = ['signing_keys', 'clients', 'audit_events']
  const client =
    "INSERT INTO clients (client_id, client_name, enabled, grant_types, created_at, updated_at) VALUES ('web', 'Web', 1, '[]', 0, 0)"
  await db.batch([...tables.map((table) => db.prepare(`DELETE FROM ${table}`)), db.prepare(client)])
  await runInDurableObject(theRing(name), async (_, ctx) => {
    await ctx.storage.deleteAll()
    await ctx.storage.deleteAlarm()
  })
}

const withRing = <T>({ name, db }: Deployment, vault: Vault, task: (ring: KeyRing) => Promise<T>): Promise<T> =>
  runInDurableObject(theRing(name), async (ring) => {
    Reflect.set(ring, 'vault', vault)
    Reflect.set(ring, 'db', openDatabase(db))
    return task(ring)
  })

const keysOf = async ({ db }: Deployment) => (await readRing(openDatabase(db))).keys

/** The context of a request at this deployment now. */
async function contextOf({ db }: Deployment): Promise<RequestContext> {
  const context = aContext({ now: time })
  const callNow = <T>(read: () => Promise<T>) => read()
  const configuration = await openConfiguration(
    db,
    async () => undefined,
    time,
    callNow,
    () => undefined,
  )
  await db.prepare("INSERT INTO config_changes (kind, changed_at) VALUES ('all', ?)").bind(time).run()
  await configuration.refresh()
  return Object.assign(context, { configuration })
}

const kidOf = (token: string): string => {
  const header = Uint8Array.fromBase64(token.split('.')[0] ?? '', { alphabet: 'base64url' })
  return (JSON.parse(new TextDecoder().decode(header)) as { kid: string }).kid
}

async function issue(context: RequestContext): Promise<string> {
  const seconds = Math.floor(time / second)
  const claims = { iss: 'https://id.test', sub: 'ada', aud: 'api', iat: seconds, exp: seconds + 3600 }
  return kidOf(await signJwt(context, { alg: 'RS256', typ: 'at+jwt', claims }))
}

const [alone] = deployments as [Deployment]

describe('E06 the vault is away', () => {
  /** One hour: a token and a call of the ring every ten seconds, which is more often than anything calls it. Returns the counts. */
  async function anHour(vault: Vault) {
    const found = { issued: 0, failed: 0, calls: 0, shortest: Number.POSITIVE_INFINITY }
    const until = time + hour
    let lastCall = 0
    const before = azure.requests.length
    let context = await contextOf(alone)
    await withRing(alone, vault, async (ring) => {
      for (; time < until; time += 10 * second) {
        const asked = azure.requests.length
        await ring.advance(time)
        if (azure.requests.length > asked) {
          if (lastCall > 0) found.shortest = Math.min(found.shortest, time - lastCall)
          lastCall = time
        }
        if (time % (600 * second) < 10 * second) context = await contextOf(alone)
        const [ensured, kid] = [
          await ring.ensure(time),
          await issue(Object.assign(context, { now: time })).catch(() => ''),
        ]
        const isGood = ensured.outcome === 'ready' && context.configuration.keys.some((key) => key.kid === kid)
        found[isGood ? 'issued' : 'failed'] += 1
      }
    })
    found.calls = azure.requests.length - before
    return found
  }

  it('E06 for an hour, then throttles, then takes 30 s to answer: no issuance fails, and calls back off', async () => {
    await empty(alone)
    const vault = theVault()
    expect((await withRing(alone, vault, (ring) => ring.ensure(time))).outcome).toBe('ready')
    const [before] = await keysOf(alone)
    time += 10 * 60 * second
    azure.fault = 'broken'
    const down = await anHour(vault)
    azure.fault = 'throttled'
    azure.retryAfter = 20
    const throttled = await anHour(vault)
    azure.fault = undefined
    // The 30 seconds of the vault and our timeout of five seconds are milliseconds here.
    answering(async (request) => {
      await scheduler.wait(30)
      return azure.answer(request)
    })
    const timer = setTimeout
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((task: () => void, delay = 0) =>
      timer(task, delay === 5000 ? 5 : delay)) as typeof setTimeout)
    const slow = await anHour(vault)
    const line = Object.entries({ down, throttled, slow }).map(
      ([name, { issued, failed, calls, shortest }]) =>
        `${name} 1 h: ${issued} issued, ${failed} failed, ${calls} calls, at least ${shortest / second} s apart`,
    )
    print(`E06 ${line.join('; ')}`)
    for (const found of [down, throttled, slow]) {
      expect(found).toMatchObject({ issued: 360, failed: 0 })
      // The pauses are random between bounds: an hour holds at least three of the longest.
      expect(found.calls).toBeGreaterThanOrEqual(3)
      expect(found.calls).toBeLessThan(3700)
      expect(found.shortest).toBeGreaterThanOrEqual(second)
    }
    expect((await keysOf(alone)).map(({ kid }) => kid)).toEqual([before?.kid])
  })

  it('E06 and a deployment without a key signs within five seconds of its return', async () => {
    const waits: number[] = []
    const certificate = writePem({ ...(await aKey()), chain: [] })
    for (let trial = 0; trial < 4; trial += 1) {
      await empty(alone)
      azure = fakeKeyVault(() => time)
      answering(azure.answer)
      await azure.put('openid', certificate)
      time += 60 * second
      azure.fault = 'broken'
      const vault = theVault()
      await withRing(alone, vault, async (ring) => {
        const back = time + 120 * second + trial * 700
        for (; time < back; time += 500) expect((await ring.ensure(time)).outcome).toBe('unavailable')
        expect(azure.requests.length).toBeLessThan(120)
        azure.fault = undefined
        const returned = time
        while ((await ring.ensure(time)).outcome !== 'ready') time += 250
        waits.push(time - returned)
      })
    }
    print(
      `E06 cold start: signs ${(Math.max(...waits) / second).toFixed(1)} s after the vault's return, at the latest of ${waits.length}`,
    )
    expect(Math.max(...waits)).toBeLessThanOrEqual(5 * second)
  })
})

describe('E08 first boot', () => {
  it('E08 of three deployments with 50 concurrent calls on one empty vault ends with one signing version, 100 times in 100', async () => {
    const [rounds, callers] = [100, 50]
    const pairs = await Promise.all(Array.from({ length: 6 }, () => newPair()))
    let calls = 0
    // Key generation is slow and not under test, so keys are reused; certificates are new each time.
    vi.spyOn(crypto.subtle, 'generateKey').mockImplementation((async () => pairs[calls++ % pairs.length]) as never)
    const found = { ready: 0, refused: 0, oneVersion: 0, versions: 0, unpublished: 0, tokens: 0 }
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(deployments.map(empty))
      azure = fakeKeyVault(() => time)
      answering(async (request) => {
        await scheduler.wait(Math.random() * 4)
        return azure.answer(request)
      })
      const answers = await stampede(callers)
      found.ready += answers.filter(({ outcome }) => outcome === 'ready').length
      found.refused += answers.filter(({ outcome }) => outcome !== 'ready').length
      const now = time
      const rings = await Promise.all(deployments.map(keysOf))
      const signing = rings.map((keys) => signingKeyAt(keys, 'RS256', now))
      if (new Set(signing.map((key) => key?.certificate)).size === 1 && signing[0]) found.oneVersion += 1
      found.versions += azure.versions.get('openid')?.length ?? 0
      for (const answer of answers) {
        const kid = answer.outcome === 'ready' ? signingKeyAt(answer.keys, 'RS256', now)?.kid : undefined
        const isEverywhere = rings.every((keys) => keys.some((key) => key.kid === kid && isPublishedAt(key, now)))
        if (kid && !isEverywhere) found.unpublished += 1
      }
      if (round % 10 > 0) continue
      const contexts = await Promise.all(deployments.map(contextOf))
      for (const context of contexts) {
        const kid = await issue(context)
        found.tokens += 1
        if (!contexts.every((each) => publishedKeys(each).some((key) => key.kid === kid))) found.unpublished += 1
      }
    }
    print(
      `E08 ${rounds} rounds × ${callers} first requests at three deployments with one empty vault: ${found.oneVersion} end with one signing version ` +
        `(${found.versions} imported), ${found.ready} ready, ${found.refused} refused, ${found.unpublished} unpublished kids`,
    )
    expect(found).toMatchObject({ oneVersion: rounds, unpublished: 0, refused: 0, ready: rounds * callers })
    expect(found.tokens).toBe(30)
  })

  const newPair = () =>
    crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      ['sign', 'verify'],
    )

  const stampede = async (callers: number): Promise<EnsureResult[]> => {
    const groups = deployments.map((deployment, index) => {
      const count = Math.floor((callers + index) / deployments.length)
      return withRing(deployment, theVault(), (ring) =>
        Promise.all(Array.from({ length: count }, () => ring.ensure(time))),
      )
    })
    return (await Promise.all(groups)).flat()
  }
})
