import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { writePem } from '../../../src/crypto/pem.ts'
import { readPkcs12 } from '../../../src/crypto/pkcs12/read.ts'
import { writePkcs12 } from '../../../src/crypto/pkcs12/write.ts'
import {
  type AwsSecretsManagerOptions,
  awsSecretsManager,
} from '../../../src/signing-keys/vaults/aws-secrets-manager.ts'
import { type FakeSecretsManager, fakeSecretsManager } from '../../fakes/aws-secrets-manager.ts'
import { fromBase64, toBase64 } from '../../fakes/azure-key-vault.ts'
import { aClock, aKey, answering, type Clock } from './access.ts'

vi.setConfig({ testTimeout: 30_000 })

const name = 'indicium/openid-server-test'
const endpoint = 'https://secretsmanager.test'
let clock: Clock
let fake: FakeSecretsManager

function vault(options: Partial<AwsSecretsManagerOptions> = {}) {
  const keys = { accessKeyId: 'AKIATEST', secretAccessKey: 'the-secret-access-key' }
  const usual = { region: 'eu-west-1', endpoint, secrets: { RSA: name }, password: '' } as const
  return awsSecretsManager({ ...usual, credential: { kind: 'keys', ...keys }, ...options }, clock.access)
}
const stored = () => fake.secrets.get(name) ?? []
const writes = () => fake.requests.filter((operation) => operation !== 'GetSecretValue')

beforeEach(() => {
  clock = aClock()
  fake = fakeSecretsManager(clock.now)
  answering(fake.answer)
})
afterEach(() => vi.restoreAllMocks())

describe('the secret of AWS Secrets Manager', () => {
  it('is created once as a PFX, if it does not exist', async () => {
    const key = await aKey()
    const elected = await vault().elect('RSA', async () => key)
    expect(elected.privateKey).toEqual(key.privateKey)
    expect(writes()).toEqual(['CreateSecret'])
    expect((await readPkcs12(fromBase64(stored()[0]?.binary ?? ''))).certificate).toEqual(key.certificate)
    const generate = vi.fn(aKey)
    expect((await vault().elect('RSA', generate)).version).toBe(elected.version)
    expect(generate).not.toHaveBeenCalled()
  })

  it('K06 has one version after concurrent elections, and all of them return it', async () => {
    const elected = await Promise.all(Array.from({ length: 8 }, () => vault().elect('RSA', aKey)))
    expect(new Set(elected.map(({ version }) => version)).size).toBe(1)
    expect(stored()).toHaveLength(1)
  })

  it('K06 that was created without a value gives all concurrent elections the same version', async () => {
    fake.secrets.set(name, [])
    const elected = await Promise.all(Array.from({ length: 4 }, () => vault().elect('RSA', aKey)))
    expect(new Set(elected.map(({ version }) => version)).size).toBe(1)
  })

  it('may be a PFX in bytes or base64, with or without a password, a PEM bundle, or a JWK with its certificate', async () => {
    const key = await aKey()
    const pkcs8 = await crypto.subtle.importKey(
      'pkcs8',
      key.privateKey,
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      true,
      ['sign'],
    )
    const jwk = { ...((await crypto.subtle.exportKey('jwk', pkcs8)) as object), x5c: [toBase64(key.certificate)] }
    const pfx = async (password: string) => toBase64(await writePkcs12(key, password, { iterations: 2000 }))
    for (const [password, value] of [
      ['', { binary: await pfx('') }],
      ['a password', { binary: await pfx('a password') }],
      ['', { text: await pfx('') }],
      ['a password', { text: await pfx('a password') }],
      ['', { text: writePem({ ...key, chain: [] }) }],
      ['', { text: JSON.stringify(jwk) }],
    ] as const) {
      fake.put(name, value)
      const [version] = (await vault({ password }).scan?.('RSA')) ?? []
      expect((await version?.open())?.certificate).toEqual(key.certificate)
    }
  })

  it('reports content that cannot be read by the name of the fault', async () => {
    fake.put(name, { text: 'hello, world' })
    const [version] = (await vault().scan?.('RSA')) ?? []
    await expect(version?.open()).rejects.toMatchObject({ name: 'KeyFileError' })
  })
})

describe('a successor', () => {
  it('waits as AWSPENDING, then becomes AWSCURRENT, and the old version AWSPREVIOUS', async () => {
    const client = vault()
    const old = await client.elect('RSA', aKey)
    clock.pass(700_000)
    const next = await client.add('RSA', aKey)
    const versions = (await client.scan?.('RSA')) ?? []
    expect(versions.map(({ place, version }) => [place, version])).toEqual([
      ['next', next.version],
      ['current', old.version],
    ])
    for (let twice = 0; twice < 2; twice += 1) if (versions[0]) await client.promote?.('RSA', versions[0])
    expect(writes()).toEqual(['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage'])
    const after = (await client.scan?.('RSA')) ?? []
    expect(after.map(({ place, version }) => [place, version])).toEqual([
      ['current', next.version],
      ['previous', old.version],
    ])
  })

  it('K13 is not written within ten minutes of the last write, also if another server wrote', async () => {
    await vault().elect('RSA', aKey)
    clock.pass(60_000)
    const generate = vi.fn(aKey)
    await expect(vault().add('RSA', generate)).rejects.toMatchObject({ fault: 'too_soon', retryAfter: 537 })
    clock.pass(540_000)
    await vault().add('RSA', generate)
    clock.pass(590_000)
    await expect(vault().add('RSA', generate)).rejects.toMatchObject({ fault: 'too_soon' })
    expect(generate).toHaveBeenCalledTimes(1)
    expect(writes()).toEqual(['CreateSecret', 'PutSecretValue'])
  })
})

describe('K07 a vault that', () => {
  it.each([
    ['forbids', 'forbidden', 'forbidden'],
    ['throttles with 400', 'throttled', 'throttled'],
    ['is broken', 'broken', 'unreachable'],
    ['answers with a page', 'html', 'nonsense'],
    ['answers 404 with a page', 'not_found', 'nonsense'],
    ['answers half an object', 'malformed', 'nonsense'],
    ['redirects', 'redirect', 'nonsense'],
  ] as const)('%s is reported by name, and no key is made', async (_, fault, kind) => {
    fake.fault = fault
    const generate = vi.fn(aKey)
    await expect(vault().elect('RSA', generate)).rejects.toMatchObject({ name: 'VaultError', fault: kind })
    expect(generate).not.toHaveBeenCalled()
    expect(fake.requests).toHaveLength(1)
  })

  it('rejects our signature is reported as `unauthorized`', async () => {
    fake.keys.secretAccessKey = 'another'
    await expect(vault().elect('RSA', aKey)).rejects.toMatchObject({ fault: 'unauthorized' })
  })

  it('is about to delete the secret is reported with what to do', async () => {
    fake.deleted.add(name)
    await expect(vault().elect('RSA', aKey)).rejects.toMatchObject({
      fault: 'deleted',
      message: expect.stringMatching(/restore it/),
    })
  })
})

describe('a role', () => {
  const role = (token: string | { endpoint: string; clientId: string; clientSecret: string }) =>
    vault({ credential: { kind: 'role', roleArn: 'arn:aws:iam::1:role/r', token, stsEndpoint: `${endpoint}/sts` } })

  it.each([
    ['a configured token', 'a-token', 'a-token'],
    [
      'a token fetched from the provider it trusts',
      { endpoint: `${endpoint}/token`, clientId: 'c', clientSecret: 's' },
      'a-web-identity-token',
    ],
  ])('is assumed with %s, and its keys sign until shortly before they expire', async (_, token, sent) => {
    const client = role(token)
    await client.elect('RSA', aKey)
    await client.scan?.('RSA')
    expect(fake.stsRequests.map((form) => form.get('WebIdentityToken'))).toEqual([sent])
    clock.pass(56 * 60_000)
    await client.scan?.('RSA')
    expect(fake.stsRequests).toHaveLength(2)
  })

  it('that AWS refuses is reported as `unauthorized`', async () => {
    await expect(role('').elect('RSA', aKey)).rejects.toMatchObject({
      fault: 'unauthorized',
      message: expect.stringContaining('InvalidIdentityToken'),
    })
  })
})
