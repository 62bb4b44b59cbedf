// A vault in AWS Secrets Manager (JSON 1.1): one secret, whose staging labels AWSCURRENT, AWSPENDING and AWSPREVIOUS are the places.
// It needs the rights GetSecretValue and CreateSecret, and PutSecretValue and UpdateSecretVersionStage to rotate.

import { AwsV4Signer } from 'aws4fetch'
import { base64 } from '../../crypto/encoding.ts'
import type { KeyMaterial } from '../../crypto/key-material.ts'
import { writePkcs12 } from '../../crypto/pkcs12/write.ts'
import type { KeyFamily } from '../../crypto/signing-algorithms.ts'
import { compact } from '../../model/record.ts'
import { printable } from '../../model/untrusted-text.ts'
import { type AwsCredential, type AwsKeySource, awsKeys } from './credentials/aws.ts'
import { fromBase64, readKeyFile } from './key-file.ts'
import {
  type KeyVersion,
  type Place,
  type Vault,
  type VaultAccess,
  VaultError,
  type VaultVersion,
  vaultAccess,
} from './vault.ts'
import { fetchBounded, retryAfter, textMember, type VaultAnswer } from './vault-fetch.ts'

export interface AwsSecretsManagerOptions {
  region: string
  /** `https://secretsmanager.<region>.amazonaws.com`, or another endpoint of the service. */
  endpoint: string
  /** Names or ARNs. */
  secrets: Partial<Record<KeyFamily, string>>
  credential: AwsCredential
  /** Password of the PFX, both read and written; '' if it has none. */
  password: string
}

interface Client extends AwsSecretsManagerOptions {
  keys: AwsKeySource
  access: VaultAccess
}

interface SecretVersion {
  version: string
  content: string | Uint8Array<ArrayBuffer>
  /** Milliseconds since 1970, by the vault's clock. */
  created: number
  answeredAt: number
}

export function awsSecretsManager(options: AwsSecretsManagerOptions, access: VaultAccess = vaultAccess): Vault {
  const client: Client = { ...options, keys: awsKeys(options.credential, access), access }
  const families = Object.keys(options.secrets) as KeyFamily[]
  const secretOf = (family: KeyFamily): string => {
    const name = options.secrets[family]
    if (name === undefined) throw new VaultError('missing', `no secret name is set for ${family}`)
    return name
  }
  return {
    name: 'aws-secrets-manager',
    families,
    scan: async (family) => scan(client, secretOf(family), family),
    elect: async (family, generate) => elect(client, secretOf(family), family, generate),
    async add(family, generate, isUrgent) {
      if (!isUrgent) await requireWriteInterval(client, secretOf(family))
      await put(client, secretOf(family), await secretValue(client, await generate()), 'next')
      return readWinner(client, secretOf(family), 'next', family)
    },
    promote: async (family, next) => promote(client, secretOf(family), next),
  }
}

const labels = { current: 'AWSCURRENT', next: 'AWSPENDING', previous: 'AWSPREVIOUS' } as const satisfies Record<
  Place,
  string
>

async function scan(client: Client, secret: string, family: KeyFamily): Promise<VaultVersion[]> {
  const current = await readVersion(client, secret, 'current')
  const [next, previous] = [await readVersion(client, secret, 'next'), await readVersion(client, secret, 'previous')]
  const versions = current ? [vaultVersion('current', current, client, family)] : []
  // AWSPENDING may stay on a version that has become the current one.
  if (next && next.version !== current?.version) versions.unshift(vaultVersion('next', next, client, family))
  if (previous) versions.push(vaultVersion('previous', previous, client, family))
  return versions
}

const vaultVersion = (
  place: Place,
  { version, content }: SecretVersion,
  client: Client,
  family: KeyFamily,
): VaultVersion => ({
  version,
  place,
  open: () => readKeyFile(content, client.password, family),
})

const missing = (secret: string) =>
  new VaultError('missing', `AWS Secrets Manager holds no secret ${secret} with a current value`)

/** CreateSecret decides the election: it succeeds for one caller only. In a secret that was created without a value, the last write wins. */
async function elect(
  client: Client,
  secret: string,
  family: KeyFamily,
  generate: () => Promise<KeyMaterial>,
): Promise<KeyVersion> {
  const present = await readVersion(client, secret, 'current')
  if (present) return readWinner(client, secret, 'current', family, present)
  const value = await secretValue(client, await generate())
  const created = await ask(client, 'CreateSecret', { Name: secret, ...value })
  if (created.status !== 200 && errorType(created) !== 'ResourceExistsException') {
    throw vaultErrorOf(created, client, `creating ${secret}`)
  }
  if (!(await readVersion(client, secret, 'current'))) await put(client, secret, value, 'current')
  return readWinner(client, secret, 'current', family)
}

/** Milliseconds. AWS asks for ten minutes between two writes: a secret holds few versions, and labels move slowly (K13). */
const writeInterval = 10 * 60_000

async function requireWriteInterval(client: Client, secret: string): Promise<void> {
  for (const place of ['next', 'current'] as const) {
    const last = await readVersion(client, secret, place)
    const remaining = last ? last.created + writeInterval - last.answeredAt : 0
    if (remaining <= 0) continue
    const seconds = Math.ceil(remaining / 1000)
    const message = `${secret} was written less than ten minutes ago: try again in ${seconds} s`
    throw new VaultError('too_soon', message, seconds)
  }
}

async function promote(client: Client, secret: string, next: VaultVersion): Promise<void> {
  const current = await readVersion(client, secret, 'current')
  if (current?.version === next.version) return
  const answer = await ask(client, 'UpdateSecretVersionStage', {
    SecretId: secret,
    VersionStage: labels.current,
    MoveToVersionId: next.version,
    ...compact({ RemoveFromVersionId: current?.version }),
  })
  if (answer.status !== 200) throw vaultErrorOf(answer, client, `promoting a version of ${secret}`)
}

/**
 * Reads the version that won the election: another instance may still replace one that is younger than the election window, so this waits
 * until the version is older.
 */
async function readWinner(
  client: Client,
  secret: string,
  place: Place,
  family: KeyFamily,
  known?: SecretVersion,
): Promise<KeyVersion> {
  const { electionWindow, wait } = client.access
  let version = known ?? (await readVersion(client, secret, place))
  for (let round = 0; round < 4 && version; round += 1) {
    const remaining = version.created + electionWindow - version.answeredAt
    if (remaining <= 0) break
    await wait(Math.min(remaining, electionWindow))
    version = await readVersion(client, secret, place)
  }
  if (!version) throw missing(secret)
  return { ...(await readKeyFile(version.content, client.password, family)), version: version.version }
}

/** Writes a version. Creates the secret first if it does not exist. */
async function put(client: Client, secret: string, value: Record<string, string>, place: Place): Promise<void> {
  const request = { SecretId: secret, ...value, VersionStages: [labels[place]] }
  let answer = await ask(client, 'PutSecretValue', request)
  if (errorType(answer) === 'ResourceNotFoundException') {
    const created = await ask(client, 'CreateSecret', { Name: secret })
    if (created.status !== 200) throw vaultErrorOf(created, client, `creating ${secret}`)
    answer = await ask(client, 'PutSecretValue', request)
  }
  if (answer.status !== 200) throw vaultErrorOf(answer, client, `writing ${secret}`)
}

/**
 * The token becomes the version's id, so a repeated request makes no second version. Without a password the encryption is the one that
 * every Windows version reads.
 */
async function secretValue({ password }: Client, material: KeyMaterial): Promise<Record<string, string>> {
  const pfx = await writePkcs12(material, password, password ? {} : { encryption: '3des', iterations: 2000 })
  return { ClientRequestToken: crypto.randomUUID(), SecretBinary: base64(pfx) }
}

/** Returns undefined if no version has that label, or the secret does not exist. */
async function readVersion(client: Client, secret: string, place: Place): Promise<SecretVersion | undefined> {
  const answer = await ask(client, 'GetSecretValue', { SecretId: secret, VersionStage: labels[place] })
  if (errorType(answer) === 'ResourceNotFoundException') return undefined
  if (answer.status !== 200) throw vaultErrorOf(answer, client, `reading ${secret}`)
  const [version, created] = [textMember(answer.json, 'VersionId'), Number(answer.json?.CreatedDate)]
  const [text, binary] = [textMember(answer.json, 'SecretString'), textMember(answer.json, 'SecretBinary')]
  const content = text ?? (binary === undefined ? undefined : fromBase64(binary))
  if (!version || content === undefined) {
    throw new VaultError('nonsense', `the answer about ${secret} has no value or no VersionId`)
  }
  return {
    version,
    content,
    created: Number.isFinite(created) ? created * 1000 : 0,
    answeredAt: Date.parse(answer.headers.get('date') ?? '') || client.access.now(),
  }
}

async function ask(client: Client, operation: string, input: object): Promise<VaultAnswer> {
  const { region, endpoint } = client
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `secretsmanager.${operation}` }
  const keys = await client.keys.keys()
  const signer = new AwsV4Signer({
    ...keys,
    ...compact({ sessionToken: keys.sessionToken }),
    method: 'POST',
    url: `${endpoint}/`,
    headers,
    body: JSON.stringify(input),
    service: 'secretsmanager',
    region,
    datetime: new Date(client.access.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  })
  const { url, ...signed } = await signer.sign()
  return fetchBounded('AWS Secrets Manager', new Request(url, signed as RequestInit))
}

/** The error's name; `__type` holds `prefix#Name` or `Name`. */
const errorType = ({ status, json }: VaultAnswer): string | undefined =>
  status >= 400 ? textMember(json, '__type')?.split('#').at(-1) : undefined

const forbidden = ['AccessDeniedException', 'AccessDenied', 'DecryptionFailure']
const unauthorized = [
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'ExpiredTokenException',
  'IncompleteSignature',
]
const throttled = ['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'LimitExceededException']

function vaultErrorOf(answer: VaultAnswer, client: Client, doing: string): VaultError {
  const { status, headers, json } = answer
  const type = errorType(answer) ?? 'no error type'
  const message = `AWS Secrets Manager, ${doing}: ${status} ${printable(type, 100)}`
  const later = retryAfter(headers, client.access.now())
  // AWS reports throttling with status 400.
  if (status === 429 || throttled.includes(type)) return new VaultError('throttled', message, later)
  if (forbidden.includes(type))
    return new VaultError('forbidden', `${message} (policy of the user or role, or of the KMS key)`)
  if (unauthorized.includes(type)) {
    client.keys.forget()
    return new VaultError('unauthorized', message)
  }
  const explanation = textMember(json, 'Message') ?? textMember(json, 'message') ?? ''
  if (type === 'InvalidRequestException' && /delet/i.test(explanation)) {
    return new VaultError(
      'deleted',
      `${message}: the secret is marked for deletion; restore it, or wait until its name is free`,
    )
  }
  if (status >= 500) return new VaultError('unreachable', message, later)
  return new VaultError('nonsense', message)
}
