// Azure Key Vault (REST, api-version 2025-07-01): the certificate of one name, its versions, and its successor under `<name>-next`.
// Needs secret Get and certificate Import; listing versions is used when it is allowed.

import { base64 } from '../../crypto/encoding.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { writePkcs12 } from '../../crypto/pkcs12/write.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'
import { printable } from '../../model/untrusted-text.ts'
import { type AzureCredential, azureTokens, type TokenSource } from './credentials/azure.ts'
import { readKeyFile } from './key-file.ts'
import { type KeyVersion, type SeenVersion, type Vault, type VaultAccess, VaultError, vaultAccess } from './vault.ts'
import { fetchBounded, objectMember, retryAfter, textMember, type VaultAnswer } from './vault-fetch.ts'

export interface CertificateAddress {
  /** Origin of the vault. */
  vault: string
  name: string
  /** Only this version, for good. */
  version?: string | undefined
}

export interface AzureKeyVaultOptions {
  certificates: Partial<Record<Exclude<KeyFamily, 'Ed25519'>, CertificateAddress>>
  credential: AzureCredential
  /** `https://vault.azure.net`, or a sovereign cloud's. */
  resource: string
  /** Of PFX files that administrators put there as secrets; the vault's own have none. */
  password: string
}

interface Client extends AzureKeyVaultOptions {
  tokens: TokenSource
  access: VaultAccess
  /** Undefined: not tried yet. */
  mayList?: boolean
  /** Older clouds hand out what was imported, as it is. */
  convertsToPem: boolean
}

/** One version as the vault answers it. */
interface Secret {
  version: string
  content: string
  /** Seconds since 1970, by the vault's clock. */
  created: number
  /** The vault's own time of the answer, milliseconds. */
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
    look: async (family) => look(client, addressOf(family), family),
    elect: async (family, generate) => elect(client, addressOf(family), family, generate),
    async add(family, generate) {
      const next = nextOf(unpinned(addressOf(family)))
      await importCertificate(client, next, await generate())
      return settled(client, next, family)
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
    `the certificate URL names version ${address.version}: leave it out to let keys rotate`,
  )
}

async function look(client: Client, address: CertificateAddress, family: KeyFamily): Promise<SeenVersion[]> {
  const current = await readSecret(client, address, address.version)
  const seen: SeenVersion[] = current ? [seenAs('current', current, client, family)] : []
  if (address.version) return seen
  const next = await readNext(client, nextOf(address))
  if (next) seen.unshift(seenAs('next', next, client, family))
  if (!current) return seen
  for (const version of await previousVersions(client, address, current)) {
    seen.push({ version, place: 'previous', open: () => openVersion(client, address, version, family) })
  }
  return seen
}

/** A right to read that is given for the one name only says nothing about the certificate in use. */
async function readNext(client: Client, address: CertificateAddress): Promise<Secret | undefined> {
  return readSecret(client, address).catch((fault) => {
    if (fault instanceof VaultError && fault.fault === 'forbidden') return undefined
    throw fault
  })
}

const seenAs = (place: SeenVersion['place'], secret: Secret, client: Client, family: KeyFamily): SeenVersion => ({
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
 * DESIGN §5: an import is unconditional, so whoever imported waits until nobody can be about to, and takes what stands there then. The key
 * is made before the vault is asked a last time: between that answer and the import lies one request.
 */
async function elect(
  client: Client,
  address: CertificateAddress,
  family: KeyFamily,
  generate: () => Promise<KeyMaterial>,
): Promise<KeyVersion> {
  if (!(await readSecret(client, address, address.version))) {
    unpinned(address)
    const made = await generate()
    if (!(await readSecret(client, address))) await importCertificate(client, address, made)
  }
  return settled(client, address, family)
}

/** The latest version, once it is older than the window in which others may still import. */
async function settled(client: Client, address: CertificateAddress, family: KeyFamily): Promise<KeyVersion> {
  const { electionWindow, wait } = client.access
  let secret = await readSecret(client, address, address.version)
  for (let round = 0; round < 4 && secret && !address.version; round += 1) {
    // `created` has whole seconds.
    const rest = (secret.created + 1) * 1000 + electionWindow - secret.answeredAt
    if (rest <= 0) break
    await wait(Math.min(rest, electionWindow + 1000))
    secret = await readSecret(client, address)
  }
  if (!secret) throw missing(address)
  return { ...(await readKeyFile(secret.content, client.password, family)), version: secret.version }
}

const missing = ({ vault, name }: CertificateAddress) =>
  new VaultError('missing', `${vault} holds no certificate ${name}`)

/** Undefined: there is none. */
async function readSecret(client: Client, address: CertificateAddress, version = ''): Promise<Secret | undefined> {
  const path = `secrets/${address.name}${version && `/${version}`}`
  const parameters = client.convertsToPem ? { outContentType: 'application/x-pem-file' } : undefined
  const answer = await ask(client, 'GET', resourceUrl(address.vault, path, parameters))
  if (answer.status === 404 && isNotFound(answer)) return undefined
  if (answer.status === 400 && client.convertsToPem) {
    client.convertsToPem = false
    return readSecret(client, address, version)
  }
  if (answer.status !== 200) throw faultOf(answer, client, `reading ${address.name}`)
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

/** Some gateway's 404 must not pass for an empty vault, into which a new key would be put. */
const isNotFound = ({ json }: VaultAnswer): boolean =>
  /^(Secret|Certificate)NotFound$/.test(textMember(objectMember(json, 'error'), 'code') ?? '')

const mostPrevious = 2

/** Those that stood under the name before, the latest first: somebody who has not looked yet may still sign with one. */
async function previousVersions(client: Client, address: CertificateAddress, current: Secret): Promise<string[]> {
  const listed = client.mayList === false ? undefined : await listVersions(client, address)
  if (!listed) return current.previous ? [current.previous] : []
  const earlier = listed.filter(({ version, created }) => version !== current.version && created <= current.created)
  return earlier.slice(0, mostPrevious).map(({ version }) => version)
}

interface Listed {
  version: string
  created: number
}

const mostPages = 10

/** Enabled versions, the latest first. Undefined: we may not. Pages come in no useful order. */
async function listVersions(client: Client, address: CertificateAddress): Promise<Listed[] | undefined> {
  const listed: Listed[] = []
  let url: URL | undefined = resourceUrl(address.vault, `secrets/${address.name}/versions`, { maxresults: '25' })
  for (let page = 0; url && page < mostPages; page += 1) {
    const answer = await ask(client, 'GET', url)
    client.mayList = answer.status !== 403
    if (!client.mayList) return undefined
    if (answer.status !== 200) throw faultOf(answer, client, `listing the versions of ${address.name}`)
    const items = Array.isArray(answer.json?.value) ? answer.json.value : []
    listed.push(...items.flatMap(parseListed))
    url = nextPage(answer, address.vault)
  }
  return listed.sort((a, b) => b.created - a.created)
}

function parseListed(item: unknown): Listed[] {
  const secret = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {}
  const attributes = objectMember(secret, 'attributes')
  const id = textMember(secret, 'id')
  const created = Number(attributes?.created)
  return id && attributes?.enabled !== false && Number.isFinite(created) ? [{ version: lastSegment(id), created }] : []
}

/** The token goes to this vault and nowhere else, whatever the answer says. */
function nextPage({ json }: VaultAnswer, vault: string): URL | undefined {
  const next = URL.parse(textMember(json, 'nextLink') ?? '')
  return next?.origin === vault ? next : undefined
}

const lastSegment = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

const keyProperties = (family: KeyFamily): object => (family === 'RSA' ? { kty: 'RSA' } : { kty: 'EC', crv: family })

/** As PFX, which is what .NET peers read from the secret, in the one encryption that the vault is known to import. */
async function importCertificate(client: Client, address: CertificateAddress, material: KeyMaterial): Promise<void> {
  const password = crypto.randomUUID()
  // The password is as random as a key, so that iterations add nothing.
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
  if (answer.status !== 200) throw faultOf(answer, client, `importing ${address.name}`)
}

function resourceUrl(vault: string, path: string, parameters: Record<string, string> = {}): URL {
  return new URL(`${vault}/${path}?${new URLSearchParams({ 'api-version': '2025-07-01', ...parameters })}`)
}

async function ask(client: Client, method: string, url: URL, body?: string): Promise<VaultAnswer> {
  const headers = { authorization: `Bearer ${await client.tokens.token()}`, accept: 'application/json' }
  const init = body === undefined ? { headers } : { headers: { ...headers, 'content-type': 'application/json' }, body }
  return fetchBounded('Azure Key Vault', new Request(url, { method, ...init }))
}

function faultOf(answer: VaultAnswer, client: Client, doing: string): VaultError {
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
