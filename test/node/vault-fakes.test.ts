// The fakes of the vaults behave like the real ones: the vendors' own clients accept their responses.
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { CertificateClient } from '@azure/keyvault-certificates'
import { SecretClient } from '@azure/keyvault-secrets'
import forge from 'node-forge'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateKeyMaterial } from '../../src/crypto/key-material.ts'
import { writePem } from '../../src/crypto/pem.ts'
import { fakeSecretsManager } from '../fakes/aws-secrets-manager.ts'
import { fakeKeyVault } from '../fakes/azure-key-vault.ts'
import { type Listening, listen } from './listen.ts'

/** A PFX as Windows encrypts it, written by forge. */
async function aPfx(password: string): Promise<Uint8Array> {
  const key = await generateKeyMaterial('RSA', 2048, Date.now())
  const pem = writePem({ ...key, chain: [] })
  const certificate = forge.pki.certificateFromPem(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')))
  const options = { algorithm: '3des' } as const
  const pfx = forge.pkcs12.toPkcs12Asn1(forge.pki.privateKeyFromPem(pem), [certificate], password, options)
  return Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary')
}

describe('Azure Key Vault', () => {
  const vault = fakeKeyVault()
  let server: Listening
  beforeAll(async () => {
    server = await listen(vault.answer)
  })
  afterAll(() => server.stop())

  const credential = { getToken: async () => ({ token: 'a-token', expiresOnTimestamp: Date.now() + 3_600_000 }) }
  const lax = {
    allowInsecureConnection: true,
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
  }
  const certificates = () => new CertificateClient(server.origin, credential, lax)
  const secrets = () => new SecretClient(server.origin, credential, lax)

  it('imports a certificate, hands out its secret and lists its versions', async () => {
    await expect(secrets().getSecret('openid')).rejects.toMatchObject({ statusCode: 404, code: 'SecretNotFound' })
    const pfx = await aPfx('import')
    const policy = { contentType: 'application/x-pkcs12', issuerName: 'Unknown', subject: 'CN=x' } as const
    const first = await certificates().importCertificate('openid', pfx, { password: 'import', policy })
    const second = await certificates().importCertificate('openid', await aPfx('import'), {
      password: 'import',
      policy,
    })
    expect(first.properties.x509Thumbprint).toHaveLength(20)
    expect(first.cer?.length).toBeGreaterThan(500)

    const secret = await secrets().getSecret('openid')
    expect(secret.properties).toMatchObject({ version: second.properties.version, contentType: 'application/x-pkcs12' })
    const read = forge.pkcs12.pkcs12FromAsn1(
      forge.asn1.fromDer(Buffer.from(secret.value ?? '', 'base64').toString('binary')),
      '',
    )
    const { certBag } = forge.pki.oids
    expect(read.getBags({ bagType: certBag })[certBag]).toHaveLength(1)

    const listed: (string | undefined)[] = []
    for await (const each of certificates().listPropertiesOfCertificateVersions('openid')) listed.push(each.version)
    expect(listed.sort()).toEqual([first.properties.version, second.properties.version].sort())
  })

  it('returns a secret that was set', async () => {
    await secrets().setSecret('uploaded', 'anything', { contentType: 'text/plain' })
    expect((await secrets().getSecret('uploaded')).value).toBe('anything')
  })

  it('refuses with the vendor’s error codes', async () => {
    vault.fault = 'forbidden'
    await expect(secrets().getSecret('openid')).rejects.toMatchObject({ statusCode: 403, code: 'Forbidden' })
    vault.fault = 'throttled'
    await expect(secrets().getSecret('openid')).rejects.toMatchObject({ statusCode: 429 })
    vault.fault = undefined
    vault.deleted.add('gone')
    await expect(certificates().importCertificate('gone', await aPfx(''))).rejects.toMatchObject({ statusCode: 409 })
  })
})

describe('AWS Secrets Manager', () => {
  const manager = fakeSecretsManager()
  let server: Listening
  beforeAll(async () => {
    server = await listen(manager.answer)
  })
  afterAll(() => server.stop())

  const client = (secretAccessKey = manager.keys.secretAccessKey) =>
    new SecretsManagerClient({
      endpoint: server.origin,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId: manager.keys.accessKeyId, secretAccessKey },
    })

  it('creates a secret only once, and moves its labels', async () => {
    const SecretId = 'indicium/openid'
    await expect(client().send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
    const create = new CreateSecretCommand({ Name: SecretId, SecretString: 'one' })
    const { VersionId: one } = await client().send(create)
    await expect(client().send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    })
    const put = new PutSecretValueCommand({
      SecretId,
      SecretBinary: Uint8Array.of(1, 2, 3),
      VersionStages: ['AWSPENDING'],
    })
    const { VersionId: two } = await client().send(put)
    expect((await client().send(new GetSecretValueCommand({ SecretId }))).SecretString).toBe('one')
    await client().send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: two,
        RemoveFromVersionId: one,
      }),
    )
    const current = await client().send(new GetSecretValueCommand({ SecretId }))
    expect(current.SecretBinary).toEqual(Uint8Array.of(1, 2, 3))
    expect(current.CreatedDate?.getTime()).toBeGreaterThan(Date.now() - 60_000)
    const previous = await client().send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPREVIOUS' }))
    expect(previous.VersionId).toBe(one)
  })

  it('checks signatures, and refuses with the vendor’s error codes', async () => {
    const get = () => new GetSecretValueCommand({ SecretId: 'indicium/openid' })
    await expect(client('another').send(get())).rejects.toMatchObject({ name: 'InvalidSignatureException' })
    manager.fault = 'throttled'
    await expect(client().send(get())).rejects.toMatchObject({ name: 'ThrottlingException' })
    manager.fault = undefined
    manager.deleted.add('indicium/openid')
    await expect(client().send(get())).rejects.toMatchObject({ name: 'InvalidRequestException' })
    manager.deleted.clear()
  })
})
