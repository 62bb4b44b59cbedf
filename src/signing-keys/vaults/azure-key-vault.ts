// A vault in Azure Key Vault (REST, api-version 2025-07-01): the certificate of one name, its versions, and its successor under
// `<name>-next`. It needs the rights secret Get and certificate Import, and lists versions if that is allowed.

import { base64 } from '../../crypto/encoding.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { writePkcs12 } from '../../crypto/pkcs12/write.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'
import { printable } from '../../model/untrusted-text.ts'
import { type AzureCredential, azureTokens, type TokenSource } from './credentials/azure.ts'
import { readKeyFile } from './key-file.ts'
import { type KeyVersion, type Vault, type VaultAccess, VaultError, type VaultVersion, vaultAccess } from './vault.ts'
import { fetchBounded, objectMember, retryAfter, textMember, type VaultAnswer } from './vault-fetch.ts'

export interface CertificateAddress {
  /** Origin of the vault. */
  vault: string
  name: string
  /** Pins this version: the key never rotates. */
  version?: string | undefined
}

export interface AzureKeyVaultOptions {
  certificates: Partial<Record<Exclude<KeyFamily, 'Ed25519'>, CertificateAddress>>
  credential: AzureCredential
  /** `https://vault.azure.net`, or the one of a sovereign cloud. */
  resource: string
  /** Password of a PFX that an administrator stored as a secret; a PFX that the vault itself made has none. */
  password: string
}

interface Client extends AzureKeyVaultOptions {
  tokens: TokenSource
  access: VaultAccess
  /** Undefined until the first attempt. */
  mayList?: boolean
  /** False in older clouds, which return the imported file unchanged. */
  convertsToPem: boolean
}

/** One version as the vault returns it. */
interface Secret {
  version: string
  content: string
  /** Seconds since 1970, by the vault's clock. */
  created: number
  /** Milliseconds since 1970, by the vault's clock: the time of the response. */
  answeredAt: number
  previous: string | undefined
}

export function azureKeyVault(options: AzureKeyVaultOptions, access: VaultAccess = vaultAccess): Vault {
  const tokens = azureTokens(options.credential, options.resource, access)
  const client: Client = { ...options, tokens, access, convertsToPem: true }
  const families = Object.keys(options.certificates) as Exclude<KeyFamily, 'Ed25519'>[]
  const addressOf = (family: KeyFamily): CertificateAddress => {
    const address = family === 'Ed25519' ? undefined : options.certificates[family]
    if (!address) throw new VaultError('missing', `no certificate URL is set for ${family}`)
    return address
  }
  return {
    name: 'azure-key-vault',
    families,
    scan: async (family) => scan(client, addressOf(family), family),
    elect: async (family, generate) => elect(client, addressOf(family), family, generate),
    async add(family, generate) {
      const next = nextOf(unpinned(addressOf(family)))
      await importCertificate(client, next, await generate())
      return readWinner(client, next, family)
    },
    async promote(family, next) {
      const address = unpinned(addressOf(family))
      await importCertificate(client, address, await next.open())
    },
  }
}

const nextOf = (address: CertificateAddress): CertificateAddress => ({ ...address, name: `${address.name}-next` })

function unpinned(address: CertificateAddress): CertificateAddress {
  if (!address.version) return address
  throw new VaultError(
    'pinned',
    `the certificate URL names version ${address.version}: remove the version to let keys rotate`,
  )
}

async function scan(client: Client, address: CertificateAddress, family: KeyFamily): Promise<VaultVersion[]> {
  const current = await readSecret(client, address, address.version)
  const versions: VaultVersion[] = current ? [vaultVersion('current', current, client, family)] : []
  if (address.version) return versions
  const next = await readNext(client, nextOf(address))
  if (next) versions.unshift(vaultVersion('next', next, client, family))
  if (!current) return versions
  for (const version of await previousVersions(client, address, current)) {
    versions.push({ version, place: 'previous', open: () => openVersion(client, address, version, family) })
  }
  return versions
}

/** If the right to read covers only the name in use, the successor counts as absent, and the certificate in use still works. */
async function readNext(client: Client, address: CertificateAddress): Promise<Secret | undefined> {
  return readSecret(client, address).catch((error) => {
    if (error instanceof VaultError && error.fault === 'forbidden') return undefined
    throw error
  })
}

const vaultVersion = (
  place: VaultVersion['place'],
  secret: Secret,
  client: Client,
  family: KeyFamily,
): VaultVersion => ({
  version: secret.version,
  place,
  open: () => readKeyFile(secret.content, client.password, family),
})

async function openVersion(
  client: Client,
  address: CertificateAddress,
  version: string,
  family: KeyFamily,
): Promise<KeyMaterial> {
  const secret = await readSecret(client, address, version)
  if (!secret) throw new VaultError('missing', `version ${version} of ${address.name} is gone`)
  return readKeyFile(secret.content, client.password, family)
}

/**
 * An import is unconditional, so each instance that imported waits until no other can still import, and then takes the version that the
 * vault holds. The key is generated before the last check, so that only one request lies between the check and the import.
 */
async function elect(
  client: Client,
  address: CertificateAddress,
  family: KeyFamily,
  generate: () => Promise<KeyMaterial>,
): Promise<KeyVersion> {
  if (!(await readSecret(client, address, address.version))) {
    unpinned(address)
    const generated = await generate()
    if (!(await readSecret(client, address))) await importCertificate(client, address, generated)
  }
  return readWinner(client, address, family)
}

/** Reads the version that won the election: waits until the latest version is older than the window in which others may import. */
async function readWinner(client: Client, address: CertificateAddress, family: KeyFamily): Promise<KeyVersion> {
  const { electionWindow, wait } = client.access
  let secret = await readSecret(client, address, address.version)
  for (let round = 0; round < 4 && secret && !address.version; round += 1) {
    // `created` has whole seconds.
    const remaining = (secret.created + 1) * 1000 + electionWindow - secret.answeredAt
    if (remaining <= 0) break
    await wait(Math.min(remaining, electionWindow + 1000))
    secret = await readSecret(client, address)
  }
  if (!secret) throw missing(address)
  return { ...(await readKeyFile(secret.content, client.password, family)), version: secret.version }
}

const missing = ({ vault, name }: CertificateAddress) =>
  new VaultError('missing', `${vault} holds no certificate ${name}`)

/** Reads the given version, or by default the latest. Returns undefined if the vault has no such secret. */
async function readSecret(client: Client, address: CertificateAddress, version = ''): Promise<Secret | undefined> {
  const path = `secrets/${address.name}${version && `/${version}`}`
  const parameters = client.convertsToPem ? { outContentType: 'application/x-pem-file' } : undefined
  const answer = await ask(client, 'GET', resourceUrl(address.vault, path, parameters))
  if (answer.status === 404 && isNotFound(answer)) return undefined
  if (answer.status === 400 && client.convertsToPem) {
    client.convertsToPem = false
    return readSecret(client, address, version)
  }
  if (answer.status !== 200) throw vaultErrorOf(answer, client, `reading ${address.name}`)
  const [content, id] = [textMember(answer.json, 'value'), textMember(answer.json, 'id')]
  const created = Number(objectMember(answer.json, 'attributes')?.created)
  if (!content || !id) throw new VaultError('nonsense', `the answer about ${address.name} has no value or no id`)
  return {
    version: lastSegment(id),
    content,
    created: Number.isFinite(created) ? created : 0,
    answeredAt: Date.parse(answer.headers.get('date') ?? '') || client.access.now(),
    previous: textMember(answer.json, 'previousVersion'),
  }
}

/** Only the vault's own error code counts: a gateway's 404 must not pass for an empty vault, since a new key would be imported. */
const isNotFound = ({ json }: VaultAnswer): boolean =>
  /^(Secret|Certificate)NotFound$/.test(textMember(objectMember(json, 'error'), 'code') ?? '')

const maxPrevious = 2

/** Earlier versions of the name, the latest first: an instance that has not scanned the vault since may still sign with one. */
async function previousVersions(client: Client, address: CertificateAddress, current: Secret): Promise<string[]> {
  const listed = client.mayList === false ? undefined : await listVersions(client, address)
  if (!listed) return current.previous ? [current.previous] : []
  const earlier = listed.filter(({ version, created }) => version !== current.version && created <= current.created)
  return earlier.slice(0, maxPrevious).map(({ version }) => version)
}

interface ListedVersion {
  version: string
  created: number
}

const maxPages = 10

/** Enabled versions, the latest first; the vault's pages are not sorted. Returns undefined if listing is not allowed. */
async function listVersions(client: Client, address: CertificateAddress): Promise<ListedVersion[] | undefined> {
  const listed: ListedVersion[] = []
  let url: URL | undefined = resourceUrl(address.vault, `secrets/${address.name}/versions`, { maxresults: '25' })
  for (let page = 0; url && page < maxPages; page += 1) {
    const answer = await ask(client, 'GET', url)
    client.mayList = answer.status !== 403
    if (!client.mayList) return undefined
    if (answer.status !== 200) throw vaultErrorOf(answer, client, `listing the versions of ${address.name}`)
    const items = Array.isArray(answer.json?.value) ? answer.json.value : []
    listed.push(...items.flatMap(parseListed))
    url = nextPage(answer, address.vault)
  }
  return listed.sort((a, b) => b.created - a.created)
}

function parseListed(item: unknown): ListedVersion[] {
  const secret = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {}
  const attributes = objectMember(secret, 'attributes')
  const id = textMember(secret, 'id')
  const created = Number(attributes?.created)
  return id && attributes?.enabled !== false && Number.isFinite(created) ? [{ version: lastSegment(id), created }] : []
}

/** A next link to another origin is ignored: the access token must go to this vault only. */
function nextPage({ json }: VaultAnswer, vault: string): URL | undefined {
  const next = URL.parse(textMember(json, 'nextLink') ?? '')
  return next?.origin === vault ? next : undefined
}

const lastSegment = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

const keyProperties = (family: KeyFamily): object => (family === 'RSA' ? { kty: 'RSA' } : { kty: 'EC', crv: family })

/** Imports a PFX, since .NET peers read a PFX from the secret. 3DES is the one encryption that the vault is known to import. */
async function importCertificate(client: Client, address: CertificateAddress, material: KeyMaterial): Promise<void> {
  const password = crypto.randomUUID()
  // The password is as random as a key, so more iterations would add nothing.
  const pfx = await writePkcs12(material, password, { encryption: '3des', iterations: 2000 })
  const body = {
    value: base64(pfx),
    pwd: password,
    policy: {
      key_props: { exportable: true, reuse_key: false, ...keyProperties(material.family) },
      secret_props: { contentType: 'application/x-pkcs12' },
      issuer: { name: 'Unknown' },
    },
    attributes: { enabled: true },
    tags: { 'created-by': 'countersign' },
  }
  const url = resourceUrl(address.vault, `certificates/${address.name}/import`)
  const answer = await ask(client, 'POST', url, JSON.stringify(body))
  if (answer.status !== 200) throw vaultErrorOf(answer, client, `importing ${address.name}`)
}

function resourceUrl(vault: string, path: string, parameters: Record<string, string> = {}): URL {
  return new URL(`${vault}/${path}?${new URLSearchParams({ 'api-version': '2025-07-01', ...parameters })}`)
}

async function ask(client: Client, method: string, url: URL, body?: string): Promise<VaultAnswer> {
  const headers = { authorization: `Bearer ${await client.tokens.token()}`, accept: 'application/json' }
  const init = body === undefined ? { headers } : { headers: { ...headers, 'content-type': 'application/json' }, body }
  return fetchBounded('Azure Key Vault', new Request(url, { method, ...init }))
}

function vaultErrorOf(answer: VaultAnswer, client: Client, doing: string): VaultError {
  const { status, headers, json } = answer
  const error = objectMember(json, 'error')
  const inner = textMember(objectMember(error, 'innererror'), 'code')
  const code = printable(inner ?? textMember(error, 'code') ?? 'no error code', 100)
  const message = `Azure Key Vault, ${doing}: ${status} ${code}`
  if (status === 429) return new VaultError('throttled', message, retryAfter(headers, client.access.now()))
  if (status === 401) {
    client.tokens.forget()
    return new VaultError('unauthorized', message)
  }
  if (status === 403) return new VaultError('forbidden', `${message} (role, access policy or firewall of the vault)`)
  if (status === 409 && inner === 'ObjectIsDeletedButRecoverable') {
    return new VaultError('deleted', `${message}: recover or purge the deleted certificate of that name`)
  }
  if (status >= 500) return new VaultError('unreachable', message, retryAfter(headers, client.access.now()))
  return new VaultError('nonsense', message)
}
