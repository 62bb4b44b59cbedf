// Fakes AWS Secrets Manager for single secrets and their staging labels, with STS at `/sts` and a token endpoint at `/token`. It checks
// request signatures. Tested with the vendor's SDK (test/node/vault-fakes.test.ts).
import { AwsV4Signer } from 'aws4fetch'
import { type Fault, plainFault } from './faults.ts'

interface Version {
  id: string
  text: string | undefined
  binary: string | undefined
  created: number
  labels: Set<string>
}

export interface FakeSecretsManager {
  answer(request: Request): Promise<Response>
  /** Versions by name, the oldest first. A name without versions is a secret that was created without a value. */
  secrets: Map<string, Version[]>
  /** Names of secrets marked for deletion. */
  deleted: Set<string>
  fault: Fault | undefined
  retryAfter: number | undefined
  keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** The operations of all requests: `GetSecretValue`, … */
  requests: string[]
  stsRequests: URLSearchParams[]
  put(name: string, value: { text: string } | { binary: string }, label?: string): string
}

export function fakeSecretsManager(now: () => number = Date.now): FakeSecretsManager {
  const fake: FakeSecretsManager = {
    async answer(request) {
      const response = await answerTo(fake, request, now())
      response.headers.set('date', new Date(now()).toUTCString())
      return response
    },
    secrets: new Map(),
    deleted: new Set(),
    fault: undefined,
    retryAfter: undefined,
    keys: { accessKeyId: 'AKIATEST', secretAccessKey: 'the-secret-access-key' },
    requests: [],
    stsRequests: [],
    put(name, value, label = 'AWSCURRENT') {
      const input = 'text' in value ? { SecretString: value.text } : { SecretBinary: value.binary }
      return addVersion(fake, name, input, [label], now()).id
    },
  }
  return fake
}

type Input = Record<string, unknown> & { SecretId?: string; Name?: string }

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

async function answerTo(fake: FakeSecretsManager, request: Request, now: number): Promise<Response> {
  const { pathname } = new URL(request.url)
  const body = new TextDecoder().decode(await request.arrayBuffer())
  if (pathname === '/sts') return stsAnswer(fake, new URLSearchParams(body), now)
  if (pathname === '/token') return Response.json({ access_token: 'a-web-identity-token', token_type: 'Bearer' })
  const operation = (request.headers.get('x-amz-target') ?? '').replace('secretsmanager.', '')
  fake.requests.push(operation)
  if (fake.fault) return plainFault(fake.fault) ?? vendorFault(fake)
  const fault = await signatureFault(fake, request, body)
  if (fault) return refusal(fault, 'The request signature does not match.')
  return operate(fake, operation, JSON.parse(body) as Input, now)
}

const refusal = (type: string, message: string, status = 400): Response =>
  Response.json({ __type: type, Message: message }, { status, headers: { 'x-amzn-errortype': type } })

function vendorFault({ fault, retryAfter }: FakeSecretsManager): Response {
  if (fault === 'forbidden') return refusal('AccessDeniedException', 'User is not authorized to perform this')
  if (fault === 'throttled') {
    const response = refusal('ThrottlingException', 'Rate exceeded')
    if (retryAfter !== undefined) response.headers.set('retry-after', String(retryAfter))
    return response
  }
  return refusal('InternalServiceError', 'An error occurred on the server side.', 500)
}

/** Checks the signature: signs the same headers again and compares. Returns the error type, or undefined. */
async function signatureFault(
  { keys }: FakeSecretsManager,
  request: Request,
  body: string,
): Promise<string | undefined> {
  const authorization = request.headers.get('authorization') ?? ''
  const [, accessKeyId, region, signedHeaders = ''] =
    /Credential=([^/]+)\/\d+\/([^/]+)\/secretsmanager\/aws4_request, ?SignedHeaders=([^,]+)/.exec(authorization) ?? []
  if (accessKeyId !== keys.accessKeyId) return 'UnrecognizedClientException'
  if ((request.headers.get('x-amz-security-token') ?? undefined) !== keys.sessionToken)
    return 'UnrecognizedClientException'
  const headers = new Headers()
  for (const name of signedHeaders.split(';')) {
    if (name !== 'host' && name !== 'x-amz-date' && name !== 'x-amz-security-token') {
      headers.set(name, request.headers.get(name) ?? '')
    }
  }
  const signer = new AwsV4Signer({
    ...keys,
    method: 'POST',
    url: request.url,
    headers,
    body,
    service: 'secretsmanager',
    region: region ?? '',
    datetime: request.headers.get('x-amz-date') ?? '',
    allHeaders: true,
  })
  const expected = (await signer.sign()).headers.get('authorization') ?? ''
  const signature = (value: string) => /Signature=([0-9a-f]{64})/.exec(value)?.[1]
  return signature(expected) === signature(authorization) ? undefined : 'InvalidSignatureException'
}

function operate(fake: FakeSecretsManager, operation: string, input: Input, now: number): Response {
  const name = (input.SecretId ?? input.Name ?? '').replace(/^arn:.*:secret:(.*)-[A-Za-z0-9]{6}$/, '$1')
  const versions = fake.secrets.get(name)
  if (fake.deleted.has(name)) {
    const message =
      operation === 'CreateSecret'
        ? "You can't create this secret because a secret with this name is already scheduled for deletion."
        : "You can't perform this operation on the secret because it was marked for deletion."
    return refusal('InvalidRequestException', message)
  }
  if (operation === 'CreateSecret') {
    if (versions)
      return refusal('ResourceExistsException', `The operation failed because the secret ${name} already exists.`)
    const made = hasValue(input) ? addVersion(fake, name, input, ['AWSCURRENT'], now) : fake.secrets.set(name, [])
    return Response.json({ ...naming(name), ...('id' in made ? { VersionId: made.id } : {}) })
  }
  if (!versions) return refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  switch (operation) {
    case 'GetSecretValue':
      return valueAnswer(name, versions, input)
    case 'PutSecretValue': {
      const labels = (input.VersionStages as string[] | undefined) ?? ['AWSCURRENT']
      const { id } = addVersion(fake, name, input, labels, now)
      return Response.json({ ...naming(name), VersionId: id, VersionStages: labels })
    }
    case 'UpdateSecretVersionStage':
      return stageAnswer(name, versions, input)
    default:
      return refusal('InvalidAction', operation)
  }
}

const hasValue = (input: Input) => input.SecretString !== undefined || input.SecretBinary !== undefined

const naming = (name: string) => ({
  ARN: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`,
  Name: name,
})

function valueAnswer(name: string, versions: Version[], input: Input): Response {
  const label = text(input.VersionStage) ?? 'AWSCURRENT'
  const version = versions.find(({ id, labels }) => (input.VersionId ? id === input.VersionId : labels.has(label)))
  if (!version) {
    const message = `Secrets Manager can't find the specified secret value for staging label: ${label}`
    return refusal('ResourceNotFoundException', message)
  }
  return Response.json({
    ...naming(name),
    VersionId: version.id,
    ...(version.text === undefined ? { SecretBinary: version.binary } : { SecretString: version.text }),
    VersionStages: [...version.labels],
    CreatedDate: version.created / 1000,
  })
}

function addVersion(
  fake: FakeSecretsManager,
  name: string,
  input: Partial<Input>,
  labels: string[],
  now: number,
): Version {
  const versions = fake.secrets.get(name) ?? []
  fake.secrets.set(name, versions)
  const id = text(input.ClientRequestToken) ?? crypto.randomUUID()
  const known = versions.find((each) => each.id === id)
  if (known) return known
  const version: Version = {
    id,
    text: text(input.SecretString),
    binary: text(input.SecretBinary),
    created: now,
    labels: new Set(),
  }
  versions.push(version)
  for (const label of labels) move(versions, label, version)
  return version
}

/** Moves a label. When AWSCURRENT moves, AWSPREVIOUS moves to its old version. */
function move(versions: Version[], label: string, to: Version): void {
  const from = versions.find(({ labels }) => labels.has(label))
  if (from === to) return
  from?.labels.delete(label)
  to.labels.add(label)
  if (label !== 'AWSCURRENT' || !from) return
  for (const { labels } of versions) labels.delete('AWSPREVIOUS')
  from.labels.add('AWSPREVIOUS')
}

function stageAnswer(name: string, versions: Version[], input: Input): Response {
  const label = text(input.VersionStage) ?? ''
  const holder = versions.find(({ labels }) => labels.has(label))
  const target = versions.find(({ id }) => id === input.MoveToVersionId)
  if (holder && holder !== target && input.RemoveFromVersionId !== holder.id) {
    const message = `The parameter RemoveFromVersionId must be the version that the label is attached to: ${label}`
    return refusal('InvalidParameterException', message)
  }
  if (!target) return refusal('ResourceNotFoundException', "Secrets Manager can't find the specified version.")
  move(versions, label, target)
  return Response.json(naming(name))
}

function stsAnswer(fake: FakeSecretsManager, form: URLSearchParams, now: number): Response {
  fake.stsRequests.push(form)
  const headers = { 'content-type': 'text/xml' }
  if (form.get('Action') !== 'AssumeRoleWithWebIdentity' || !form.get('WebIdentityToken')) {
    const body = '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code></Error></ErrorResponse>'
    return new Response(body, { status: 400, headers })
  }
  fake.keys = { ...fake.keys, sessionToken: 'the-session-token' }
  const { accessKeyId, secretAccessKey, sessionToken } = fake.keys
  const body = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>
    <SessionToken>${sessionToken}</SessionToken><Expiration>${new Date(now + 3_600_000).toISOString()}</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
  return new Response(body, { headers })
}
