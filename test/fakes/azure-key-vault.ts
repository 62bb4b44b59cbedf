// Fakes Azure Key Vault for signing certificates, with Entra's token endpoint and both managed identities at the same address.
// Tested with the vendor's SDK (test/node/vault-fakes.test.ts).
import type { CertifiedKey } from '../../src/crypto/certified-key.ts'
import { readPem, writePem } from '../../src/crypto/pem.ts'
import { readPkcs12 } from '../../src/crypto/pkcs12/read.ts'
import { writePkcs12 } from '../../src/crypto/pkcs12/write.ts'
import { type Fault, plainFault } from './faults.ts'

const pkcs12 = 'application/x-pkcs12'
const pem = 'application/x-pem-file'

interface Version {
  version: string
  content: string
  contentType: string
  key: CertifiedKey | undefined
  x5t: string
  created: number
  enabled: boolean
}

export interface FakeKeyVault {
  answer(request: Request): Promise<Response>
  /** Versions by name, the oldest first. */
  versions: Map<string, Version[]>
  /** Names of deleted certificates that can be recovered. */
  deleted: Set<string>
  fault: Fault | undefined
  /** Seconds in the Retry-After of a 429; no header if undefined. */
  retryAfter: number | undefined
  mayList: boolean
  mayImport: boolean
  convertsToPem: boolean
  /** Method and path of all requests: `GET /secrets/name`, `POST /certificates/name/import`, … */
  requests: string[]
  /** Bodies of token requests. */
  tokenRequests: URLSearchParams[]
  tokens: { clientSecret: string; identityHeader: string }
  /** Stores a secret as an administrator would: PFX in base64 without password, PEM, or anything else. Returns the version. */
  put(name: string, content: string, contentType?: string): Promise<string>
}

export function fakeKeyVault(now: () => number = Date.now): FakeKeyVault {
  const fake: FakeKeyVault = {
    answer: (request) => answerTo(fake, request, now),
    versions: new Map(),
    deleted: new Set(),
    fault: undefined,
    retryAfter: undefined,
    mayList: true,
    mayImport: true,
    convertsToPem: true,
    requests: [],
    tokenRequests: [],
    tokens: { clientSecret: 'the-client-secret', identityHeader: 'the-identity-header' },
    put: async (name, content, contentType = content.includes('-----BEGIN') ? pem : pkcs12) => {
      const key = await parse(content, contentType, '').catch(() => undefined)
      return (await keep(fake, name, content, contentType, key, now())).version
    },
  }
  return fake
}

async function answerTo(fake: FakeKeyVault, request: Request, now: () => number): Promise<Response> {
  const url = new URL(request.url)
  const response = isTokenPath(url.pathname)
    ? await tokenAnswer(fake, request, url, now())
    : await vaultAnswer(fake, request, url, now())
  response.headers.set('date', new Date(now()).toUTCString())
  return response
}

const isTokenPath = (path: string) =>
  path.endsWith('/oauth2/v2.0/token') || path.startsWith('/metadata/') || path === '/msi'

async function tokenAnswer(fake: FakeKeyVault, request: Request, url: URL, now: number): Promise<Response> {
  const answer = { token_type: 'Bearer', access_token: 'an-access-token' }
  const expiresOn = String(Math.floor(now / 1000) + 86_400)
  if (url.pathname === '/msi') {
    if (request.headers.get('x-identity-header') !== fake.tokens.identityHeader)
      return new Response(null, { status: 401 })
    return Response.json({ ...answer, expires_on: expiresOn, resource: url.searchParams.get('resource') })
  }
  if (url.pathname.startsWith('/metadata/')) {
    if (request.headers.get('metadata') !== 'true') return Response.json({ error: 'invalid_request' }, { status: 400 })
    return Response.json({ ...answer, expires_on: expiresOn, resource: url.searchParams.get('resource') })
  }
  const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()))
  fake.tokenRequests.push(form)
  const isProven = form.get('client_secret') === fake.tokens.clientSecret || form.has('client_assertion')
  if (!isProven || form.get('grant_type') !== 'client_credentials') {
    const description = 'AADSTS7000215: Invalid client secret provided. Trace ID: 1'
    return Response.json(
      { error: 'invalid_client', error_description: description, error_codes: [7000215] },
      { status: 401 },
    )
  }
  return Response.json({ ...answer, expires_in: 3599, ext_expires_in: 3599 })
}

async function vaultAnswer(fake: FakeKeyVault, request: Request, url: URL, now: number): Promise<Response> {
  fake.requests.push(`${request.method} ${url.pathname}`)
  if (fake.fault) return plainFault(fake.fault) ?? vendorFault(fake)
  if (!request.headers.has('authorization')) return challenge(url)
  if (!/^(2025-07-01|2025-06-01-preview|7\.[0-9])$/.test(url.searchParams.get('api-version') ?? '')) {
    return refusal(400, 'BadParameter', 'api-version')
  }
  const [, kind, name = '', ...rest] = url.pathname.split('/')
  const action = `${request.method} ${kind} ${rest[0] === 'versions' || rest[0] === 'import' ? rest[0] : 'one'}`
  switch (action) {
    case 'GET secrets one':
      return secretAnswer(fake, url, name, rest[0] || undefined)
    case 'PUT secrets one': {
      const { value, contentType } = (await request.json()) as { value: string; contentType?: string }
      const key = contentType ? await parse(value, contentType, '').catch(() => undefined) : undefined
      return Response.json(secretBundle(url, name, await keep(fake, name, value, contentType ?? '', key, now)))
    }
    case 'GET certificates one': {
      const version = find(fake, name, rest[0] || undefined)
      return version ? Response.json(certificateBundle(url, name, version)) : refusal(404, 'CertificateNotFound', name)
    }
    case 'GET secrets versions':
    case 'GET certificates versions':
      return listAnswer(fake, url, kind ?? '', name)
    case 'POST certificates import':
      return importAnswer(fake, request, url, name, now)
    default:
      return refusal(404, 'ResourceNotFound', action)
  }
}

const refusal = (status: number, code: string, message: string, inner?: string): Response =>
  Response.json({ error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) } }, { status })

function vendorFault(fake: FakeKeyVault): Response {
  if (fake.fault === 'forbidden') return refusal(403, 'Forbidden', 'Caller is not authorized', 'ForbiddenByRbac')
  if (fake.fault === 'throttled') {
    const response = refusal(429, 'Throttled', 'Request was not processed because too many requests were received')
    if (fake.retryAfter !== undefined) response.headers.set('retry-after', String(fake.retryAfter))
    return response
  }
  return refusal(500, 'InternalServerError', 'something')
}

function challenge({ origin }: URL): Response {
  const response = refusal(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.')
  const parameters = `authorization="${origin}/the-tenant", resource="https://vault.azure.net"`
  response.headers.set('www-authenticate', `Bearer ${parameters}`)
  return response
}

function find(fake: FakeKeyVault, name: string, version?: string): Version | undefined {
  const versions = fake.versions.get(name) ?? []
  return version ? versions.find((each) => each.version === version) : versions.at(-1)
}

async function secretAnswer(fake: FakeKeyVault, url: URL, name: string, id?: string): Promise<Response> {
  const version = find(fake, name, id)
  if (!version)
    return refusal(404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`)
  if (!version.enabled)
    return refusal(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled')
  const wanted = url.searchParams.get('outContentType')
  if (wanted && !fake.convertsToPem) return refusal(400, 'BadParameter', 'outContentType')
  const versions = fake.versions.get(name) ?? []
  const previous = versions[versions.indexOf(version) - 1]
  const bundle = { ...secretBundle(url, name, version), ...(previous ? { previousVersion: previous.version } : {}) }
  if (wanted !== pem || !version.key) return Response.json(bundle)
  return Response.json({ ...bundle, value: writePem(version.key), contentType: pem })
}

const attributesOf = ({ created, enabled }: Version) => ({
  enabled,
  created,
  updated: created,
  recoveryLevel: 'Recoverable+Purgeable',
  recoverableDays: 90,
})

const secretBundle = ({ origin }: URL, name: string, version: Version) => ({
  value: version.content,
  ...(version.contentType ? { contentType: version.contentType } : {}),
  id: `${origin}/secrets/${name}/${version.version}`,
  ...(version.key ? { managed: true, kid: `${origin}/keys/${name}/${version.version}` } : {}),
  attributes: attributesOf(version),
  tags: {},
})

const certificateBundle = ({ origin }: URL, name: string, version: Version) => ({
  id: `${origin}/certificates/${name}/${version.version}`,
  kid: `${origin}/keys/${name}/${version.version}`,
  sid: `${origin}/secrets/${name}/${version.version}`,
  x5t: version.x5t,
  cer: version.key ? toBase64(version.key.certificate) : '',
  attributes: attributesOf(version),
  policy: {
    id: `${origin}/certificates/${name}/policy`,
    key_props: { exportable: true, kty: 'RSA', key_size: 2048, reuse_key: false },
    secret_props: { contentType: version.contentType },
    issuer: { name: 'Unknown' },
  },
})

const pageSize = 2

/** Lists versions in the order of their ids, which is not that of time, in small pages. */
function listAnswer(fake: FakeKeyVault, url: URL, kind: string, name: string): Response {
  if (!fake.mayList) return refusal(403, 'Forbidden', 'Caller is not authorized', 'ForbiddenByPolicy')
  const sorted = [...(fake.versions.get(name) ?? [])].sort((a, b) => (a.version < b.version ? -1 : 1))
  const from = Number(url.searchParams.get('$skiptoken') ?? 0)
  const value = sorted.slice(from, from + pageSize).map((version) => ({
    id: `${url.origin}/${kind}/${name}/${version.version}`,
    ...(kind === 'certificates' ? { x5t: version.x5t } : { contentType: version.contentType, managed: true }),
    attributes: attributesOf(version),
  }))
  const next = new URL(url)
  next.searchParams.set('$skiptoken', String(from + pageSize))
  return Response.json({ value, nextLink: from + pageSize < sorted.length ? next.href : null })
}

interface ImportBody {
  value?: string
  pwd?: string
  policy?: { secret_props?: { contentType?: string } }
}

async function importAnswer(
  fake: FakeKeyVault,
  request: Request,
  url: URL,
  name: string,
  now: number,
): Promise<Response> {
  if (!fake.mayImport) return refusal(403, 'Forbidden', 'Caller is not authorized', 'ForbiddenByPolicy')
  const { value = '', pwd = '', policy } = (await request.json()) as ImportBody
  if (!/^[0-9a-zA-Z-]+$/.test(name)) return refusal(400, 'BadParameter', 'name')
  if (fake.deleted.has(name)) {
    return refusal(
      409,
      'Conflict',
      `${name} is currently in a deleted but recoverable state`,
      'ObjectIsDeletedButRecoverable',
    )
  }
  const contentType = policy?.secret_props?.contentType ?? pkcs12
  const key = await parse(value, contentType, pwd).catch(() => undefined)
  if (!key)
    return refusal(400, 'BadParameter', 'The specified PKCS#12 or PEM X.509 certificate content can not be read.')
  const content =
    contentType === pem ? value : toBase64(await writePkcs12(key, '', { encryption: '3des', iterations: 2000 }))
  return Response.json(certificateBundle(url, name, await keep(fake, name, content, contentType, key, now)))
}

const parse = async (content: string, contentType: string, password: string): Promise<CertifiedKey> =>
  contentType === pem ? readPem(content) : readPkcs12(fromBase64(content), password)

async function keep(
  fake: FakeKeyVault,
  name: string,
  content: string,
  contentType: string,
  key: CertifiedKey | undefined,
  now: number,
): Promise<Version> {
  const digest = key ? new Uint8Array(await crypto.subtle.digest('SHA-1', key.certificate)) : new Uint8Array(0)
  const x5t = toBase64(digest).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  const created = Math.floor(now / 1000)
  const version = crypto.randomUUID().replaceAll('-', '')
  const kept = { version, content, contentType, key, x5t, created, enabled: true }
  fake.versions.set(name, [...(fake.versions.get(name) ?? []), kept])
  return kept
}

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
