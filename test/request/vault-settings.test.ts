import { describe, expect, it } from 'vitest'
import { parseVaultSettings } from '../../src/request/vault-settings.ts'

function parse(env: Record<string, string>) {
  const faults: string[] = []
  return { settings: parseVaultSettings(env, faults), faults }
}

const azure = {
  KEY_VAULT_CERTIFICATE_URL: 'https://keys.vault.azure.net/certificates/openid',
  AZURE_TENANT_ID: 'tenant',
  AZURE_CLIENT_ID: 'client',
  AZURE_CLIENT_SECRET: 'a-secret-value',
}
const aws = {
  AWS_SECRET_NAME: 'indicium/openid-server-test',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 'a-secret-value',
}

describe('the vault of the settings', () => {
  it('is the instance’s own when none is named, and when every name is empty', () => {
    expect(parse({})).toEqual({ settings: { kind: 'local' }, faults: [] })
    expect(parse({ KEY_VAULT_CERTIFICATE_URL: '', AWS_SECRET_NAME: ' ' }).settings.kind).toBe('local')
  })

  it('is an Azure Key Vault by our names and by Indicium’s', () => {
    const prefix = 'OpenIDServerSigningSettings__AzureKeyVault__'
    const indicium = {
      [`${prefix}KeyVaultCertificateUrl`]: azure.KEY_VAULT_CERTIFICATE_URL,
      [`${prefix}TenantId`]: 'tenant',
      [`${prefix}ClientId`]: 'client',
      [`${prefix}ClientSecret`]: 'a-secret-value',
    }
    const { settings, faults } = parse(azure)
    expect(faults).toEqual([])
    expect(settings).toEqual({
      kind: 'azure-key-vault',
      certificates: { RSA: { vault: 'https://keys.vault.azure.net', name: 'openid' } },
      resource: 'https://vault.azure.net',
      credential: {
        kind: 'secret',
        clientSecret: 'a-secret-value',
        authority: 'https://login.microsoftonline.com',
        tenantId: 'tenant',
        clientId: 'client',
      },
      password: '',
      peersKnowOneKey: false,
    })
    expect(parse(indicium)).toEqual({ settings, faults: [] })
  })

  it('is AWS Secrets Manager by our names and by Indicium’s', () => {
    const { AWS_SECRET_NAME, ...rest } = aws
    const indicium = { OpenIDServerSigningSettings__AwsSecretManager__SecretName: AWS_SECRET_NAME, ...rest }
    const { settings, faults } = parse(aws)
    expect(faults).toEqual([])
    expect(settings).toMatchObject({
      kind: 'aws-secrets-manager',
      endpoint: 'https://secretsmanager.eu-west-1.amazonaws.com',
      secrets: { RSA: 'indicium/openid-server-test' },
    })
    expect(parse(indicium)).toEqual({ settings, faults: [] })
  })

  it.each([
    ['a version', 'https://keys.vault.azure.net/certificates/openid/0a1b', { name: 'openid', version: '0a1b' }],
    ['a secret’s address', 'https://keys.vault.azure.net/secrets/openid', { name: 'openid' }],
    ['the name alone', 'https://keys.vault.azure.net/openid', { name: 'openid' }],
    ['a slash at the end', 'https://keys.vault.azure.net/certificates/openid/', { name: 'openid' }],
  ])('reads a certificate URL with %s', (_, url, expected) => {
    const { settings } = parse({ ...azure, KEY_VAULT_CERTIFICATE_URL: url })
    expect(settings).toMatchObject({ certificates: { RSA: { vault: 'https://keys.vault.azure.net', ...expected } } })
  })

  it.each([
    ['keys.vault.azure.cn', 'https://vault.azure.cn', 'https://login.chinacloudapi.cn'],
    ['keys.vault.usgovcloudapi.net', 'https://vault.usgovcloudapi.net', 'https://login.microsoftonline.us'],
  ])('knows the sovereign cloud of %s', (host, resource, authority) => {
    const { settings } = parse({ ...azure, KEY_VAULT_CERTIFICATE_URL: `https://${host}/certificates/openid` })
    expect(settings).toMatchObject({ resource, credential: { authority } })
  })

  it.each([
    ['a client certificate', { AZURE_CLIENT_CERTIFICATE: 'PEM' }, 'certificate'],
    ['App Service', { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi', IDENTITY_HEADER: 'h' }, 'app-service'],
    ['a virtual machine', { AZURE_MANAGED_IDENTITY: 'vm' }, 'machine'],
  ])('takes the credential of %s', (_, given, kind) => {
    const { settings, faults } = parse({ ...azure, AZURE_CLIENT_SECRET: '', ...given })
    expect(faults).toEqual([])
    expect(settings).toMatchObject({ credential: { kind } })
  })

  it('takes a role with a token of its provider', () => {
    const { settings, faults } = parse({
      ...aws,
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/r',
      AWS_WEB_IDENTITY_TOKEN_URL: 'https://idp.test/token',
      AWS_WEB_IDENTITY_CLIENT_ID: 'c',
      AWS_WEB_IDENTITY_CLIENT_SECRET: 's',
    })
    expect(faults).toEqual([])
    expect(settings).toMatchObject({ credential: { kind: 'role', stsEndpoint: 'https://sts.eu-west-1.amazonaws.com' } })
  })
})

describe('faults', () => {
  it.each([
    ['two vaults', { ...azure, ...aws }, /only one vault/],
    [
      'two values of one setting',
      { ...azure, OpenIDServerSigningSettings__AzureKeyVault__TenantId: 'x' },
      /AZURE_TENANT_ID and OpenID/,
    ],
    [
      'a URL of something else',
      { ...azure, KEY_VAULT_CERTIFICATE_URL: 'https://keys.test/a/b/c/d' },
      /certificates\/<name>/,
    ],
    ['a vault without TLS', { ...azure, KEY_VAULT_CERTIFICATE_URL: 'http://keys.test/certificates/a' }, /https URL/],
    ['no credential', { KEY_VAULT_CERTIFICATE_URL: azure.KEY_VAULT_CERTIFICATE_URL }, /no credential/],
    ['no region', { ...aws, AWS_REGION: '' }, /AWS_REGION/],
    ['a peer of an unknown kind', { ...aws, SIGNING_PEERS: 'many' }, /SIGNING_PEERS/],
    ['a second certificate without a first', { KEY_VAULT_CERTIFICATE_URL_ES256: 'https://k.test/a' }, /means nothing/],
  ])('name %s', (_, env, fault) => {
    expect(parse(env).faults).toEqual([expect.stringMatching(fault)])
  })

  it('are all told at once, without a value that is secret', () => {
    const { faults } = parse({ AWS_SECRET_NAME: 'a b', AWS_SECRET_ACCESS_KEY: 'a-secret-value' })
    expect(faults).toHaveLength(3)
    expect(faults.join()).not.toContain('a-secret-value')
  })
})
