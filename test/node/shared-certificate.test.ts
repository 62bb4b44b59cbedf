// Two deployments in workerd that share only a vault, which is a fake. Each has its own database and KeyRing.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FakeSecretsManager, fakeSecretsManager } from '../fakes/aws-secrets-manager.ts'
import { type FakeKeyVault, fakeKeyVault } from '../fakes/azure-key-vault.ts'
import { type Listening, listen } from './listen.ts'
import { type Provider, startProvider } from './server.ts'

const azure: FakeKeyVault = fakeKeyVault()
const aws: FakeSecretsManager = fakeSecretsManager()
let [inAzure, inAws]: [Listening?, Listening?] = []
const running: Provider[] = []

beforeAll(async () => {
  inAzure = await listen(azure.answer)
  inAws = await listen(aws.answer)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})
afterAll(async () => {
  await inAzure?.stop()
  await inAws?.stop()
})

const azureVars = () => ({
  OpenIDServerSigningSettings__AzureKeyVault__KeyVaultCertificateUrl: `${inAzure?.origin}/certificates/openid`,
  OpenIDServerSigningSettings__AzureKeyVault__TenantId: 'the-tenant',
  OpenIDServerSigningSettings__AzureKeyVault__ClientId: 'the-client',
  OpenIDServerSigningSettings__AzureKeyVault__ClientSecret: 'the-client-secret',
  AZURE_AUTHORITY_HOST: inAzure?.origin ?? '',
})

const awsVars = () => ({
  OpenIDServerSigningSettings__AwsSecretManager__SecretName: 'indicium/openid-server-test',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  AWS_SECRET_ACCESS_KEY: 'the-secret-access-key',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: inAws?.origin ?? '',
})

async function start(vars: Record<string, string>, count: number): Promise<Provider[]> {
  const started = await Promise.all(Array.from({ length: count }, () => startProvider({ vars })))
  running.push(...started)
  return started
}

/** Returns the status. 503 is expected too: the client is stored, and its key follows later. */
async function addClient({ reach, issuer, secrets }: Provider): Promise<number> {
  const client = { client_name: 'Web', redirect_uris: ['https://rp.test/cb'], scopes: ['openid'] }
  const headers = { authorization: `Bearer ${secrets.OPERATOR_TOKEN}`, 'content-type': 'application/json' }
  const init = { method: 'PUT', headers, body: JSON.stringify(client) }
  return (await reach(`${issuer}/admin/api/clients/web`, init)).status
}

const kidsOf = async ({ reach, issuer }: Provider): Promise<string[]> => {
  const jwks = await reach(`${issuer}/.well-known/openid-configuration/jwks`, {})
  const { keys } = (await jwks.json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

/** Polls, because the KeyRing may wait longer for a vault's key than a request waits for the KeyRing. */
async function signingKeyOf(provider: Provider): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await kidsOf(provider)
    const health = await provider.reach(`${provider.issuer}/health`, {})
    const { signing_keys } = (await health.json()) as { signing_keys: string[] }
    if (signing_keys.length > 0) return signing_keys.join()
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  throw new Error('no key')
}

describe('K06 two deployments that start together sign with one certificate', () => {
  it.each([
    ['from an Azure Key Vault', azureVars],
    ['from AWS Secrets Manager', awsVars],
  ])('%s', async (_, vars) => {
    const providers = await start(vars(), 2)
    await Promise.all(providers.map(addClient))
    const [one, other] = await Promise.all(providers.map(signingKeyOf))
    expect(one).toMatch(/^[0-9A-F]{40}RS256$/)
    expect(other).toBe(one)
  })
})

it('K08 a deployment that has never reached its vault responds with 503, reports it in /health, and has no key', async () => {
  azure.fault = 'broken'
  const [provider] = await start(azureVars(), 1)
  if (!provider) throw new Error('not started')
  expect(await addClient(provider)).toBe(503)
  expect(await kidsOf(provider)).toEqual([])
  const health = await (await provider.reach(`${provider.issuer}/health`, {})).json()
  expect(health).toMatchObject({ status: 'degraded', signing_keys: [], vault: { failing_since: expect.any(String) } })
  azure.fault = undefined
})
