// Credentials of AWS: fixed access keys, or a role assumed for an hour with a web identity token (STS AssumeRoleWithWebIdentity).

import { printable } from '../../../model/untrusted-text.ts'
import { type VaultAccess, VaultError } from '../vault.ts'
import { fetchBounded, retryAfter, textMember } from '../vault-fetch.ts'

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

export type AwsCredential =
  | ({ kind: 'keys' } & AwsKeys)
  | { kind: 'role'; roleArn: string; token: WebIdentityToken; stsEndpoint: string }

/** The token itself, or the endpoint that issues it for client credentials (RFC 6749 §4.4): a provider that the role trusts. */
export type WebIdentityToken =
  | string
  | { endpoint: string; clientId: string; clientSecret: string; scope?: string | undefined }

export interface AwsKeySource {
  /** Throws VaultError. */
  keys(): Promise<AwsKeys>
  /** Discards the cached keys, after AWS refused them. */
  forget(): void
}

/** Milliseconds. Keys must outlive the requests that use them. */
const margin = 5 * 60_000

/** Caches the keys of a role until shortly before they expire. */
export function awsKeys(credential: AwsCredential, access: VaultAccess): AwsKeySource {
  if (credential.kind === 'keys') return { keys: async () => credential, forget: () => {} }
  let cached: { keys: AwsKeys; expiresAt: number } | undefined
  return {
    async keys() {
      if (!cached || cached.expiresAt - margin < access.now()) cached = await assumeRole(credential, access.now())
      return cached.keys
    },
    forget() {
      cached = undefined
    },
  }
}

async function assumeRole(credential: Extract<AwsCredential, { kind: 'role' }>, now: number) {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: credential.roleArn,
    RoleSessionName: 'countersign',
    WebIdentityToken: await webIdentityToken(credential.token, now),
    DurationSeconds: '3600',
  })
  const answer = await fetchBounded('AWS STS', new Request(credential.stsEndpoint, { method: 'POST', body }))
  const { status, text, headers } = answer
  if (status >= 500) throw new VaultError('unreachable', `AWS STS answered ${status}`, retryAfter(headers, now))
  if (status !== 200) {
    const code = xmlText(text, 'Code') ?? 'no error code'
    const fault = code === 'Throttling' ? 'throttled' : 'unauthorized'
    throw new VaultError(fault, `AWS STS refused the role: ${status} ${printable(code, 100)}`)
  }
  const [accessKeyId, secretAccessKey] = [xmlText(text, 'AccessKeyId'), xmlText(text, 'SecretAccessKey')]
  const [sessionToken, expiration] = [xmlText(text, 'SessionToken'), Date.parse(xmlText(text, 'Expiration') ?? '')]
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiration)) {
    throw new VaultError('nonsense', 'AWS STS answered 200 without credentials')
  }
  return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresAt: expiration }
}

/** The text of the only element of that name. STS writes no attributes, and the elements that we read need no unescaping. */
const xmlText = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]

async function webIdentityToken(token: WebIdentityToken, now: number): Promise<string> {
  if (typeof token === 'string') return token
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: token.clientId,
    client_secret: token.clientSecret,
    ...(token.scope ? { scope: token.scope } : {}),
  })
  const issuer = 'the provider of the web identity token'
  const answer = await fetchBounded(issuer, new Request(token.endpoint, { method: 'POST', body }))
  if (answer.status >= 500 || answer.status === 429) {
    throw new VaultError('unreachable', `${issuer} answered ${answer.status}`, retryAfter(answer.headers, now))
  }
  const value = textMember(answer.json, 'id_token') ?? textMember(answer.json, 'access_token')
  if (answer.status !== 200 || !value) {
    const error = printable(textMember(answer.json, 'error') ?? 'no OAuth error', 100)
    throw new VaultError('unauthorized', `${issuer} answered ${answer.status}: ${error}`)
  }
  return value
}
