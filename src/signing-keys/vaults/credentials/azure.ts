// Access tokens of Microsoft Entra for Azure Key Vault, by a service principal's secret or certificate, or by a managed identity.

import { base64url, utf8 } from '../../../crypto/encoding.ts'
import { importSigningKey } from '../../../crypto/key-material.ts'
import { thumbprints } from '../../../crypto/x509.ts'
import { printable } from '../../../model/untrusted-text.ts'
import { readKeyFile } from '../key-file.ts'
import { type VaultAccess, VaultError } from '../vault.ts'
import { fetchBounded, retryAfter, textMember, type VaultAnswer } from '../vault-fetch.ts'

export type AzureCredential =
  | ({ kind: 'secret'; clientSecret: string } & ServicePrincipal)
  /** `certificate`: PFX in base64, or PEM, with the private key. */
  | ({ kind: 'certificate'; certificate: string; password: string } & ServicePrincipal)
  /** Managed identity of App Service, Functions or Container Apps. */
  | { kind: 'app-service'; endpoint: string; header: string; clientId?: string | undefined }
  /** Managed identity of a virtual machine, from its metadata service. */
  | { kind: 'machine'; endpoint: string; clientId?: string | undefined }

interface ServicePrincipal {
  /** `https://login.microsoftonline.com`, or the one of a sovereign cloud. */
  authority: string
  tenantId: string
  clientId: string
}

interface Token {
  value: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface TokenSource {
  /** Throws VaultError. */
  token(): Promise<string>
  /** Discards the cached token, after the vault refused it. */
  forget(): void
}

const entra = 'Microsoft Entra'
/** Milliseconds. A token must outlive the requests that use it. */
const margin = 5 * 60_000

/** `resource`: `https://vault.azure.net`, without a trailing slash. Caches the token until shortly before it expires. */
export function azureTokens(credential: AzureCredential, resource: string, access: VaultAccess): TokenSource {
  let cached: Token | undefined
  return {
    async token() {
      if (!cached || cached.expiresAt - margin < access.now())
        cached = await request(credential, resource, access.now())
      return cached.value
    },
    forget() {
      cached = undefined
    },
  }
}

async function request(credential: AzureCredential, resource: string, now: number): Promise<Token> {
  switch (credential.kind) {
    case 'secret':
      return fromEntra(credential, resource, now, { client_secret: credential.clientSecret })
    case 'certificate':
      return fromEntra(credential, resource, now, {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await clientAssertion(credential, now),
      })
    case 'app-service':
      return fromMachine(credential, '2019-08-01', { 'x-identity-header': credential.header }, resource, now)
    case 'machine':
      return fromMachine(credential, '2018-02-01', { metadata: 'true' }, resource, now)
  }
}

const tokenEndpoint = ({ authority, tenantId }: ServicePrincipal): string =>
  `${authority}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`

async function fromEntra(
  principal: ServicePrincipal,
  resource: string,
  now: number,
  proof: Record<string, string>,
): Promise<Token> {
  const form = { grant_type: 'client_credentials', client_id: principal.clientId, scope: `${resource}/.default` }
  const body = new URLSearchParams({ ...form, ...proof })
  const answer = await fetchBounded(entra, new Request(tokenEndpoint(principal), { method: 'POST', body }))
  const seconds = Number(answer.json?.expires_in)
  return readToken(entra, answer, now, now + seconds * 1000)
}

async function fromMachine(
  { endpoint, clientId }: { endpoint: string; clientId?: string | undefined },
  version: string,
  headers: Record<string, string>,
  resource: string,
  now: number,
): Promise<Token> {
  const url = new URL(endpoint)
  url.searchParams.set('api-version', version)
  url.searchParams.set('resource', resource)
  if (clientId) url.searchParams.set('client_id', clientId)
  const answer = await fetchBounded('managed identity', new Request(url, { headers }))
  return readToken('managed identity', answer, now, Number(answer.json?.expires_on) * 1000)
}

function readToken(source: string, answer: VaultAnswer, now: number, expiresAt: number): Token {
  const { status, headers, json } = answer
  // 410: the machine's identity is being renewed.
  if (status === 429 || status === 410 || status >= 500) {
    const fault = status === 429 ? 'throttled' : 'unreachable'
    throw new VaultError(fault, `${source} answered ${status}`, retryAfter(headers, now))
  }
  if (status !== 200) throw new VaultError('unauthorized', `${source} answered ${status}: ${reason(answer)}`)
  const value = textMember(json, 'access_token')
  if (!value || !Number.isFinite(expiresAt)) {
    throw new VaultError('nonsense', `${source} answered 200 without an access token`)
  }
  return { value, expiresAt }
}

/** Entra's error code tells the operator what to fix (AADSTS7000222: the secret has expired); the rest of the description is ids. */
function reason({ json }: VaultAnswer): string {
  const error = textMember(json, 'error') ?? 'no OAuth error'
  const code = /AADSTS\d+/.exec(textMember(json, 'error_description') ?? '')?.[0]
  return code ? `${error} (${code})` : printable(error, 100)
}

/** A client assertion (RFC 7523 §2.2) in the form that Entra requires: PS256, with the certificate named by `x5t#S256`. */
async function clientAssertion(
  credential: Extract<AzureCredential, { kind: 'certificate' }>,
  now: number,
): Promise<string> {
  const { certificate, privateKey } = await readKeyFile(credential.certificate, credential.password, 'RSA')
  const seconds = Math.floor(now / 1000)
  const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': (await thumbprints(certificate))['x5t#S256'] }
  const claims = {
    aud: tokenEndpoint(credential),
    iss: credential.clientId,
    sub: credential.clientId,
    jti: crypto.randomUUID(),
    nbf: seconds,
    exp: seconds + 600,
  }
  const input = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.')
  const key = await importSigningKey(privateKey, 'PS256')
  const signature = await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: 32 }, key, utf8(input))
  return `${input}.${base64url(new Uint8Array(signature))}`
}
