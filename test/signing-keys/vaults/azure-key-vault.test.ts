import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { writePem } from '../../../src/crypto/pem.ts'
import { writePkcs12 } from '../../../src/crypto/pkcs12/write.ts'
import { parseCertificate } from '../../../src/crypto/x509.ts'
import { type AzureKeyVaultOptions, azureKeyVault } from '../../../src/signing-keys/vaults/azure-key-vault.ts'
import type { AzureCredential } from '../../../src/signing-keys/vaults/credentials/azure.ts'
import { type FakeKeyVault, fakeKeyVault, fromBase64, toBase64 } from '../../fakes/azure-key-vault.ts'
import { aClock, aKey, answering, type Clock } from './access.ts'

vi.setConfig({ testTimeout: 30_000 })

const principal = { authority: 'https://login.test', tenantId: 'the-tenant', clientId: 'the-client' }
const secret: AzureCredential = { kind: 'secret', clientSecret: 'the-client-secret', ...principal }
const address = { vault: 'https://keys.vault.test', name: 'openid' }
const usual: AzureKeyVaultOptions = {
  certificates: { RSA: address },
  credential: secret,
  resource: 'https://vault.test',
  password: '',
}

let clock: Clock
let fake: FakeKeyVault
const vault = (options: Partial<AzureKeyVaultOptions> = {}) => azureKeyVault({ ...usual, ...options }, clock.access)
const stored = (name = 'openid') => fake.versions.get(name) ?? []

beforeEach(() => {
  clock = aClock()
  fake = fakeKeyVault(clock.now)
  answering(fake.answer)
})
afterEach(() => vi.restoreAllMocks())

describe('the certificate of an Azure Key Vault', () => {
  it('is imported once, as a PFX that .NET peers read, if it does not exist', async () => {
    const key = await aKey()
    const elected = await vault().elect('RSA', async () => key)
    expect(elected.certificate).toEqual(key.certificate)
    expect(elected.privateKey).toEqual(key.privateKey)
    expect(stored()).toMatchObject([{ version: elected.version, contentType: 'application/x-pkcs12' }])

    const generate = vi.fn(aKey)
    const again = await vault().elect('RSA', generate)
    expect(again.version).toBe(elected.version)
    expect(generate).not.toHaveBeenCalled()
  })

  it('K06 is the same for all concurrent elections: the version after the last import', async () => {
    let imports = 0
    answering(async (request) => {
      if (request.method === 'POST' && request.url.includes('/import')) await scheduler.wait(3 * imports++)
      return fake.answer(request)
    })
    const elected = await Promise.all(Array.from({ length: 8 }, () => vault().elect('RSA', aKey)))
    expect(new Set(elected.map(({ version }) => version)).size).toBe(1)
    expect(elected[0]?.version).toBe(stored().at(-1)?.version)
    expect(stored().length).toBeGreaterThan(1)
  })

  it('K06 is not final for an instance that reads it between two imports', async () => {
    const first = await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    const early = vault().elect('RSA', aKey)
    await scheduler.wait(5)
    const second = await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    expect((await early).version).toBe(second)
    expect(first).not.toBe(second)
  })

  it.each([
    ['PEM, converted by the vault', true],
    ['PFX, where the vault cannot convert', false],
  ])('is read as %s', async (_, convertsToPem) => {
    fake.convertsToPem = convertsToPem
    const key = await aKey()
    const pfx = await writePkcs12(key, '', { encryption: '3des', iterations: 2000 })
    await fake.put('openid', toBase64(pfx))
    clock.pass(10_000)
    const client = vault()
    expect((await client.elect('RSA', aKey)).privateKey).toEqual(key.privateKey)
    const before = fake.requests.length
    const [version] = (await client.scan?.('RSA')) ?? []
    expect((await version?.open())?.certificate).toEqual(key.certificate)
    // After a refusal, conversion is not requested again.
    expect(fake.requests.length - before).toBeLessThanOrEqual(3)
  })

  it('is read with the password of an uploaded PFX', async () => {
    const key = await aKey()
    await fake.put('openid', toBase64(await writePkcs12(key, 'a password', { iterations: 2000 })))
    clock.pass(10_000)
    expect((await vault({ password: 'a password' }).elect('RSA', aKey)).privateKey).toEqual(key.privateKey)
    await expect(vault().elect('RSA', aKey)).rejects.toMatchObject({ code: 'wrong_password' })
  })

  it('stays at the version that the URL names', async () => {
    const version = await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    const pinned = vault({ certificates: { RSA: { ...address, version } } })
    expect((await pinned.elect('RSA', aKey)).version).toBe(version)
    expect(await pinned.scan?.('RSA')).toMatchObject([{ version, place: 'current' }])
    await expect(pinned.add('RSA', aKey)).rejects.toMatchObject({ fault: 'pinned' })
    const absent = vault({ certificates: { RSA: { ...address, version: 'absent' } } })
    await expect(absent.elect('RSA', aKey)).rejects.toMatchObject({ fault: 'pinned' })
    expect(stored()).toHaveLength(2)
  })

  it.each(['P-256', 'P-384'] as const)('may have a key on %s', async (family) => {
    const { generateKeyMaterial } = await import('../../../src/crypto/key-material.ts')
    const key = await generateKeyMaterial(family, 2048, clock.now())
    const client = vault({ certificates: { [family]: address } })
    expect((await client.elect(family, async () => key)).privateKey).toEqual(key.privateKey)
    await expect(client.elect('RSA', aKey)).rejects.toMatchObject({ fault: 'missing' })
  })
})

describe('a successor', () => {
  it('waits under another name, and replaces the first version when it is promoted', async () => {
    const client = vault()
    const old = await client.elect('RSA', aKey)
    clock.pass(60_000)
    const next = await client.add('RSA', aKey)
    expect(stored()).toHaveLength(1)
    expect(stored('openid-next')).toMatchObject([{ version: next.version }])
    const versions = (await client.scan?.('RSA')) ?? []
    expect(versions.map(({ place, version }) => [place, version])).toEqual([
      ['next', next.version],
      ['current', old.version],
    ])
    const [successor] = versions
    if (!successor) throw new Error('there is no next version')
    await client.promote?.('RSA', successor)
    const [, current, previous] = (await client.scan?.('RSA')) ?? []
    expect((await current?.open())?.certificate).toEqual(next.certificate)
    expect(previous).toMatchObject({ place: 'previous', version: old.version })
    expect((await previous?.open())?.certificate).toEqual(old.certificate)
  })

  it('has two previous versions, from any page of the list; without the right to list, one', async () => {
    const versions: string[] = []
    for (let count = 0; count < 5; count += 1) {
      versions.unshift(await fake.put('openid', writePem({ ...(await aKey()), chain: [] })))
      clock.pass(5000)
    }
    const previous = async () =>
      ((await vault().scan?.('RSA')) ?? []).flatMap((each) => (each.place === 'previous' ? [each.version] : []))
    expect(await previous()).toEqual(versions.slice(1, 3))
    fake.mayList = false
    expect(await previous()).toEqual(versions.slice(1, 2))
  })

  it('never sends the access token to a next link of another origin', async () => {
    await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    const hosts: string[] = []
    answering(async (request) => {
      hosts.push(new URL(request.url).host)
      if (!request.url.includes('/versions')) return fake.answer(request)
      return Response.json({ value: [], nextLink: 'https://thief.test/secrets/openid/versions' })
    })
    await vault().scan?.('RSA')
    expect(new Set(hosts)).toEqual(new Set(['login.test', 'keys.vault.test']))
  })
})

describe('K07 a vault that', () => {
  it.each([
    ['forbids', 'forbidden', 'forbidden'],
    ['throttles', 'throttled', 'throttled'],
    ['is broken', 'broken', 'unreachable'],
    ['answers with a page', 'html', 'nonsense'],
    ['answers 404 with a page', 'not_found', 'nonsense'],
    ['answers half an object', 'malformed', 'nonsense'],
    ['redirects', 'redirect', 'nonsense'],
    ['sends a megabyte', 'huge', 'nonsense'],
  ] as const)('%s is reported by name, and no key is made', async (_, fault, name) => {
    fake.fault = fault
    fake.retryAfter = fault === 'throttled' ? 17 : undefined
    const generate = vi.fn(aKey)
    const refused = vault().elect('RSA', generate)
    await expect(refused).rejects.toMatchObject({ name: 'VaultError', fault: name, retryAfter: fake.retryAfter })
    expect(generate).not.toHaveBeenCalled()
    expect(fake.requests).toHaveLength(1)
  })

  it('hangs is abandoned after five seconds', async () => {
    fake.fault = 'hang'
    const startedAt = Date.now()
    await expect(vault().elect('RSA', aKey)).rejects.toMatchObject({ fault: 'unreachable' })
    expect(Date.now() - startedAt).toBeLessThan(7000)
  })

  it('has a deleted certificate of that name is reported with what to do', async () => {
    fake.deleted.add('openid')
    const refused = vault().elect('RSA', aKey)
    await expect(refused).rejects.toMatchObject({
      fault: 'deleted',
      message: expect.stringMatching(/recover or purge/),
    })
  })

  it('refuses the import is reported', async () => {
    fake.mayImport = false
    await expect(vault().elect('RSA', aKey)).rejects.toMatchObject({ fault: 'forbidden' })
  })
})

describe('tokens', () => {
  it('are requested with the client secret, once for many requests, and again before they expire', async () => {
    await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    const client = vault()
    await client.scan?.('RSA')
    await client.scan?.('RSA')
    expect(fake.tokenRequests.map((form) => form.get('scope'))).toEqual(['https://vault.test/.default'])
    clock.pass(56 * 60_000)
    await client.scan?.('RSA')
    expect(fake.tokenRequests).toHaveLength(2)
  })

  it('are requested with an assertion signed by the client certificate', async () => {
    const key = await aKey()
    await fake.put('openid', writePem({ ...key, chain: [] }))
    const certificate = writePem({ ...key, chain: [] })
    await vault({ credential: { kind: 'certificate', certificate, password: '', ...principal } }).scan?.('RSA')
    const [header = '', claims = '', signature = ''] = (fake.tokenRequests[0]?.get('client_assertion') ?? '').split('.')
    const json = (part: string) => JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')))
    expect(json(header)).toMatchObject({ alg: 'PS256', typ: 'JWT', 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) })
    expect(json(claims)).toMatchObject({
      aud: 'https://login.test/the-tenant/oauth2/v2.0/token',
      iss: 'the-client',
      sub: 'the-client',
      exp: Math.floor(clock.now() / 1000) + 600,
    })
    const spki = parseCertificate(key.certificate)?.spki
    if (!spki) throw new Error('no certificate')
    const verifier = await crypto.subtle.importKey('spki', spki, { name: 'RSA-PSS', hash: 'SHA-256' }, false, [
      'verify',
    ])
    const bytes = fromBase64(signature.replaceAll('-', '+').replaceAll('_', '/'))
    const input = new TextEncoder().encode(`${header}.${claims}`)
    expect(await crypto.subtle.verify({ name: 'RSA-PSS', saltLength: 32 }, verifier, bytes, input)).toBe(true)
  })

  it.each([
    ['App Service', { kind: 'app-service', endpoint: 'http://127.0.0.1:4141/msi', header: 'the-identity-header' }],
    ['a virtual machine', { kind: 'machine', endpoint: 'http://169.254.169.254/metadata/identity/oauth2/token' }],
  ] as const)('come from the managed identity of %s', async (_, credential) => {
    await fake.put('openid', writePem({ ...(await aKey()), chain: [] }))
    expect(await vault({ credential }).scan?.('RSA')).toHaveLength(1)
    expect(fake.tokenRequests).toEqual([])
  })

  it('that are refused are reported with Entra’s error code, without secrets', async () => {
    fake.tokens.clientSecret = 'another'
    const fault = await vault()
      .elect('RSA', aKey)
      .catch((error: unknown) => error)
    expect(fault).toMatchObject({ fault: 'unauthorized', message: expect.stringContaining('AADSTS7000215') })
    expect(String(fault)).not.toContain('the-client-secret')
    expect(fake.requests).toEqual([])
  })
})
