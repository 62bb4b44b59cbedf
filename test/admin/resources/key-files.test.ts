// Private keys that come and go as files: taken, refused by name (K09), announced, exported, and each change in the audit trail.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { base64, utf8 } from '../../../src/crypto/encoding.ts'
import { generateKeyMaterial, type KeyMaterial } from '../../../src/crypto/key-material.ts'
import { readPem, writePem } from '../../../src/crypto/pem.ts'
import { readPkcs12 } from '../../../src/crypto/pkcs12/read.ts'
import { writePkcs12 } from '../../../src/crypto/pkcs12/write.ts'
import { readPrivateJwk } from '../../../src/crypto/private-jwk.ts'
import { createCertificate, thumbprints } from '../../../src/crypto/x509.ts'
import { signingKeyAt } from '../../../src/signing-keys/key-ring/key-states.ts'
import { type AzureKeyVaultOptions, azureKeyVault } from '../../../src/signing-keys/vaults/azure-key-vault.ts'
import { dataPart, keyBag, material as ofBags, pfx } from '../../crypto/pkcs12-samples.ts'
import { type FakeKeyVault, fakeKeyVault } from '../../fakes/azure-key-vault.ts'
import { addClient, contextAt, emptyRing, keysInD1, set, theRing } from '../../signing-keys/ring.ts'
import { answering } from '../../signing-keys/vaults/access.ts'
import { ask, rows, start } from '../context.ts'

vi.setConfig({ testTimeout: 40_000 })

const hour = 3_600_000
const day = 24 * hour
let theirs: KeyMaterial
let other: KeyMaterial

beforeAll(async () => {
  theirs = await generateKeyMaterial('RSA', 2048, start)
  other = await generateKeyMaterial('RSA', 2048, start)
})
beforeEach(async () => {
  await emptyRing()
  await runInDurableObject(theRing(), async (_, ctx) => {
    await ctx.storage.deleteAll()
    await ctx.storage.deleteAlarm()
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const pem = (key: KeyMaterial): string => writePem({ ...key, chain: [] })
const file = (content: Uint8Array | string): string => base64(typeof content === 'string' ? utf8(content) : content)
const kidOf = async (key: KeyMaterial, alg = 'RS256') => (await thumbprints(key.certificate)).hex + alg
const signingAt = async (now: number) => signingKeyAt(await keysInD1(), 'RS256', now)?.kid
const events = () =>
  rows<{ action: string; actor: string; target: string; detail: string }>(
    "select action, actor, target, detail from audit_events where action like 'key.%' order by id",
  )

/** The instance's own key, as the first enabled client makes it. */
async function ownKey(): Promise<string> {
  await addClient()
  await theRing().ensure(start - hour)
  await env.DB.exec('DELETE FROM audit_events')
  return (await signingAt(start)) ?? ''
}

describe('POST keys/import', () => {
  it('announces a PFX, which signs when every JWKS has been renewed', async () => {
    const own = await ownKey()
    const body = { file: file(await writePkcs12(theirs, 'of the file', { iterations: 10 })), password: 'of the file' }
    const answer = await ask('POST keys/import', body)
    const kid = await kidOf(theirs)
    const activatesAt = new Date(start + day).toISOString()
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      outcome: 'imported',
      keys: [{ kid, state: 'announced', activates_at: activatesAt, vault: 'local' }],
    })
    expect([await signingAt(start + day - 1), await signingAt(start + day)]).toEqual([own, kid])
    expect(await events()).toEqual([
      { action: 'key.imported', actor: 'operator', target: kid, detail: expect.stringContaining('"vault":"local"') },
    ])
    expect(JSON.stringify(await rows('select * from audit_events'))).not.toContain('of the file')
  })

  it('signs at once where there is no other key, also before a client is enabled; none is made then', async () => {
    await ask('POST keys/import', { file: file(pem(theirs)) })
    expect(await signingAt(start)).toBe(await kidOf(theirs))
    await addClient()
    expect((await theRing().ensure(start)).outcome).toBe('ready')
    expect(await keysInD1()).toHaveLength(1)
  })

  it('signs at once when that was asked; the old one stays published, one that waited never signs', async () => {
    const own = await ownKey()
    await ask('POST keys/rotate')
    const waiting = (await keysInD1()).find(({ state }) => state === 'announced')
    const answer = await ask('POST keys/import', { file: file(pem(theirs)), activate: 'now' })
    const kid = await kidOf(theirs)
    expect(answer.body.keys).toMatchObject([{ kid, state: 'active' }])
    expect([await signingAt(start), await signingAt(start + 2 * day)]).toEqual([kid, kid])
    const states = Object.fromEntries((await keysInD1()).map((key) => [key.kid, key.state]))
    expect(states).toEqual({ [own]: 'retired', [waiting?.kid ?? '']: 'retired', [kid]: 'active' })
    const { keys } = (await contextAt(start)).configuration
    expect(keys.map((key) => key.kid).sort()).toEqual(Object.keys(states).sort())
    const changes = (await events()).map(({ action, detail }) => [action, JSON.parse(detail).vault])
    expect(changes.slice(1).sort()).toEqual([
      ['key.imported', 'local'],
      ['key.retired', 'local'],
      ['key.retired', 'local'],
    ])
  })

  it('signs now although the key in use bears a time to come', async () => {
    await ownKey()
    await env.DB.exec(`UPDATE signing_keys SET activates_at = ${start + 5000}`)
    await ask('POST keys/import', { file: file(pem(theirs)), activate: 'now' })
    expect(await signingAt(start)).toBe(await kidOf(theirs))
  })

  it('knows a certificate that it has: no second version, no event', async () => {
    await ownKey()
    await ask('POST keys/import', { file: file(pem(theirs)) })
    const again = await ask('POST keys/import', { file: file(await writePkcs12(theirs, '', { iterations: 10 })) })
    expect(again.body).toMatchObject({ outcome: 'known', keys: [{ state: 'announced' }] })
    expect(await keysInD1()).toHaveLength(2)
    expect(await events()).toHaveLength(1)
  })

  it('lets a known one that waits sign now', async () => {
    const own = await ownKey()
    await ask('POST keys/import', { file: file(pem(theirs)) })
    const answer = await ask('POST keys/import', { file: file(pem(theirs)), activate: 'now' }, { now: start + hour })
    expect(answer.body).toMatchObject({ outcome: 'activated', keys: [{ state: 'active' }] })
    expect(await signingAt(start + hour)).toBe(await kidOf(theirs))
    expect((await events()).slice(1).map(({ action, target }) => [action, target])).toEqual([
      ['key.retired', own],
      ['key.activated', await kidOf(theirs)],
    ])
  })

  it('serves every algorithm in use that the key fits', async () => {
    await set({ signing_algs: ['RS256', 'PS256', 'ES256'] })
    await ownKey()
    const answer = await ask('POST keys/import', { file: file(pem(theirs)) })
    expect(answer.body.keys.map((key: { kid: string }) => key.kid)).toEqual([
      await kidOf(theirs),
      await kidOf(theirs, 'PS256'),
    ])
    const versions = new Set((await keysInD1()).filter(({ state }) => state === 'announced').map((key) => key.version))
    expect(versions.size).toBe(1)
    const ec = await ask('POST keys/import', { file: file(pem(ofBags)) })
    expect(ec.body.keys).toMatchObject([{ kid: await kidOf(ofBags, 'ES256') }])
  })

  it('does not take back what was retired, nor a revoked key under another certificate', async () => {
    await ask('POST keys/import', { file: file(pem(theirs)) })
    await addClient()
    await ask(`POST keys/${await kidOf(theirs)}/retire`)
    const again = await ask('POST keys/import', { file: file(pem(theirs)) })
    expect(again).toMatchObject({ status: 400, body: { fields: { file: expect.stringMatching(/^retired: /) } } })
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const privateKey = await crypto.subtle.importKey('pkcs8', theirs.privateKey, algorithm, true, ['sign'])
    const { n, e, kty } = (await crypto.subtle.exportKey('jwk', privateKey)) as JsonWebKey
    const publicKey = await crypto.subtle.importKey('jwk', { kty, n, e } as JsonWebKey, algorithm, true, ['verify'])
    const dates = { notBefore: start - hour, notAfter: start + day }
    const renewed = await createCertificate({ keys: { privateKey, publicKey }, alg: 'RS256', ...dates })
    const disguised = await ask('POST keys/import', { file: file(pem({ ...theirs, certificate: renewed })) })
    expect(disguised.body.fields.file).toMatch(/^retired: .*emergency/)
  })
})

describe('a shared vault', () => {
  let time: number
  let fake: FakeKeyVault
  let before: unknown

  const useVault = (vault: unknown) =>
    runInDurableObject(theRing(), async (ring) => {
      before ??= Reflect.get(ring, 'vault')
      Reflect.set(ring, 'vault', vault)
    })

  beforeEach(async () => {
    time = start
    vi.spyOn(console, 'log').mockImplementation(() => undefined)
    fake = fakeKeyVault(() => time)
    answering((request) => fake.answer(request))
    const access = {
      now: () => time,
      wait: async (milliseconds: number) => {
        time += milliseconds
      },
      electionWindow: 3000,
    }
    const principal = { authority: 'https://login.test', tenantId: 't', clientId: 'c' }
    const options: AzureKeyVaultOptions = {
      certificates: { RSA: { vault: 'https://keys.vault.test', name: 'openid' } },
      credential: { kind: 'secret', clientSecret: 'the-client-secret', ...principal },
      resource: 'https://vault.test',
      password: '',
    }
    await useVault(azureKeyVault(options, access))
  })
  afterEach(() => useVault(before))

  it('gets an imported key as the one that waits, and under the name when it signs', async () => {
    const first = await ask('POST keys/import', { file: file(pem(theirs)) }, { now: time })
    expect(first.body.keys).toMatchObject([{ state: 'active', vault: 'azure-key-vault' }])
    expect(fake.versions.get('openid')).toHaveLength(1)
    time += hour
    await ask('POST keys/import', { file: file(pem(other)), activate: 'now' }, { now: time })
    expect(fake.versions.get('openid-next')).toHaveLength(1)
    expect(await signingAt(time)).toBe(await kidOf(other))
    time += hour
    await theRing().advance(time)
    expect(fake.versions.get('openid')).toHaveLength(2)
    const again = await ask('POST keys/import', { file: file(pem(other)) }, { now: time })
    expect(again.body.outcome).toBe('known')
    expect(fake.versions.get('openid-next')).toHaveLength(1)
  })

  it('that was given the key of an instance first is moved to without a change of keys', async () => {
    await useVault(before)
    const own = await ownKey()
    const exported = await ask(`POST keys/${own}/export`, { format: 'pem' })
    await fake.put('openid', new TextDecoder().decode(Uint8Array.fromBase64(exported.body.file)))
    const rowsBefore = await keysInD1()
    const options = {
      certificates: { RSA: { vault: 'https://keys.vault.test', name: 'openid' } },
      credential: { kind: 'machine' as const, endpoint: 'http://169.254.169.254/metadata/identity/oauth2/token' },
      resource: 'https://vault.test',
      password: '',
    }
    await useVault(azureKeyVault(options))
    await theRing().advance(time + hour)
    expect(await keysInD1()).toEqual(rowsBefore)
    expect(await theRing().report()).toMatchObject({ vault: 'azure-key-vault', failing: null, unusable_versions: 0 })
    expect(fake.requests.some((request) => request.startsWith('POST'))).toBe(false)
  })
})

describe('K09 a bad file is refused by name, and the old key goes on signing', () => {
  const expired = async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
    const certificate = await createCertificate({ keys, alg: 'ES256', notBefore: 0, notAfter: start - 1 })
    const privateKey = new Uint8Array((await crypto.subtle.exportKey('pkcs8', keys.privateKey)) as ArrayBuffer)
    return pem({ family: 'P-256', certificate, privateKey })
  }
  const ecJwk = '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}'
  const secp521 = async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-521' }
    const { privateKey } = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
    return JSON.stringify(await crypto.subtle.exportKey('jwk', privateKey))
  }
  it.each<[string, string, () => Promise<Uint8Array | string> | Uint8Array | string, string?]>([
    ['a truncated PFX', 'not_pkcs12', async () => (await writePkcs12(theirs, '', { iterations: 1 })).slice(0, 900)],
    ['random bytes', 'not_pkcs12', () => crypto.getRandomValues(new Uint8Array(1000))],
    ['a sentence', 'not_pkcs12', () => 'this is no key'],
    ['nothing but a block that ends nowhere', 'not_pem', () => '-----BEGIN PRIVATE KEY-----\nAAAA'],
    ['a JSON text that is no JWK', 'not_jwk', () => '{}'],
    ['a wrong password', 'wrong_password', () => writePkcs12(theirs, 'right', { iterations: 1 }), 'wrong'],
    ['no key', 'no_key', () => pem(theirs).replace(/^[\s\S]+?(?=-----BEGIN CERT)/, '')],
    ['a public JWK', 'no_key', () => ecJwk],
    ['two keys', 'several_keys', () => pem(theirs) + pem(other)],
    ['two keys in a PFX', 'several_keys', () => pfx([dataPart(keyBag(), keyBag())])],
    [
      'a certificate of another key',
      'no_matching_certificate',
      () => pem({ ...theirs, ...{ certificate: other.certificate } }),
    ],
    ['a JWK without a certificate', 'no_matching_certificate', secp521],
    ['a key of an algorithm that is not in use', 'algorithm_not_in_use', () => pem(ofBags)],
    ['an expired certificate', 'self_test', expired],
  ])('%s: %s', async (_, code, content, password) => {
    const own = await ownKey()
    const body = { file: file(await content()), activate: 'now', ...(password === undefined ? {} : { password }) }
    const answer = await ask('POST keys/import', body)
    expect(answer.status).toBe(400)
    expect(answer.body.fields.file).toMatch(new RegExp(`^${code}: `))
    expect(await signingAt(start)).toBe(own)
    expect(await keysInD1()).toHaveLength(1)
    expect(await events()).toEqual([])
  })

  it('50 MB are refused before they are read', async () => {
    const own = await ownKey()
    const answer = ask('POST keys/import', `{"file":"${'A'.repeat(50_000_000)}"}`)
    await expect(answer).resolves.toMatchObject({ status: 413 })
    expect(await signingAt(start)).toBe(own)
  })

  it('what is not base64 is said to be so', async () => {
    expect((await ask('POST keys/import', { file: '§' })).body.fields).toEqual({ file: 'is not base64' })
  })
})

describe('POST keys/{name}/export', () => {
  it('writes what can be read again: PFX in both encryptions, PEM, JWK; by kid or version; each in the audit trail', async () => {
    await ask('POST keys/import', { file: file(pem(theirs)) })
    const kid = await kidOf(theirs)
    const [{ version } = { version: '' }] = await keysInD1()
    const exported = async (name: string, body: object) => {
      const answer = await ask(`POST keys/${name}/export`, body)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      return Uint8Array.fromBase64(answer.body.file)
    }
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    const password = 'pässword'
    for (const encryption of ['aes256', '3des']) {
      const bytes = await exported(kid, { format: 'pfx', password, encryption })
      expect(await readPkcs12(bytes, password)).toMatchObject({ certificate: theirs.certificate })
      await expect(readPkcs12(bytes, '')).rejects.toMatchObject({ code: 'wrong_password' })
    }
    expect(await readPem(text(await exported(version, { format: 'pem' })))).toMatchObject({
      privateKey: theirs.privateKey,
      certificate: theirs.certificate,
    })
    const jwk = text(await exported(version, { format: 'jwk' }))
    expect(JSON.parse(jwk)).toMatchObject({ kid, alg: 'RS256', use: 'sig' })
    const members = ['kty', 'n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'use', 'kid', 'alg', 'x5c']
    expect(Object.keys(JSON.parse(jwk)).sort(), 'RFC 7517, RFC 7518 §6.3, and nothing of the ring').toEqual(
      members.sort(),
    )
    expect(await readPrivateJwk(jwk)).toMatchObject({ certificate: theirs.certificate })
    const exports = (await events()).filter(({ action }) => action === 'key.exported')
    expect(exports.map(({ actor, target, detail }) => [actor, target, JSON.parse(detail).format])).toEqual([
      ['operator', kid, 'pfx'],
      ['operator', kid, 'pfx'],
      ['operator', kid, 'pem'],
      ['operator', kid, 'jwk'],
    ])
  })

  it('lets no PFX go without a password, and takes none for what is in the clear', async () => {
    const own = await ownKey()
    for (const body of [{ format: 'pfx' }, { format: 'pfx', password: '' }, { format: 'pem', password: 'p' }]) {
      const answer = await ask(`POST keys/${own}/export`, body)
      expect(answer).toMatchObject({ status: 400, body: { fields: { password: expect.any(String) } } })
    }
    expect(await events()).toEqual([])
  })

  it('says which key it does not know, and which has no private part any more', async () => {
    const own = await ownKey()
    expect((await ask('POST keys/ABC/export', { format: 'pem' })).status).toBe(404)
    await ask(`POST keys/${own}/retire`)
    expect((await ask(`POST keys/${own}/export`, { format: 'pem' })).status).toBe(409)
  })
})

describe('GET keys/{kid}/certificate', () => {
  it('shows the certificate, and nothing private', async () => {
    await ask('POST keys/import', { file: file(pem(theirs)) })
    const { status, body } = await ask(`GET keys/${await kidOf(theirs)}/certificate`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      thumbprint: (await thumbprints(theirs.certificate)).hex,
      der: base64(theirs.certificate),
    })
    expect(body.pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+-----END CERTIFICATE-----\n$/)
    expect(Date.parse(body.not_after)).toBeGreaterThan(start)
    expect(JSON.stringify(body)).not.toContain('PRIVATE')
    expect((await ask('GET keys/ABC/certificate')).status).toBe(404)
  })
})
