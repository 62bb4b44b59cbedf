// Fakes an external provider inside the tests' isolate: a spy on fetch responds for its host, and every other host is unreachable.
// It is strict about client authentication, PKCE, redirect_uri and single use of codes. jose signs and verifies for it.
import { exports } from 'cloudflare:workers'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT, UnsecuredJWT } from 'jose'
import { vi } from 'vitest'
import { type AcceptedAlgorithm, acceptedAlgorithms } from '../../src/crypto/accepted-algorithms.ts'
import { base64url, fromUtf8, randomBytes, utf8 } from '../../src/crypto/encoding.ts'
import type { UpstreamAuthMethod } from '../../src/model/external-provider.ts'

export type UpstreamEndpoint = 'metadata' | 'jwks' | 'par' | 'token' | 'userinfo'
type Claims = Record<string, unknown>
type Handler = (request: Request) => Response | Promise<Response>
interface UpstreamKey {
  alg: string
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

export interface UpstreamOptions {
  host?: string
  client_id?: string
  client_secret?: string
  token_endpoint_auth_method?: UpstreamAuthMethod
  /** Signature algorithm of its ID tokens. Generating an RSA key takes up to a second. */
  alg?: AcceptedAlgorithm
  /** Overrides members of its metadata; undefined removes one. */
  metadata?: Claims
  user?: Claims & { sub: string }
  /** Returns our public keys, for private_key_jwt. */
  clientKeys?: () => Promise<{ keys: JWK[] }>
  /** Milliseconds since 1970. */
  now?: () => number
}

export interface FakeUpstream {
  issuer: string
  metadata_endpoint: string
  client_id: string
  client_secret: string
  /** Its metadata document. Tests may change it. */
  metadata: Claims
  /** Claims of the ID token. */
  user: Claims & { sub: string }
  /** Claims of userinfo besides `sub`. */
  userinfo: Claims
  tamper: {
    /** May change the claims and the header in place, or return other claims. */
    idToken?: (claims: Claims, header: Claims) => Claims | undefined
    /** `none`, `HS256` (keyed with the client secret). */
    alg?: string
    key?: CryptoKey
    /** Changes the signed token. */
    jwt?: (jwt: string) => string
  }
  /** Responses in place of an endpoint's own. */
  faults: Partial<Record<UpstreamEndpoint, Handler>>
  requests: Record<UpstreamEndpoint, number>
  /** Parameters of all authorization requests, the oldest first. */
  authorizations: URLSearchParams[]
  tokenRequests: { headers: Headers; form: URLSearchParams }[]
  /** The body for operator('PUT', 'identity-providers/ID', …). */
  record(overrides?: Claims): Claims
  /** The person signs in and consents. Returns the redirect to us, with code and state. */
  approve(authorizationUrl: string | URL): URL
  /** The person or the provider refuses. Returns the redirect to us, with the error. */
  deny(authorizationUrl: string | URL, error?: string, description?: string): URL
  /** Signs with a new key from now on, and removes the old one unless `keepOld`. */
  rotateKey(keepOld?: boolean): Promise<void>
  /** The JWK set as published. */
  keys: UpstreamKey[]
  signIdToken(claims: Claims): Promise<string>
  /** A signed logout token for a POST to our back-channel endpoint. An undefined claim is left out. */
  logoutToken(claims: Claims): Promise<string>
}

const upstreams = new Map<string, { fake: FakeUpstream; state: State }>()

export async function anUpstream(options: UpstreamOptions = {}): Promise<FakeUpstream> {
  const { host = 'idp.test', alg = 'ES256' } = options
  const state: State = {
    method: options.token_endpoint_auth_method ?? 'client_secret_basic',
    now: options.now ?? Date.now,
    clientKeys: options.clientKeys ?? ourPublishedKeys,
    codes: new Map(),
    pushed: new Map(),
    accessTokens: new Set(),
  }
  const issuer = `https://${host}`
  const fake: FakeUpstream = {
    issuer,
    metadata_endpoint: `${issuer}/.well-known/openid-configuration`,
    client_id: options.client_id ?? 'countersign',
    // It has characters that must be encoded (RFC 6749 §2.3.1).
    client_secret: options.client_secret ?? 'a secret: with +/% and ü, long enough',
    metadata: { ...metadataOf(issuer), ...options.metadata },
    user: options.user ?? { sub: 'ada-upstream', name: 'Ada Upstream', email: 'ada@example.test' },
    userinfo: {},
    tamper: {},
    faults: {},
    requests: { metadata: 0, jwks: 0, par: 0, token: 0, userinfo: 0 },
    authorizations: [],
    tokenRequests: [],
    record: (overrides = {}) => ({
      name: host,
      kind: 'openid',
      enabled: true,
      metadata_endpoint: fake.metadata_endpoint,
      client_id: fake.client_id,
      ...(state.method.startsWith('client_secret') ? { client_secret: fake.client_secret } : {}),
      token_endpoint_auth_method: state.method,
      scopes: ['openid', 'profile', 'email'],
      ...overrides,
    }),
    approve: (url) => approve(fake, state, new URL(url)),
    deny: (url, error = 'access_denied', error_description = '') =>
      responseTo(fake, requestOf(fake, state, new URL(url)), { error, error_description }),
    async rotateKey(keepOld = false) {
      const key = await aSigningKey(alg)
      fake.keys = keepOld ? [key, ...fake.keys] : [key]
    },
    keys: [await aSigningKey(alg)],
    signIdToken: (claims) => sign(fake, claims, 'JWT'),
    logoutToken(claims) {
      const now = seconds(state)
      const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
      const all = { iss: issuer, aud: fake.client_id, iat: now, exp: now + 120, jti: random(), events, ...claims }
      return sign(fake, JSON.parse(JSON.stringify(all)) as Claims, 'logout+jwt')
    },
  }
  upstreams.set(host, { fake, state })
  answerForUpstreams()
  return fake
}

/** Installs the spy on fetch. Call it again after vi.restoreAllMocks(). */
export function answerForUpstreams(): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    const { host } = new URL(request.url)
    // Some providers have endpoints on hosts of their own.
    const upstream = upstreams.get(host) ?? [...upstreams.values()].find(({ fake }) => endpointOf(fake, request.url))
    if (!upstream) throw new TypeError(`no host ${host} in the tests`)
    return respond(upstream.fake, upstream.state, request)
  })
}

interface State {
  method: UpstreamAuthMethod
  now: () => number
  clientKeys: () => Promise<{ keys: JWK[] }>
  /** By code: the authorization request that it was issued for. */
  codes: Map<string, URLSearchParams>
  /** By request_uri: the pushed parameters. */
  pushed: Map<string, URLSearchParams>
  accessTokens: Set<string>
}

const random = (): string => base64url(randomBytes(24))
const seconds = ({ now }: State): number => Math.floor(now() / 1000)
const refusal = (error: string, error_description: string, status = 400): Response =>
  Response.json({ error, error_description }, { status })

const metadataOf = (issuer: string): Claims => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  userinfo_endpoint: `${issuer}/userinfo`,
  end_session_endpoint: `${issuer}/logout`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  authorization_response_iss_parameter_supported: true,
  backchannel_logout_supported: true,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  code_challenge_methods_supported: ['S256'],
  id_token_signing_alg_values_supported: [...acceptedAlgorithms],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  scopes_supported: ['openid', 'profile', 'email'],
  claims_supported: ['sub', 'iss', 'name', 'given_name', 'family_name', 'email', 'email_verified', 'groups'],
})

async function ourPublishedKeys(): Promise<{ keys: JWK[] }> {
  const document = await exports.default.fetch('https://id.test/.well-known/openid-configuration')
  const { jwks_uri } = await document.json<{ jwks_uri: string }>()
  return (await exports.default.fetch(jwks_uri)).json()
}

async function aSigningKey(alg: string): Promise<UpstreamKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = random()
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

async function respond(fake: FakeUpstream, state: State, request: Request): Promise<Response> {
  const endpoint = endpointOf(fake, request.url)
  if (!endpoint) return new Response('not found', { status: 404 })
  fake.requests[endpoint] += 1
  const fault = fake.faults[endpoint]
  if (fault) return fault(request)
  switch (endpoint) {
    case 'metadata':
      return Response.json(fake.metadata)
    case 'jwks':
      return Response.json({ keys: fake.keys.map(({ jwk }) => jwk) })
    case 'par':
      return push(fake, state, request)
    case 'token':
      return token(fake, state, request)
    case 'userinfo':
      return userinfo(fake, state, request)
  }
}

function endpointOf(fake: FakeUpstream, url: string): UpstreamEndpoint | undefined {
  const { metadata } = fake
  const endpoints: [UpstreamEndpoint, unknown][] = [
    ['metadata', fake.metadata_endpoint],
    ['jwks', metadata.jwks_uri],
    ['par', metadata.pushed_authorization_request_endpoint],
    ['token', metadata.token_endpoint],
    ['userinfo', metadata.userinfo_endpoint],
  ]
  return endpoints.find(([, address]) => address === url)?.[0]
}

/** The parameters of the request, or of the pushed request that it names (RFC 9126 §4). Throws if a provider would show an error page. */
function requestOf(fake: FakeUpstream, state: State, url: URL): URLSearchParams {
  const { searchParams } = url
  const pushed = state.pushed.get(searchParams.get('request_uri') ?? '')
  if (fake.metadata.require_pushed_authorization_requests && !pushed) throw new Error('the request must be pushed')
  const parameters = pushed ?? searchParams
  if (searchParams.get('client_id') !== fake.client_id) throw new Error(`unknown client: ${url}`)
  if (!parameters.get('redirect_uri')) throw new Error(`no redirect_uri: ${url}`)
  if (parameters.get('response_type') !== 'code') throw new Error(`response_type is not code: ${url}`)
  fake.authorizations.push(parameters)
  return parameters
}

function approve(fake: FakeUpstream, state: State, url: URL): URL {
  const request = requestOf(fake, state, url)
  const code = random()
  state.codes.set(code, request)
  return responseTo(fake, request, { code })
}

/** The authorization response as a redirect. Empty members are omitted. */
function responseTo(fake: FakeUpstream, request: URLSearchParams, members: Record<string, string>): URL {
  const target = new URL(request.get('redirect_uri') ?? '')
  for (const [name, value] of Object.entries(members)) if (value !== '') target.searchParams.set(name, value)
  target.searchParams.set('state', request.get('state') ?? '')
  // RFC 9207 §2.
  if (fake.metadata.authorization_response_iss_parameter_supported) target.searchParams.set('iss', fake.issuer)
  return target
}

const formOf = async (request: Request): Promise<URLSearchParams> =>
  new URLSearchParams(fromUtf8(await request.arrayBuffer()))

async function push(fake: FakeUpstream, state: State, request: Request): Promise<Response> {
  const form = await formOf(request)
  if (!(await isAuthenticated(fake, state, request, form))) return refusal('invalid_client', 'wrong credentials', 401)
  if (form.has('request_uri')) return refusal('invalid_request', 'no request_uri in a pushed request')
  const request_uri = `urn:ietf:params:oauth:request_uri:${random()}`
  state.pushed.set(request_uri, form)
  return Response.json({ request_uri, expires_in: 60 }, { status: 201 })
}

async function token(fake: FakeUpstream, state: State, request: Request): Promise<Response> {
  const form = await formOf(request)
  fake.tokenRequests.push({ headers: request.headers, form })
  if (!(await isAuthenticated(fake, state, request, form))) return refusal('invalid_client', 'wrong credentials', 401)
  const code = form.get('code') ?? ''
  const authorization = state.codes.get(code)
  state.codes.delete(code)
  if (form.get('grant_type') !== 'authorization_code' || !authorization) return refusal('invalid_grant', 'no such code')
  if (form.get('redirect_uri') !== authorization.get('redirect_uri'))
    return refusal('invalid_grant', 'another redirect_uri')
  if ((await challengeOf(form)) !== authorization.get('code_challenge'))
    return refusal('invalid_grant', 'wrong code_verifier')
  const access_token = random()
  state.accessTokens.add(access_token)
  const id_token = await idToken(fake, state, authorization, access_token)
  return Response.json({ access_token, token_type: 'Bearer', expires_in: 300, ...(id_token ? { id_token } : {}) })
}

/** The code challenge of the verifier (RFC 7636 §4.6), or `null` for a request without PKCE. */
async function challengeOf(form: URLSearchParams): Promise<string | null> {
  const verifier = form.get('code_verifier')
  if (verifier === null) return null
  if (!/^[\w.~-]{43,128}$/.test(verifier)) return 'malformed'
  return base64url(await digest('SHA-256', verifier))
}

const digest = async (hash: string, text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest(hash, utf8(text)))

/** Whether the client used exactly the method it is registered for, and no second one. */
async function isAuthenticated(
  fake: FakeUpstream,
  state: State,
  request: Request,
  form: URLSearchParams,
): Promise<boolean> {
  const methods = [
    request.headers.has('authorization') && 'client_secret_basic',
    form.has('client_secret') && 'client_secret_post',
    form.has('client_assertion') && 'private_key_jwt',
  ].filter((method) => method !== false)
  if ((methods.join() || 'none') !== state.method) return false
  if (state.method === 'private_key_jwt') return isOurAssertion(fake, state, form)
  if (state.method === 'client_secret_basic') return isOurHeader(fake, request.headers.get('authorization') ?? '')
  if (form.get('client_id') !== fake.client_id) return false
  return state.method === 'none' || form.get('client_secret') === fake.client_secret
}

function isOurHeader(fake: FakeUpstream, header: string): boolean {
  const [, encoded = ''] = /^Basic (.+)$/.exec(header) ?? []
  const halves = atob(encoded).split(':')
  const [id, secret, ...further] = halves.map((half) => new URLSearchParams(`x=${half}`).get('x'))
  return further.length === 0 && id === fake.client_id && secret === fake.client_secret
}

async function isOurAssertion(fake: FakeUpstream, state: State, form: URLSearchParams): Promise<boolean> {
  if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return false
  const { client_id, issuer } = fake
  const audience = [issuer, String(fake.metadata.token_endpoint)]
  const currentDate = new Date(state.now())
  const expected = { issuer: client_id, subject: client_id, audience, currentDate, requiredClaims: ['jti', 'exp'] }
  const keys = createLocalJWKSet(await state.clientKeys())
  return jwtVerify(form.get('client_assertion') ?? '', keys, expected).then(
    () => true,
    () => false,
  )
}

async function idToken(fake: FakeUpstream, state: State, authorization: URLSearchParams, accessToken: string) {
  // Without the scope `openid` the response has no ID token.
  if (!authorization.get('scope')?.split(' ').includes('openid')) return undefined
  const now = seconds(state)
  const nonce = authorization.get('nonce')
  const claims: Claims = {
    iss: fake.issuer,
    aud: fake.client_id,
    iat: now,
    exp: now + 300,
    auth_time: now,
    ...(nonce === null ? {} : { nonce }),
    at_hash: await halfHash(fake.keys[0]?.alg ?? '', accessToken),
    ...fake.user,
  }
  const jwt = await sign(fake, claims, 'JWT')
  return fake.tamper.jwt?.(jwt) ?? jwt
}

/** at_hash (OIDC Core §3.1.3.6). EdDSA with Ed25519 uses SHA-512. */
async function halfHash(alg: string, text: string): Promise<string> {
  const bits = alg.startsWith('Ed') ? 512 : Number(alg.slice(-3))
  return base64url((await digest(`SHA-${bits}`, text)).subarray(0, bits / 16))
}

async function sign(fake: FakeUpstream, original: Claims, typ: string): Promise<string> {
  const [key] = fake.keys
  if (!key) throw new Error('no key')
  const header: Claims & { alg: string } = { alg: fake.tamper.alg ?? key.alg, kid: key.kid, typ }
  const claims = fake.tamper.idToken?.(original, header) ?? original
  if (header.alg === 'none') return new UnsecuredJWT(claims).encode()
  const secret = header.alg.startsWith('HS') ? utf8(fake.client_secret) : undefined
  return new SignJWT(claims).setProtectedHeader(header).sign(fake.tamper.key ?? secret ?? key.privateKey)
}

function userinfo(fake: FakeUpstream, state: State, request: Request): Response {
  const [, presented = ''] = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  if (!state.accessTokens.has(presented)) return refusal('invalid_token', 'unknown access token', 401)
  return Response.json({ sub: fake.user.sub, ...fake.userinfo })
}
