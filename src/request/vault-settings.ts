// Parses which vault holds the signing certificate, from variables: our own names, the vendors', and those of Indicium's appsettings.json as environment
// variables. docs/signing-certificate.md has the same table.
import type { KeyFamily } from '../crypto/signing-algorithms.ts'
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'

/** The first is ours or the vendor's; `__` stands for the colon of appsettings. */
const names = {
  certificateUrl: ['KEY_VAULT_CERTIFICATE_URL', 'OpenIDServerSigningSettings__AzureKeyVault__KeyVaultCertificateUrl'],
  certificateUrlES256: ['KEY_VAULT_CERTIFICATE_URL_ES256'],
  certificateUrlES384: ['KEY_VAULT_CERTIFICATE_URL_ES384'],
  tenantId: ['AZURE_TENANT_ID', 'OpenIDServerSigningSettings__AzureKeyVault__TenantId'],
  clientId: ['AZURE_CLIENT_ID', 'OpenIDServerSigningSettings__AzureKeyVault__ClientId'],
  clientSecret: ['AZURE_CLIENT_SECRET', 'OpenIDServerSigningSettings__AzureKeyVault__ClientSecret'],
  clientCertificate: ['AZURE_CLIENT_CERTIFICATE'],
  clientCertificatePassword: ['AZURE_CLIENT_CERTIFICATE_PASSWORD'],
  authorityHost: ['AZURE_AUTHORITY_HOST'],
  identityEndpoint: ['IDENTITY_ENDPOINT'],
  identityHeader: ['IDENTITY_HEADER'],
  /** "vm": the metadata service of the virtual machine. */
  managedIdentity: ['AZURE_MANAGED_IDENTITY'],
  metadataEndpoint: ['AZURE_METADATA_ENDPOINT'],
  secretName: ['AWS_SECRET_NAME', 'OpenIDServerSigningSettings__AwsSecretManager__SecretName'],
  secretNameES256: ['AWS_SECRET_NAME_ES256'],
  secretNameES384: ['AWS_SECRET_NAME_ES384'],
  secretNameEdDSA: ['AWS_SECRET_NAME_EDDSA'],
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  accessKeyId: ['AWS_ACCESS_KEY_ID'],
  secretAccessKey: ['AWS_SECRET_ACCESS_KEY'],
  sessionToken: ['AWS_SESSION_TOKEN'],
  roleArn: ['AWS_ROLE_ARN'],
  webIdentityToken: ['AWS_WEB_IDENTITY_TOKEN'],
  webIdentityUrl: ['AWS_WEB_IDENTITY_TOKEN_URL'],
  webIdentityClientId: ['AWS_WEB_IDENTITY_CLIENT_ID'],
  webIdentityClientSecret: ['AWS_WEB_IDENTITY_CLIENT_SECRET'],
  webIdentityScope: ['AWS_WEB_IDENTITY_SCOPE'],
  secretsManagerEndpoint: ['AWS_ENDPOINT_URL_SECRETS_MANAGER'],
  stsEndpoint: ['AWS_ENDPOINT_URL_STS'],
  certificatePassword: ['SIGNING_CERTIFICATE_PASSWORD'],
  /** "one-key": a peer signs with whatever stands under the name, and knows no other key. */
  peers: ['SIGNING_PEERS'],
} as const

/** Every variable that may be set, in all its spellings. */
export const vaultVariables: readonly string[] = Object.values(names).flat()

type Name = keyof typeof names
type Values = Readonly<Record<Name, string>>

/** Where the certificates of other families than RSA are named. Azure Key Vault has none of Ed25519. */
const certificateUrls = {
  'P-256': 'certificateUrlES256',
  'P-384': 'certificateUrlES384',
} as const satisfies Partial<Record<KeyFamily, Name>>
const secretNames = {
  'P-256': 'secretNameES256',
  'P-384': 'secretNameES384',
  Ed25519: 'secretNameEdDSA',
} as const satisfies Partial<Record<KeyFamily, Name>>

type CertificateFamily = 'RSA' | keyof typeof certificateUrls

export interface CertificateName {
  /** Origin of the vault. */
  vault: string
  name: string
  version?: string | undefined
}

export type AzureCredentialSettings =
  | { kind: 'secret'; clientSecret: string; authority: string; tenantId: string; clientId: string }
  | {
      kind: 'certificate'
      certificate: string
      password: string
      authority: string
      tenantId: string
      clientId: string
    }
  | { kind: 'app-service'; endpoint: string; header: string; clientId: string | undefined }
  | { kind: 'machine'; endpoint: string; clientId: string | undefined }

export type AwsCredentialSettings =
  | { kind: 'keys'; accessKeyId: string; secretAccessKey: string; sessionToken: string | undefined }
  | {
      kind: 'role'
      roleArn: string
      token: string | { endpoint: string; clientId: string; clientSecret: string; scope: string | undefined }
      stsEndpoint: string
    }

interface Shared {
  /** Of PFX files in the vault. */
  password: string
  /** A peer that overwrites the name signs with the new certificate at once (DESIGN §5). */
  peersKnowOneKey: boolean
}

export type VaultSettings =
  | { kind: 'local' }
  | (Shared & {
      kind: 'azure-key-vault'
      certificates: Partial<Record<CertificateFamily, CertificateName>>
      credential: AzureCredentialSettings
      resource: string
    })
  | (Shared & {
      kind: 'aws-secrets-manager'
      region: string
      endpoint: string
      secrets: Partial<Record<KeyFamily, string>>
      credential: AwsCredentialSettings
    })

/** Adds to `faults` everything that is wrong at once. No fault names the value of a secret. */
export function parseVaultSettings(env: Readonly<Record<string, unknown>>, faults: string[]): VaultSettings {
  const values = readValues(env, faults)
  const [azure, aws] = [values.certificateUrl, values.secretName]
  if (azure && aws) {
    faults.push(`${names.certificateUrl[0]} and ${names.secretName[0]}: only one vault can hold the certificate`)
  }
  if (values.peers && values.peers !== 'one-key') faults.push(`${names.peers[0]}: "one-key" or nothing expected`)
  if (azure) return parseAzure(values, faults)
  if (aws) return parseAws(values, faults)
  for (const name of [...Object.values(certificateUrls), 'clientSecret'] as const) {
    if (values[name]) faults.push(`${names[name][0]}: without ${names.certificateUrl[0]} it means nothing`)
  }
  for (const name of Object.values(secretNames)) {
    if (values[name]) faults.push(`${names[name][0]}: without ${names.secretName[0]} it means nothing`)
  }
  return { kind: 'local' }
}

function readValues(env: Readonly<Record<string, unknown>>, faults: string[]): Values {
  const read = (name: string): string => {
    const value = env[name]
    return typeof value === 'string' ? value.trim() : ''
  }
  const entries = Object.entries(names).map(([key, spellings]) => {
    const given = spellings.filter((name) => read(name) !== '')
    if (new Set(given.map(read)).size > 1) faults.push(`${given.join(' and ')}: two names of one setting, two values`)
    return [key, read(given[0] ?? '')]
  })
  return Object.fromEntries(entries) as Values
}

const shared = (values: Values): Shared => ({
  password: values.certificatePassword,
  peersKnowOneKey: values.peers === 'one-key',
})

/** Suffix of a vault's host → where tokens for it come from, and what for. */
const clouds = [
  { suffix: '.vault.azure.net', authority: 'https://login.microsoftonline.com' },
  { suffix: '.vault.azure.cn', authority: 'https://login.chinacloudapi.cn' },
  { suffix: '.vault.usgovcloudapi.net', authority: 'https://login.microsoftonline.us' },
] as const

function parseAzure(values: Values, faults: string[]): VaultSettings {
  const main = parseCertificateUrl('certificateUrl', values, faults)
  const certificates: Partial<Record<CertificateFamily, CertificateName>> = main ? { RSA: main } : {}
  for (const family of Object.keys(certificateUrls) as (keyof typeof certificateUrls)[]) {
    const name = certificateUrls[family]
    const address = values[name] ? parseCertificateUrl(name, values, faults) : undefined
    if (!address) continue
    if (main && address.vault !== main.vault) faults.push(`${names[name][0]}: must be in the vault of the first one`)
    certificates[family] = address
  }
  const host = main ? new URL(main.vault).hostname : ''
  const cloud = clouds.find(({ suffix }) => host.endsWith(suffix))
  // A vault elsewhere (an emulator) takes the token of the public cloud.
  const resource = `https://${(cloud ?? clouds[0]).suffix.slice(1)}`
  const authority = values.authorityHost.replace(/\/$/, '') || (cloud ?? clouds[0]).authority
  checkAddress('authorityHost', authority, faults)
  const credential = parseAzureCredential(values, authority, faults)
  return { kind: 'azure-key-vault', certificates, credential, resource, ...shared(values) }
}

const certificatePath = /^\/(?:(?:certificates|secrets|keys)\/)?([0-9a-zA-Z-]{1,127})(?:\/([0-9a-zA-Z]{1,64}))?\/?$/

function parseCertificateUrl(name: Name, values: Values, faults: string[]): CertificateName | undefined {
  const url = checkAddress(name, values[name], faults)
  if (!url) return undefined
  const [, certificate, version] = certificatePath.exec(url.pathname) ?? []
  if (certificate && !url.search && !url.hash && !url.username) {
    return { vault: url.origin, name: certificate, ...(version ? { version } : {}) }
  }
  faults.push(`${names[name][0]}: https://<vault>.vault.azure.net/certificates/<name> expected, a version may follow`)
  return undefined
}

/** https; http for a loopback address, where emulators and doubles listen. */
function checkAddress(name: Name, value: string, faults: string[]): URL | undefined {
  const url = URL.parse(value)
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return url
  faults.push(`${names[name][0]}: an https URL expected`)
  return undefined
}

function parseAzureCredential(values: Values, authority: string, faults: string[]): AzureCredentialSettings {
  const { tenantId, clientId, clientSecret, clientCertificate, identityEndpoint, identityHeader } = values
  if (clientSecret && clientCertificate) {
    faults.push(`${names.clientSecret[0]} and ${names.clientCertificate[0]}: one of them, not both`)
  }
  if (clientSecret || clientCertificate) {
    for (const name of ['tenantId', 'clientId'] as const) {
      if (!values[name]) faults.push(`${names[name][0]}: missing (App registrations, Overview)`)
    }
    const principal = { authority, tenantId, clientId }
    return clientSecret
      ? { kind: 'secret', clientSecret, ...principal }
      : {
          kind: 'certificate',
          certificate: clientCertificate,
          password: values.clientCertificatePassword,
          ...principal,
        }
  }
  if (identityEndpoint && identityHeader) {
    return {
      kind: 'app-service',
      endpoint: identityEndpoint,
      header: identityHeader,
      clientId: clientId || undefined,
    }
  }
  if (values.managedIdentity !== 'vm') {
    faults.push(
      `${names.certificateUrl[0]}: no credential; set ${names.clientSecret[0]} or ${names.clientCertificate[0]}, or on a virtual machine ${names.managedIdentity[0]} = "vm"`,
    )
  }
  const endpoint = values.metadataEndpoint || 'http://169.254.169.254/metadata/identity/oauth2/token'
  return { kind: 'machine', endpoint, clientId: clientId || undefined }
}

function parseAws(values: Values, faults: string[]): VaultSettings {
  const region = values.region || (/^arn:aws[\w-]*:secretsmanager:([a-z0-9-]+):/.exec(values.secretName)?.[1] ?? '')
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) faults.push(`${names.region[0]}: missing or no region's name`)
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const endpointOf = (name: Name, service: string): string => {
    if (!values[name]) return `https://${service}.${region}.${domain}`
    return checkAddress(name, values[name], faults)?.href.replace(/\/$/, '') ?? ''
  }
  const secrets: Partial<Record<KeyFamily, string>> = { RSA: values.secretName }
  for (const family of Object.keys(secretNames) as (keyof typeof secretNames)[]) {
    const name = values[secretNames[family]]
    if (name) secrets[family] = name
  }
  for (const name of Object.values(secrets)) {
    if (!/^[\w/+=.@:-]{1,512}$/.test(name)) faults.push(`${names.secretName[0]}: letters, digits and /_+=.@- expected`)
  }
  const credential = parseAwsCredential(values, endpointOf('stsEndpoint', 'sts'), faults)
  const endpoint = endpointOf('secretsManagerEndpoint', 'secretsmanager')
  return { kind: 'aws-secrets-manager', region, endpoint, secrets, credential, ...shared(values) }
}

function parseAwsCredential(values: Values, stsEndpoint: string, faults: string[]): AwsCredentialSettings {
  const { accessKeyId, secretAccessKey, sessionToken, roleArn } = values
  if (!roleArn) {
    for (const name of ['accessKeyId', 'secretAccessKey'] as const) {
      if (!values[name]) faults.push(`${names[name][0]}: missing (or ${names.roleArn[0]} with a web identity token)`)
    }
    return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined }
  }
  if (values.webIdentityToken) return { kind: 'role', roleArn, token: values.webIdentityToken, stsEndpoint }
  const url = checkAddress('webIdentityUrl', values.webIdentityUrl, faults)
  for (const name of ['webIdentityClientId', 'webIdentityClientSecret'] as const) {
    if (!values[name]) faults.push(`${names[name][0]}: missing`)
  }
  const token = {
    endpoint: url?.href ?? '',
    clientId: values.webIdentityClientId,
    clientSecret: values.webIdentityClientSecret,
    scope: values.webIdentityScope || undefined,
  }
  return { kind: 'role', roleArn, token, stsEndpoint }
}
