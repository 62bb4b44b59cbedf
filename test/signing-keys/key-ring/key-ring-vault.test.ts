// The ring of an instance that shares its certificate: versions that other servers store, and faults of the vault (K05–K09, K12, K13).
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { base64 } from '../../../src/crypto/encoding.ts'
import type { KeyMaterial } from '../../../src/crypto/key-material.ts'
import { generateKeyMaterial } from '../../../src/crypto/key-material.ts'
import { writePem } from '../../../src/crypto/pem.ts'
import { deploymentOf } from '../../../src/request/deployment.ts'
import type { KeyRing } from '../../../src/signing-keys/key-ring/key-ring.ts'
import { signingKeyAt } from '../../../src/signing-keys/key-ring/key-states.ts'
import { awsSecretsManager } from '../../../src/signing-keys/vaults/aws-secrets-manager.ts'
import { azureKeyVault } from '../../../src/signing-keys/vaults/azure-key-vault.ts'
import type { Vault } from '../../../src/signing-keys/vaults/vault.ts'
import { noon } from '../../context.ts'
import { type FakeSecretsManager, fakeSecretsManager } from '../../fakes/aws-secrets-manager.ts'
import { type FakeKeyVault, fakeKeyVault } from '../../fakes/azure-key-vault.ts'
import { addClient, emptyRing, keysInD1, origin, set, theRing } from '../ring.ts'
import { aKey, answering } from '../vaults/access.ts'

vi.setConfig({ testTimeout: 40_000 })

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

let time: number
let azure: FakeKeyVault
let aws: FakeSecretsManager

const access = {
  now: () => time,
  wait: async (milliseconds: number) => {
    time += milliseconds
  },
  electionWindow: 3000,
}
const principal = { authority: 'https://login.test', tenantId: 't', clientId: 'c' }

const inAzure = (): Vault =>
  azureKeyVault(
    {
      certificates: { RSA: { vault: 'https://keys.vault.test', name: 'openid' } },
      credential: { kind: 'secret', clientSecret: 'the-client-secret', ...principal },
      resource: 'https://vault.test',
      password: '',
    },
    access,
  )

const inAws = (): Vault =>
  awsSecretsManager(
    {
      region: 'eu-west-1',
      endpoint: 'https://secretsmanager.test',
      secrets: { RSA: 'openid' },
      credential: { kind: 'keys', accessKeyId: 'AKIATEST', secretAccessKey: 'the-secret-access-key' },
      password: '',
    },
    access,
  )

/** Runs `task` with the object's vault replaced. */
const ringWith = <T>(vault: Vault, task: (ring: KeyRing) => Promise<T>): Promise<T> =>
  runInDurableObject(theRing(), async (ring) => {
    const before: unknown = Reflect.get(ring, 'vault')
    Reflect.set(ring, 'vault', vault)
    return task(ring).finally(() => Reflect.set(ring, 'vault', before))
  })

const logged: string[] = []
beforeEach(async () => {
  time = noon
  logged.length = 0
  vi.spyOn(console, 'log').mockImplementation((line: string) => void logged.push(line))
  azure = fakeKeyVault(access.now)
  aws = fakeSecretsManager(access.now)
  answering((request) => (request.url.includes('secretsmanager') ? aws.answer(request) : azure.answer(request)))
  await emptyRing()
  await runInDurableObject(theRing(), async (_, ctx) => {
    await ctx.storage.deleteAll()
    await ctx.storage.deleteAlarm()
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const pem = (key: KeyMaterial) => writePem({ ...key, chain: [] })
const signing = async (now = time) => signingKeyAt(await keysInD1(), 'RS256', now)
const stateOf = async (key: { certificate: Uint8Array }) =>
  (await keysInD1()).find(({ certificate }) => certificate === base64(key.certificate))?.state
const alarmTime = () => runInDurableObject(theRing(), (_, ctx) => ctx.storage.getAlarm())

async function withFirstKey(vault: Vault) {
  await addClient()
  const answer = await ringWith(vault, (ring) => ring.ensure(time))
  if (answer.outcome !== 'ready') throw new Error(JSON.stringify(answer))
  const [key] = await keysInD1()
  if (!key) throw new Error('no key')
  return key
}

/** Advances the clock to a time at which the vault is scanned again. */
async function scanLater(vault: Vault, later = 10 * minute): Promise<void> {
  time += later
  await ringWith(vault, (ring) => ring.advance(time))
}

describe('an instance that shares its certificate', () => {
  it('starts with the certificate that the vault holds, and publishes the previous one', async () => {
    const [older, key] = [await aKey(), await aKey()]
    await azure.put('openid', pem(older))
    time += minute
    await azure.put('openid', pem(key))
    time += minute
    await withFirstKey(inAzure())
    expect((await signing())?.certificate).toBe(base64(key.certificate))
    expect(await stateOf(older)).toBe('retired')
    expect(azure.requests.filter((request) => request.startsWith('POST'))).toEqual([])
    const kept = (await keysInD1()).find(({ state }) => state === 'retired')
    expect(kept?.gone_at).toBeGreaterThan(time + day + hour)
  })

  it.each([
    ['Azure', inAzure, () => azure.versions.get('openid')?.length],
    ['AWS', inAws, () => aws.secrets.get('openid')?.length],
  ])('stores one certificate in an empty vault: %s', async (_, vault, count) => {
    const key = await withFirstKey(vault())
    expect(count()).toBe(1)
    expect(key).toMatchObject({ state: 'active', vault: vault().name })
    await ringWith(vault(), (ring) => ring.ensure(time))
    expect(count()).toBe(1)
  })

  it('calls the vault only by alarm, some minutes apart, when it holds a key', async () => {
    await withFirstKey(inAzure())
    // The first scan comes soon after the election.
    expect(((await alarmTime()) ?? 0) - time).toBeLessThan(15 * second)
    await scanLater(inAzure(), 15 * second)
    azure.requests.length = 0
    await ringWith(inAzure(), async (ring) => {
      await ring.ensure(time)
      await ring.advance(time + 3 * minute)
    })
    expect(azure.requests).toEqual([])
    const alarm = (await alarmTime()) ?? 0
    expect(alarm - time).toBeGreaterThan(3 * minute)
    expect(alarm - time).toBeLessThan(7 * minute)
    vi.useFakeTimers({ toFake: ['Date'], now: alarm })
    await ringWith(inAzure(), (ring) => ring.alarm())
    vi.useRealTimers()
    expect(azure.requests.length).toBeGreaterThan(0)
    expect(await alarmTime()).toBeGreaterThan(alarm)
  })

  it('stores no keys of other families in the vault', async () => {
    await set({ signing_algs: ['RS256', 'ES256'] })
    await withFirstKey(inAzure())
    const vaults = Object.fromEntries((await keysInD1()).map(({ alg, vault }) => [alg, vault]))
    expect(vaults).toEqual({ RS256: 'azure-key-vault', ES256: 'local' })
  })
})

describe('a version that appears in the vault', () => {
  it('K05 is announced at once, signs after the announce period, and then the old key retires', async () => {
    const old = await withFirstKey(inAzure())
    const appeared = await aKey()
    await azure.put('openid', pem(appeared))
    await scanLater(inAzure())
    const seenAt = time
    expect(await stateOf(appeared)).toBe('announced')
    expect((await signing(seenAt + day - 1))?.kid).toBe(old.kid)
    expect((await signing(seenAt + day))?.certificate).toBe(base64(appeared.certificate))
    await scanLater(inAzure(), day)
    expect(await stateOf(appeared)).toBe('active')
    const events = (await env.DB.prepare("SELECT * FROM audit_events WHERE action = 'key.adopted'").all()).results
    expect(events).toHaveLength(1)
    expect(String(events[0]?.detail)).toContain('azure-key-vault')
  })

  it('is announced beside another announced key', async () => {
    await withFirstKey(inAzure())
    const [one, other] = [await aKey(), await aKey()]
    await azure.put('openid', pem(one))
    await scanLater(inAzure())
    await azure.put('openid', pem(other))
    await scanLater(inAzure())
    expect(await stateOf(one)).toBe('announced')
    expect(await stateOf(other)).toBe('announced')
  })

  it.each([
    ['nonsense', async () => 'hello'],
    ['an expired certificate', async () => pem(await generateKeyMaterial('RSA', 2048, noon - 4000 * day))],
    ['a certificate of another key', async () => pem({ ...(await aKey()), certificate: (await aKey()).certificate })],
    ['a key on a curve', async () => pem(await generateKeyMaterial('P-256', 2048, noon))],
  ])('K09 and is %s does not join the ring, and is reported', async (_, content) => {
    const old = await withFirstKey(inAzure())
    await azure.put('openid', await content())
    await scanLater(inAzure())
    expect((await keysInD1()).map(({ kid }) => kid)).toEqual([old.kid])
    expect(await ringWith(inAzure(), async (ring) => ring.report())).toMatchObject({
      failing: null,
      unusable_versions: 1,
    })
    expect(logged.join()).toMatch(/current version \w+: /)
  })
})

describe('a peer that knows one key', () => {
  it('and overwrites it: this instance signs with the new key at once, and the old key stays published', async () => {
    const old = await withFirstKey(inAzure())
    const theirs = await aKey()
    await azure.put('openid', pem(theirs))
    time += 10 * minute
    await ringWith(inAzure(), async (ring) => {
      const settings = deploymentOf(Reflect.get(ring, 'env') as Env)
      const before = settings.vault
      Reflect.set(settings, 'vault', { kind: 'azure-key-vault', peersKnowOneKey: true })
      await ring.advance(time).finally(() => Reflect.set(settings, 'vault', before))
    })
    expect((await signing())?.certificate).toBe(base64(theirs.certificate))
    await ringWith(inAzure(), (ring) => ring.advance(time + second))
    expect(await stateOf(theirs)).toBe('active')
    expect((await keysInD1()).find(({ kid }) => kid === old.kid)).toMatchObject({ state: 'retired', retired_at: time })
  })
})

describe('rotation through the vault', () => {
  it.each([
    ['Azure', inAzure, () => azure.versions.get('openid')?.length],
    ['AWS', inAws, () => aws.secrets.get('openid')?.filter(({ labels }) => labels.has('AWSCURRENT')).length],
  ])(
    'K05 stores the successor outside the name that one-key peers read until it signs, then under the name: %s',
    async (_, vault, count) => {
      const old = await withFirstKey(vault())
      time += hour
      const answer = await ringWith(vault(), (ring) => ring.rotate(time, origin))
      expect(answer.outcome).toBe('announced')
      const [kid] = answer.outcome === 'announced' ? answer.kids : []
      const currentOf = async () => {
        const current = (await vault().scan?.('RSA'))?.find(({ place }) => place === 'current')
        return base64((await current?.open())?.certificate ?? new Uint8Array())
      }
      expect(await currentOf()).toBe(old.certificate)
      expect(count()).toBe(1)
      await scanLater(vault())
      expect(await currentOf()).toBe(old.certificate)
      await scanLater(vault(), day)
      expect((await signing())?.kid).toBe(kid)
      expect(await currentOf()).toBe((await signing())?.certificate)
      expect((await keysInD1()).length).toBe(2)
      await scanLater(vault())
      expect((await keysInD1()).length).toBe(2)
    },
  )

  it('adopts the successor that another instance stored, and makes no other', async () => {
    await withFirstKey(inAzure())
    const theirs = await aKey()
    await azure.put('openid-next', pem(theirs))
    const answer = await ringWith(inAzure(), (ring) => ring.rotate(time, origin))
    expect(answer.outcome).toBe('already_announced')
    expect(await stateOf(theirs)).toBe('announced')
    expect(azure.versions.get('openid-next')).toHaveLength(1)
  })

  it('moves a local key into an empty vault', async () => {
    await addClient()
    await theRing().ensure(time)
    const [local] = await keysInD1()
    expect(local?.vault).toBe('local')
    for (const vault of [inAws()]) {
      expect((await ringWith(vault, (ring) => ring.rotate(time, origin))).outcome).toBe('announced')
      await scanLater(vault, day)
      expect((await signing())?.vault).toBe(vault.name)
      expect(aws.secrets.get('openid')?.[0]?.labels.has('AWSCURRENT')).toBe(true)
    }
  })

  it('K13 is refused within ten minutes of the last write, with the reason', async () => {
    await withFirstKey(inAws())
    const answer = await ringWith(inAws(), (ring) => ring.rotate(time, origin))
    expect(answer).toMatchObject({ outcome: 'unavailable', reason: expect.stringMatching(/less than ten minutes ago/) })
    expect(aws.secrets.get('openid')).toHaveLength(1)
    expect(await ringWith(inAws(), async (ring) => ring.report())).toMatchObject({ failing: null })
  })

  it('K12 in an emergency stores a new key in the vault, and under the name at the next scan', async () => {
    const old = await withFirstKey(inAws())
    const answer = await ringWith(inAws(), (ring) => ring.retire(old.kid, time, origin))
    expect(answer).toMatchObject({ outcome: 'retired', replaced_by: [expect.any(String)] })
    await scanLater(inAws())
    expect((await keysInD1()).map(({ state }) => state).sort()).toEqual(['active', 'gone'])
    const current = aws.secrets.get('openid')?.find(({ labels }) => labels.has('AWSCURRENT'))
    expect(current?.id).toBe((await signing())?.version)
  })

  it('K12 in an emergency with the vault down, the key is revoked, and its copy in the vault is never adopted again', async () => {
    const old = await withFirstKey(inAzure())
    azure.fault = 'broken'
    const answer = await ringWith(inAzure(), (ring) => ring.retire(old.kid, time, origin))
    expect(answer).toEqual({ outcome: 'retired', replaced_by: [] })
    expect(await ringWith(inAzure(), (ring) => ring.ensure(time))).toMatchObject({ outcome: 'unavailable' })
    azure.fault = undefined
    time += 10 * minute
    expect(await ringWith(inAzure(), (ring) => ring.ensure(time))).toMatchObject({ outcome: 'ready' })
    expect((await signing())?.kid).not.toBe(old.kid)
    expect((await keysInD1()).map(({ state }) => state).sort()).toEqual(['active', 'gone'])
  })
})

describe('K07 for an hour the vault', () => {
  it.each([
    ['forbidden', 'forbidden'],
    ['not_found', 'nonsense'],
    ['throttled', 'throttled'],
    ['broken', 'unreachable'],
    ['html', 'nonsense'],
    ['malformed', 'nonsense'],
  ] as const)(
    'answers %s: signing goes on, the report says since when, and calls to the vault back off',
    async (fault, name) => {
      const key = await withFirstKey(inAzure())
      azure.requests.length = 0
      azure.fault = fault
      azure.retryAfter = fault === 'throttled' ? 600 : undefined
      const failedAt = time + 10 * minute
      const askedAt: number[] = []
      await ringWith(inAzure(), async (ring) => {
        // Called every second, more often than any cron would.
        for (time = failedAt; time < failedAt + hour; time += second) {
          const before = azure.requests.length
          await ring.advance(time)
          if (azure.requests.length > before) askedAt.push(time)
        }
        expect(ring.report()).toMatchObject({ failing: { fault: name, since: failedAt } })
      })
      expect(askedAt.length).toBeGreaterThanOrEqual(3)
      expect(askedAt.length).toBeLessThan(30)
      expect(azure.requests).toHaveLength(askedAt.length)
      const pauses = askedAt.slice(1).map((each, index) => each - (askedAt[index] ?? 0))
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(azure.retryAfter === undefined ? second : 600 * second)
      expect((await signing())?.kid).toBe(key.kid)
      expect(await keysInD1()).toHaveLength(1)
      expect(logged.join()).toContain(new Date(failedAt).toISOString())
      azure.fault = undefined
      await scanLater(inAzure(), 2 * hour)
      expect(await ringWith(inAzure(), async (ring) => ring.report())).toMatchObject({ failing: null, looked_at: time })
    },
  )

  it('K08 is down before the first key: no key is made, and 50 concurrent calls send one request', async () => {
    await addClient()
    azure.fault = 'broken'
    await ringWith(inAzure(), async (ring) => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => ring.ensure(time)))
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['unavailable']))
      await ring.ensure(time + 500)
    })
    expect(azure.requests).toHaveLength(1)
    expect(await keysInD1()).toEqual([])
  })

  it('is empty: no key is made, since the ring has one', async () => {
    const key = await withFirstKey(inAzure())
    azure.versions.clear()
    await scanLater(inAzure())
    expect((await keysInD1()).map(({ kid }) => kid)).toEqual([key.kid])
    expect(azure.versions.size).toBe(0)
    expect(logged.join()).toContain('there is no current version')
  })
})
