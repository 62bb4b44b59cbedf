// A small OpenID Provider for many sign-ins: it signs in the person named by login_hint at once. Tests can switch its faults on.
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { basic } from '../user-agent.ts'
import { type Switchboard, switchboard } from './faults.ts'
import { clientId } from './upstream.ts'

const paths = {
  metadata: '/.well-known/openid-configuration',
  authorization: '/authorize',
  token: '/token',
  jwks: '/jwks',
}
type Part = keyof typeof paths

export interface SmallProvider extends Pick<Switchboard<Part>, 'faults' | 'requests'> {
  metadata_endpoint: string
  client_id: string
  client_secret: string
  /** If true, each ID token names a random key that was never published. */
  signsUnderRandomKids: boolean
  stop(): Promise<void>
}

export async function startSmallProvider(): Promise<SmallProvider> {
  let handle: RequestListener = (_, response) => response.writeHead(503).end()
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const endpoints = await endpointsOf(issuer, () => provider)
  const { faults, requests, handle: guarded } = switchboard(paths, endpoints)
  handle = guarded
  const provider: SmallProvider = {
    metadata_endpoint: issuer + paths.metadata,
    client_id: clientId,
    client_secret: randomBytes(24).toString('base64url'),
    signsUnderRandomKids: false,
    faults,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return provider
}

async function endpointsOf(issuer: string, provider: () => SmallProvider): Promise<RequestListener> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const key = { ...(await exportJWK(publicKey)), kid: 'small', alg: 'ES256', use: 'sig' }
  /** Code → parameters of its authorization request. */
  const requests = new Map<string, URLSearchParams>()

  function authorize({ searchParams }: URL, response: ServerResponse): void {
    const code = randomBytes(16).toString('base64url')
    requests.set(code, searchParams)
    const callback = new URL(searchParams.get('redirect_uri') ?? '')
    callback.search = new URLSearchParams({ code, state: searchParams.get('state') ?? '' }).toString()
    response.writeHead(303, { location: callback.href }).end()
  }

  async function token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request))
    const authorization = requests.get(form.get('code') ?? '')
    requests.delete(form.get('code') ?? '')
    const { client_id, client_secret } = provider()
    const isClient = request.headers.authorization === basic(client_id, client_secret).authorization
    if (!isClient || !authorization || authorization.get('code_challenge') !== challengeOf(form)) {
      return json(response, { error: isClient ? 'invalid_grant' : 'invalid_client' }, 400)
    }
    json(response, { access_token: 'unused', token_type: 'Bearer', id_token: await idToken(authorization) })
  }

  const idToken = (authorization: URLSearchParams): Promise<string> => {
    const kid = provider().signsUnderRandomKids ? randomBytes(12).toString('base64url') : key.kid
    return new SignJWT({ nonce: authorization.get('nonce') })
      .setProtectedHeader({ alg: key.alg, kid })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setSubject(authorization.get('login_hint') ?? 'somebody')
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(privateKey)
  }

  return (request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === paths.metadata) return json(response, metadataOf(issuer))
    if (url.pathname === paths.jwks) return json(response, { keys: [key] })
    if (url.pathname === paths.authorization) return authorize(url, response)
    if (url.pathname === paths.token) return token(request, response)
    response.writeHead(404).end()
  }
}

const metadataOf = (issuer: string) => ({
  issuer,
  authorization_endpoint: issuer + paths.authorization,
  token_endpoint: issuer + paths.token,
  jwks_uri: issuer + paths.jwks,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  code_challenge_methods_supported: ['S256'],
  id_token_signing_alg_values_supported: ['ES256'],
})

/** RFC 7636 §4.6 */
const challengeOf = (form: URLSearchParams): string =>
  createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
