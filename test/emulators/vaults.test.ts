// Runs deployments against emulators of the vaults, which `.ci/emulators` starts and names in the environment. Skipped without emulators.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { type Provider, startProvider } from '../node/server.ts'

const { SECRETS_MANAGER_EMULATOR: aws, KEY_VAULT_EMULATOR: azure } = process.env

const running: Provider[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})

async function start(vars: Record<string, string>): Promise<Provider> {
  const provider = await startProvider({ vars })
  running.push(provider)
  // The call may answer 503 while the certificate is elected, but it creates the client.
  const client = { client_name: 'Web', redirect_uris: ['https://rp.test/cb'], scopes: ['openid'] }
  await provider.operator('PUT', 'clients/web', client).catch((fault: Error) => {
    if (!fault.message.includes(': 503 ')) throw fault
  })
  return provider
}

interface Health {
  signing_keys: string[]
}

async function signingKeyOf({ issuer, log }: Provider): Promise<string> {
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await (await fetch(`${issuer}/.well-known/openid-configuration/jwks`)).text()
    const { signing_keys } = (await (await fetch(`${issuer}/health`)).json()) as Health
    if (signing_keys.length > 0) return signing_keys.join()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error(`no key: ${log.join('\n')}`)
}

const vaultOf = async (provider: Provider): Promise<string[]> => {
  const { items } = (await provider.operator('GET', 'keys')) as { items: { vault: string }[] }
  return items.map(({ vault }) => vault)
}

/** Two concurrent deployments must end with one certificate, and a third must find it. */
async function share(vars: Record<string, string>, vault: string): Promise<void> {
  const together = await Promise.all([start(vars), start(vars)])
  const keys = await Promise.all(together.map(signingKeyOf))
  expect(keys[0]).toMatch(/^[0-9A-F]{40}RS256$/)
  expect(keys[1]).toBe(keys[0])
  const later = await start(vars)
  expect(await signingKeyOf(later)).toBe(keys[0])
  expect(new Set((await Promise.all([...together, later].map(vaultOf))).flat())).toEqual(new Set([vault]))
}

const timeout = 120_000

describe('K06 deployments share one certificate', { timeout }, () => {
  it.skipIf(!aws)(`in AWS Secrets Manager${aws ? '' : ' (skipped: no emulator, see .ci/emulators)'}`, async () => {
    const vars = {
      AWS_SECRET_NAME: `openid-${randomUUID()}`,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'the-secret-access-key',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: aws ?? '',
    }
    await share(vars, 'aws-secrets-manager')
  })

  it.skipIf(!azure)(`in Azure Key Vault${azure ? '' : ' (skipped: no emulator, see .ci/emulators)'}`, async () => {
    const tokens = new URL(azure ?? 'http://localhost:1')
    const vars = {
      KEY_VAULT_CERTIFICATE_URL: `${azure}/certificates/openid-${randomUUID()}`,
      AZURE_MANAGED_IDENTITY: 'vm',
      AZURE_METADATA_ENDPOINT: `http://localhost:${Number(tokens.port) + 1}/metadata/identity/oauth2/token`,
    }
    await share(vars, 'azure-key-vault')
  })
})
