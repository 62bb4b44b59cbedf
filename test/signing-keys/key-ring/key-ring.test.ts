import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { generateKeyMaterial } from '../../../src/crypto/key-material.ts'
import type { KeyRing } from '../../../src/signing-keys/key-ring/key-ring.ts'
import { signingKeyAt } from '../../../src/signing-keys/key-ring/key-states.ts'
import { localVault } from '../../../src/signing-keys/vaults/local.ts'
import type { KeyVersion, Vault } from '../../../src/signing-keys/vaults/vault.ts'
import { aDeployment, noon } from '../../context.ts'
import { addClient, emptyRing, keysInD1, origin, set, theRing } from '../ring.ts'

// Generating an RSA key takes a random time: mostly 0.1 s, sometimes a second, on a busy machine several.
vi.setConfig({ testTimeout: 30_000 })

const second = 1000
const hour = 3600 * second
const day = 24 * hour

beforeEach(emptyRing)
afterEach(() => {
  vi.useRealTimers()
})

const states = async () => Object.fromEntries((await keysInD1()).map((key) => [key.kid, key.state]))

const rowsOf = async (table: string) => (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results

async function runAlarmAt(now: number): Promise<boolean> {
  vi.useFakeTimers({ toFake: ['Date'], now })
  const ran = await runDurableObjectAlarm(theRing())
  vi.useRealTimers()
  return ran
}

const alarmTime = () => runInDurableObject(theRing(), (_, ctx) => ctx.storage.getAlarm())

async function firstKey() {
  await addClient()
  await theRing().ensure(noon)
  const [key] = await keysInD1()
  if (!key) throw new Error('the ring made no key')
  return key
}

async function rotated() {
  const old = await firstKey()
  const answer = await theRing().rotate(noon, origin)
  if (answer.outcome !== 'announced') throw new Error(answer.outcome)
  const [kid = ''] = answer.kids
  return { old, kid, activates_at: answer.activates_at }
}

/** Runs `task` with the object's vault replaced. */
const usingVault = (vault: Partial<Vault>, task: (ring: KeyRing) => Promise<void>) =>
  runInDurableObject(theRing(), async (ring) => {
    const before: unknown = Reflect.get(ring, 'vault')
    Reflect.set(ring, 'vault', { name: 'test', ...vault })
    await task(ring).finally(() => Reflect.set(ring, 'vault', before))
  })

describe('the first key', () => {
  it('is not made while no client is enabled', async () => {
    await addClient({ enabled: false })
    expect(await theRing().ensure(noon)).toEqual({ outcome: 'no_enabled_client' })
    expect(await keysInD1()).toEqual([])
  })

  it('is RS256 of 2048 bits, in the local vault, and signs at once', async () => {
    const key = await firstKey()
    expect(key).toMatchObject({ alg: 'RS256', state: 'active', vault: 'local', activates_at: noon, retired_at: null })
    expect(Uint8Array.fromBase64(key.public_jwk.n ?? '', { alphabet: 'base64url' })).toHaveLength(256)
  })

  it('K06 is made once for 50 concurrent calls', async () => {
    await addClient()
    const answers = await Promise.all(Array.from({ length: 50 }, () => theRing().ensure(noon)))
    const kids = answers.map((answer) => answer.outcome === 'ready' && answer.keys.map((key) => key.kid).join())
    expect(new Set(kids).size).toBe(1)
    expect(await keysInD1()).toHaveLength(1)
    expect(await rowsOf('audit_events')).toHaveLength(1)
  })

  it('K06 is the stored one when another object wrote a key first', async () => {
    await addClient()
    const elect: Vault['elect'] = async (_, generate) => {
      const material = await generate()
      await theRing('https://other.test').ensure(noon)
      return { ...material, version: 'too late' }
    }
    await usingVault({ elect }, async (ring) => {
      const answer = await ring.ensure(noon)
      const keys = await keysInD1()
      expect(keys).toMatchObject([{ vault: 'local' }])
      expect(answer).toEqual({ outcome: 'ready', created: false, keys })
    })
    expect(await rowsOf('audit_events')).toHaveLength(1)
  })

  it('is made for a client that was added during a call that found none', async () => {
    const early = theRing().ensure(noon)
    await addClient()
    const late = theRing().ensure(noon)
    expect(['no_enabled_client', 'ready']).toContain((await early).outcome)
    expect((await late).outcome).toBe('ready')
  })

  it('is not made again after the object was evicted', async () => {
    const key = await firstKey()
    await evictDurableObject(theRing())
    const answer = await theRing().ensure(noon + day)
    expect(answer).toMatchObject({ outcome: 'ready', created: false })
    expect(await states()).toEqual({ [key.kid]: 'active' })
  })

  it('is recorded as a configuration change and as an audit event', async () => {
    const before = (await rowsOf('config_changes')).length
    const key = await firstKey()
    expect((await rowsOf('config_changes')).slice(before)).toMatchObject([{ kind: 'keys' }])
    expect(await rowsOf('audit_events')).toMatchObject([{ actor: 'key-ring', action: 'key.created', target: key.kid }])
  })

  it('is made for every algorithm in the settings, PS256 with the certificate of RS256', async () => {
    await set({ signing_algs: ['ES256', 'PS256', 'ES384', 'EdDSA'] })
    await firstKey()
    const keys = await keysInD1()
    expect(keys.map((key) => key.alg).sort()).toEqual(['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'])
    expect(new Set(keys.map((key) => key.kid)).size).toBe(5)
    const certificateOf = (alg: string) => keys.find((key) => key.alg === alg)?.certificate
    expect(certificateOf('PS256')).toBe(certificateOf('RS256'))
    expect(new Set(keys.map((key) => key.certificate)).size).toBe(4)
  })

  it('of an algorithm added later leaves the other keys in use', async () => {
    const rs256 = await firstKey()
    await set({ signing_algs: ['RS256', 'PS256', 'ES256'] })
    expect(await theRing().ensure(noon + hour)).toMatchObject({ outcome: 'ready', created: true })
    const keys = await keysInD1()
    expect(keys.map((key) => key.alg).sort()).toEqual(['ES256', 'PS256', 'RS256'])
    expect(keys.find((key) => key.alg === 'PS256')?.version).toBe(rs256.version)
  })

  it('signs in an isolate whose clock is behind that of the KeyRing', async () => {
    const key = await firstKey()
    expect(signingKeyAt(await keysInD1(), 'RS256', noon - second)?.kid).toBe(key.kid)
    expect(await theRing().ensure(noon - second)).toMatchObject({ outcome: 'ready', created: false })
    expect(await keysInD1()).toHaveLength(1)
  })

  it('has as many bits as the settings say', async () => {
    await set({ rsa_key_bits: 3072 })
    const key = await firstKey()
    expect(Uint8Array.fromBase64(key.public_jwk.n ?? '', { alphabet: 'base64url' })).toHaveLength(384)
  })
})

describe('the kid', () => {
  it.each([
    ['thumbprint-alg', /^[0-9A-F]{40}RS256$/, /^[0-9A-F]{40}PS256$/],
    ['thumbprint', /^[0-9A-F]{40}$/, /^[0-9A-F]{40}PS256$/],
    ['rfc7638', /^[\w-]{43}$/, /^[\w-]{43}PS256$/],
  ] as const)('K01 has the form %s and is unique for each entry', async (kid_form, rs256, ps256) => {
    await set({ kid_form, signing_algs: ['RS256', 'PS256'] })
    await firstKey()
    const kids = new Map((await keysInD1()).map((key) => [key.alg, key.kid]))
    expect(kids.get('RS256')).toMatch(rs256)
    expect(kids.get('PS256')).toMatch(ps256)
  })

  it('is by default the upper-case SHA-1 of the certificate and the algorithm', async () => {
    const { kid, certificate } = await firstKey()
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', Uint8Array.fromBase64(certificate)))
    expect(kid).toBe(`${digest.toHex().toUpperCase()}RS256`)
  })
})

describe('at rest', () => {
  it('no row holds a private key member in any encoding', async () => {
    await set({ signing_algs: ['RS256', 'ES256', 'EdDSA'] })
    await firstKey()
    const { keyWrapper } = aDeployment().issuer
    const secrets: string[] = []
    for (const key of await keysInD1()) {
      const pkcs8 = await keyWrapper.open('signing-key', key.wrapped_private_key ?? '')
      if (!pkcs8) throw new Error('the row does not open')
      const name = key.alg === 'RS256' ? { name: 'RSA-PSS', hash: 'SHA-256' } : undefined
      const alg = name ?? (key.alg === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' })
      const jwk = (await crypto.subtle.exportKey(
        'jwk',
        await crypto.subtle.importKey('pkcs8', pkcs8, alg, true, ['sign']),
      )) as JsonWebKey
      for (const member of [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi]) {
        if (member === undefined) continue
        const bytes = Uint8Array.fromBase64(member, { alphabet: 'base64url' })
        secrets.push(member, bytes.toHex(), bytes.toBase64().slice(0, 40))
      }
    }
    const tables = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf%'",
    ).all()
    const rows = await Promise.all(tables.results.map(({ name }) => rowsOf(String(name))))
    const everything = JSON.stringify(rows)
    expect(secrets.length).toBeGreaterThan(20)
    expect(everything).toContain((await keysInD1())[0]?.kid)
    for (const secret of secrets) expect(everything).not.toContain(secret)
    expect(everything).not.toMatch(/"(d|p|q|dp|dq|qi|k)\\?":/)
  })

  it('the KeyRing object stores only an alarm', async () => {
    await rotated()
    const kept = await runInDurableObject(theRing(), async (_, ctx) => (await ctx.storage.list()).size)
    expect(kept).toBe(0)
  })
})

describe('rotation', () => {
  it('K05 announces a key for at least the time that a JWKS is cached', async () => {
    const { old, kid, activates_at } = await rotated()
    expect(activates_at).toBe(noon + day)
    expect(await states()).toEqual({ [old.kid]: 'active', [kid]: 'announced' })
    const keys = await keysInD1()
    expect(signingKeyAt(keys, 'RS256', activates_at - 1)?.kid).toBe(old.kid)
    expect(signingKeyAt(keys, 'RS256', activates_at)?.kid).toBe(kid)
  })

  it('K05 announces for longer than the max-age of the JWKS, whatever the setting says', async () => {
    await set({ key_announce_period: 0, jwks_max_age: 1200 })
    const { activates_at } = await rotated()
    expect(activates_at).toBeGreaterThanOrEqual(noon + 1200 * second)
  })

  it('K05 announces for as long as an isolate without D1 may serve its JWKS, plus the max-age of that', async () => {
    await set({ key_announce_period: 0, jwks_max_age: 60, serve_stale_for: 15 })
    expect((await rotated()).activates_at).toBe(noon + 75 * second)
  })

  it('activates the new key by alarm and retires the old one from the time at which readers switched', async () => {
    const { old, kid, activates_at } = await rotated()
    expect(await alarmTime()).toBe(activates_at)
    await runAlarmAt(activates_at + 7 * hour)
    expect(await states()).toEqual({ [old.kid]: 'retired', [kid]: 'active' })
    expect((await keysInD1()).find((key) => key.kid === old.kid)?.retired_at).toBe(activates_at)
  })

  it('keeps the old key published until the longest-lived token of any client has expired', async () => {
    await addClient({ access_token_lifetime: 7 * 3600 })
    const { old, activates_at } = await rotated()
    await runAlarmAt(activates_at)
    const goneAt = (await keysInD1()).find((key) => key.kid === old.kid)?.gone_at ?? 0
    expect(goneAt).toBeGreaterThanOrEqual(activates_at + 7 * hour + 60 * second)
    expect(goneAt).toBeLessThan(activates_at + 8 * hour)
    expect(await alarmTime()).toBe(goneAt)
  })

  it('ends with the old key gone: the row keeps the public key and loses the private key', async () => {
    const { old, kid, activates_at } = await rotated()
    await runAlarmAt(activates_at)
    await runAlarmAt((await alarmTime()) ?? 0)
    expect(await states()).toEqual({ [old.kid]: 'gone', [kid]: 'active' })
    const gone = (await keysInD1()).find((key) => key.kid === old.kid)
    expect(gone?.wrapped_private_key).toBeNull()
    expect(gone?.public_jwk).toEqual(old.public_jwk)
    expect(await alarmTime()).toBeNull()
  })

  it('makes every transition that was missed', async () => {
    const { old, kid, activates_at } = await rotated()
    await evictDurableObject(theRing())
    await runAlarmAt(activates_at + 30 * day)
    await runAlarmAt(activates_at + 30 * day + 2000)
    expect(await states()).toEqual({ [old.kid]: 'gone', [kid]: 'active' })
  })

  it('announces one successor at a time, also for concurrent calls', async () => {
    await firstKey()
    const answers = await Promise.all([1, 2, 3].map(() => theRing().rotate(noon, origin)))
    expect(answers.map((answer) => answer.outcome).sort()).toEqual([
      'already_announced',
      'already_announced',
      'announced',
    ])
    expect(await theRing().rotate(noon + hour, origin)).toEqual({
      outcome: 'already_announced',
      activates_at: noon + day,
    })
    expect(await keysInD1()).toHaveLength(2)
  })

  it('makes the transition that is due when the next rotation is requested', async () => {
    const { old, kid, activates_at } = await rotated()
    const answer = await theRing().rotate(activates_at + hour, origin)
    expect(answer.outcome).toBe('announced')
    expect(await states()).toMatchObject({ [old.kid]: 'retired', [kid]: 'active' })
    expect((await keysInD1()).map((key) => key.state).sort()).toEqual(['active', 'announced', 'retired'])
  })

  it('renews RS256 and PS256 together, with one certificate', async () => {
    await set({ signing_algs: ['RS256', 'PS256'] })
    await rotated()
    const announced = (await keysInD1()).filter((key) => key.state === 'announced')
    expect(announced.map((key) => key.alg).sort()).toEqual(['PS256', 'RS256'])
    expect(new Set(announced.map((key) => key.certificate)).size).toBe(1)
  })

  it('retires the key of an algorithm that the settings no longer name', async () => {
    await set({ signing_algs: ['RS256', 'ES256'] })
    await firstKey()
    await set({ signing_algs: ['RS256'] })
    await theRing().rotate(noon, origin)
    const es256 = (await keysInD1()).filter((key) => key.alg === 'ES256')
    expect(es256.map((key) => key.state)).toEqual(['retired'])
  })

  it('activates an announced key early when its algorithm has no other key left', async () => {
    await set({ signing_algs: ['RS256', 'ES256'] })
    await rotated()
    await set({ signing_algs: ['RS256'] })
    await theRing().rotate(noon + second, origin)
    await set({ signing_algs: ['RS256', 'ES256'] })
    await theRing().ensure(noon + hour)
    const es256 = (await keysInD1()).filter((key) => key.alg === 'ES256')
    expect(es256.map((key) => key.state).sort()).toEqual(['active', 'retired'])
    expect(signingKeyAt(es256, 'ES256', noon + hour)?.activates_at).toBe(noon + hour)
  })

  it('is completed by a cron when the alarm was lost', async () => {
    const { old, kid, activates_at } = await rotated()
    await runInDurableObject(theRing(), (_, ctx) => ctx.storage.deleteAlarm())
    expect(await theRing().advance(activates_at)).toEqual({ outcome: 'done', steps: 2 })
    expect(await theRing().advance(activates_at)).toEqual({ outcome: 'done', steps: 0 })
    expect(await states()).toEqual({ [old.kid]: 'retired', [kid]: 'active' })
    expect(await alarmTime()).toBeGreaterThan(activates_at)
  })

  it('names the actor and the request in the audit trail', async () => {
    const { kid } = await rotated()
    const events = await rowsOf('audit_events')
    expect(events.at(-1)).toMatchObject({ actor: 'operator', request_id: 'r-1', action: 'key.announced', target: kid })
  })

  it('makes no key for a provider without clients', async () => {
    expect(await theRing().rotate(noon, origin)).toEqual({ outcome: 'no_enabled_client' })
  })
})

describe('retirement in an emergency', () => {
  it('K12 unpublishes the key at once and replaces it in the same step', async () => {
    const key = await firstKey()
    const answer = await theRing().retire(key.kid, noon + hour, origin)
    const keys = await keysInD1()
    const replacement = keys.find((each) => each.kid !== key.kid)
    expect(answer).toEqual({ outcome: 'retired', replaced_by: [replacement?.kid] })
    expect(replacement).toMatchObject({ state: 'active', activates_at: noon + hour })
    const revoked = keys.find((each) => each.kid === key.kid)
    expect(revoked).toMatchObject({ state: 'gone', gone_at: noon + hour, wrapped_private_key: null })
    const events = (await rowsOf('audit_events')).slice(-2)
    expect(events).toMatchObject([
      { actor: 'operator', action: 'key.revoked', target: key.kid },
      { actor: 'operator', action: 'key.created', target: replacement?.kid },
    ])
  })

  it('K12 activates an announced key, since verifiers already know it', async () => {
    const { old, kid } = await rotated()
    expect(await theRing().retire(old.kid, noon + hour, origin)).toEqual({ outcome: 'retired', replaced_by: [kid] })
    expect(await states()).toEqual({ [old.kid]: 'gone', [kid]: 'active' })
    expect(signingKeyAt(await keysInD1(), 'RS256', noon + hour)?.kid).toBe(kid)
  })

  it('K12 retires PS256 with RS256, since they share a private key', async () => {
    await set({ signing_algs: ['RS256', 'PS256', 'ES256'] })
    await firstKey()
    const rs256 = (await keysInD1()).find((key) => key.alg === 'RS256')
    await theRing().retire(rs256?.kid ?? '', noon, origin)
    const keys = await keysInD1()
    const gone = keys.filter((key) => key.state === 'gone').map((key) => key.alg)
    expect(gone.sort()).toEqual(['PS256', 'RS256'])
    const active = keys.filter((key) => key.state === 'active').map((key) => key.alg)
    expect(active.sort()).toEqual(['ES256', 'PS256', 'RS256'])
  })

  it('of an announced key needs no replacement', async () => {
    const { old, kid } = await rotated()
    expect(await theRing().retire(kid, noon, origin)).toEqual({ outcome: 'retired', replaced_by: [] })
    expect(await states()).toEqual({ [old.kid]: 'active', [kid]: 'gone' })
  })

  it('may be repeated, and answers `unknown` for an unknown kid', async () => {
    const key = await firstKey()
    await theRing().retire(key.kid, noon, origin)
    expect(await theRing().retire(key.kid, noon, origin)).toEqual({ outcome: 'retired', replaced_by: [] })
    expect(await theRing().retire('nobody', noon, origin)).toEqual({ outcome: 'unknown' })
    expect(await keysInD1()).toHaveLength(2)
  })
})

describe('a vault', () => {
  it('K09 adds no key to the ring that fails its self-test', async () => {
    await addClient()
    const [one, other] = await Promise.all([1, 2].map(() => generateKeyMaterial('RSA', 2048, noon)))
    const mismatched = { ...one, privateKey: other?.privateKey, version: 'v' } as KeyVersion
    await usingVault({ elect: async () => mismatched }, async (ring) => {
      const reason = 'key version v of vault test: the private key does not belong to the certificate'
      expect(await ring.ensure(noon)).toEqual({ outcome: 'unavailable', reason })
    })
    expect(await keysInD1()).toEqual([])
  })

  it('is asked for one successor by concurrent rotations', async () => {
    await firstKey()
    const made = await generateKeyMaterial('RSA', 2048, noon)
    const add = vi.fn(async () => ({ ...made, version: 'v' }))
    await usingVault({ add }, async (ring) => {
      const answers = await Promise.all([1, 2, 3].map(() => ring.rotate(noon, origin)))
      expect(answers.filter((answer) => answer.outcome === 'announced')).toHaveLength(1)
    })
    expect(add).toHaveBeenCalledTimes(1)
  })

  it('K08 that never answers blocks later calls for one minute only', async () => {
    await addClient()
    await usingVault({ elect: () => new Promise(() => {}) }, async (ring) => {
      expect(Reflect.get(ring, 'taskTimeout')).toBe(60 * second)
      Reflect.set(ring, 'taskTimeout', 100)
      const unanswered = { outcome: 'unavailable', reason: 'D1 or the vault did not answer' }
      expect(await ring.ensure(noon)).toEqual(unanswered)
      Reflect.set(ring, 'taskTimeout', 60 * second)
      Reflect.set(ring, 'vault', localVault)
      expect((await ring.ensure(noon)).outcome).toBe('ready')
    })
  })
})

describe('when D1 fails', () => {
  const breakWrites =
    "CREATE TRIGGER broken BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
  const brokenWhile = async (task: () => Promise<void>) => {
    await env.DB.prepare(breakWrites).run()
    await task().finally(() => env.DB.prepare('DROP TRIGGER broken').run())
  }

  it('in the middle of a write, no part is written, the result gives the reason, and the next call works', async () => {
    await addClient()
    await brokenWhile(async () => {
      const answer = await theRing().ensure(noon)
      expect(answer.outcome).toBe('unavailable')
      expect(JSON.stringify(answer)).toMatch(/disk on fire/)
      expect(JSON.stringify(answer)).not.toMatch(/params|insert into/i)
      expect(await keysInD1()).toEqual([])
    })
    expect((await theRing().ensure(noon)).outcome).toBe('ready')
  })

  it('an emergency retirement leaves the ring unchanged', async () => {
    const key = await firstKey()
    await brokenWhile(async () => {
      expect((await theRing().retire(key.kid, noon, origin)).outcome).toBe('unavailable')
      expect(await states()).toEqual({ [key.kid]: 'active' })
    })
    expect((await theRing().retire(key.kid, noon, origin)).outcome).toBe('retired')
  })

  it('an alarm tries again a minute later', async () => {
    const { old, kid, activates_at } = await rotated()
    await brokenWhile(async () => {
      await runAlarmAt(activates_at)
      expect(await states()).toEqual({ [old.kid]: 'active', [kid]: 'announced' })
      expect(await alarmTime()).toBe(activates_at + 60 * second)
    })
    await runAlarmAt(activates_at + 60 * second)
    expect(await states()).toEqual({ [old.kid]: 'retired', [kid]: 'active' })
  })
})
