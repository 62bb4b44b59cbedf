// Every grant type and client authentication method, driven by oauth4webapi, which checks each response strictly. The issuer has a path.
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, type Provider, startProvider } from '../node/server.ts'
import {
  byKey,
  byNothing,
  type ClientKey,
  callOfClient,
  type KeyPublisher,
  newClientKey,
  openAsAda,
  publishKeys,
  redirectUri,
  secret,
  seedAda,
  seedClient,
  seedRobot,
} from './cast.ts'

const path = '/sign-in/of~acme'
const scope = 'openid profile email offline_access full_api_access'
// The issuer of the tests is plain http on a loopback address.
const plain = { [oauth.allowInsecureRequests]: true }

let provider: Provider
let publisher: KeyPublisher
let keys: { rsa: ClientKey; ec: ClientKey }
let as: oauth.AuthorizationServer
/** Ada's browser. She signs in once and then has a session. */
let ada: Browser

beforeAll(async () => {
  provider = await startProvider({ path })
  keys = { rsa: await newClientKey('PS256', 'rsa-1'), ec: await newClientKey('ES256', 'ec-1') }
  publisher = await publishKeys([keys.ec.jwk])
  await seedAda(provider)
  await seedRobot(provider)
  await seedClient(provider, 'basic')
  await seedClient(provider, 'post')
  await seedClient(provider, 'registered-key', byKey({ jwks: { keys: [keys.rsa.jwk] } }))
  await seedClient(provider, 'published-key', byKey({ jwks_uri: publisher.jwks_uri }))
  await seedClient(provider, 'public', byNothing)
  as = await discover('oidc')
  ada = provider.browser()
})
afterAll(async () => {
  await publisher.close()
  await provider.stop()
})

async function discover(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...plain }))
}

/** Client id → its authentication method. */
const authentications: Record<string, () => oauth.ClientAuth> = {
  basic: () => oauth.ClientSecretBasic(secret),
  post: () => oauth.ClientSecretPost(secret),
  'registered-key': () => oauth.PrivateKeyJwt({ key: keys.rsa.privateKey, kid: keys.rsa.kid }),
  'published-key': () => oauth.PrivateKeyJwt({ key: keys.ec.privateKey, kid: keys.ec.kid }),
  public: () => oauth.None(),
}

interface SentRequest {
  url: URL
  verifier: string
  state: string
  nonce: string
}

async function newRequest(client: oauth.Client, parameters: Record<string, string> = {}): Promise<SentRequest> {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  }).toString()
  return { url, verifier, state, nonce }
}

async function redeem(client: oauth.Client, auth: oauth.ClientAuth, sent: SentRequest, call: URL | URLSearchParams) {
  const parameters = oauth.validateAuthResponse(as, client, call, sent.state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    auth,
    parameters,
    redirectUri,
    sent.verifier,
    plain,
  )
  const expected = { expectedNonce: sent.nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, expected)
  await oauth.validateApplicationLevelSignature(as, response, plain)
  return { ...tokens, id_token_claims: oauth.getValidatedIdTokenClaims(tokens) }
}

const refresh = async (client: oauth.Client, auth: oauth.ClientAuth, token = '') =>
  oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token, plain))

const introspect = async (client: oauth.Client, auth: oauth.ClientAuth, token = '') =>
  oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, plain))

const revoke = async (client: oauth.Client, auth: oauth.ClientAuth, token = '') =>
  oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, plain))

const userinfo = async (client: oauth.Client, token: string) =>
  oauth.processUserInfoResponse(as, client, 'ada', await oauth.userInfoRequest(as, client, token, plain))

describe('oauth4webapi', () => {
  it('finds the same metadata through OIDC Discovery §4 and RFC 8414 §3.1', async () => {
    expect(await discover('oauth2')).toEqual(as)
    expect(as.issuer).toBe(provider.issuer)
    expect(new URL(as.issuer).pathname).toBe(path)
  })

  it('validates access tokens as a resource server does (RFC 9068 §4)', async () => {
    await provider.operator('PUT', 'resources/https%3A%2F%2Fapi.test', { name: 'API', scopes: ['full_api_access'] })
    const client = { client_id: 'basic' }
    const auth = oauth.ClientSecretBasic(secret)
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      client,
      auth,
      new URLSearchParams({ scope: 'full_api_access' }),
      plain,
    )
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, response)
    const headers = { authorization: `Bearer ${access_token}` }
    const request = new Request('https://api.test/orders', { headers })
    const claims = await oauth.validateJwtAccessToken(as, request, 'https://api.test', plain)
    expect(claims).toMatchObject({ sub: 'robot', client_id: 'basic', scope: 'full_api_access' })
    await expect(oauth.validateJwtAccessToken(as, request, 'https://other.test', plain)).rejects.toThrow()
    await provider.operator('DELETE', 'resources/https%3A%2F%2Fapi.test')
  })
})

describe.each(Object.entries(authentications))('oauth4webapi as the client %s', (clientId, authentication) => {
  const client = { client_id: clientId }
  let auth: oauth.ClientAuth
  beforeAll(() => {
    auth = authentication()
  })

  it('gets tokens with code and PKCE, reads userinfo, refreshes and revokes', async () => {
    const sent = await newRequest(client)
    const tokens = await redeem(client, auth, sent, await openAsAda(ada, sent.url))
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope })
    expect(tokens.id_token_claims).toMatchObject({ iss: provider.issuer, sub: 'ada', nonce: sent.nonce })
    expect(await userinfo(client, tokens.access_token)).toMatchObject({ name: 'Ada Example' })

    const next = await refresh(client, auth, tokens.refresh_token)
    expect(oauth.getValidatedIdTokenClaims(next)).toMatchObject({ sub: 'ada' })
    await revoke(client, auth, next.refresh_token)
    await expect(refresh(client, auth, next.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    await expect(userinfo(client, next.access_token)).rejects.toMatchObject({
      cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }],
    })
  })

  it('gets the response by form_post too', async () => {
    const sent = await newRequest(client, { response_mode: 'form_post' })
    const call = await callOfClient(ada, sent.url)
    expect(call.method).toBe('POST')
    await redeem(client, auth, sent, new URLSearchParams(await call.text()))
  })

  it('redeems a code once, only with its own verifier; a wrong verifier does not spend the code', async () => {
    const sent = await newRequest(client)
    const call = await openAsAda(ada, sent.url)
    const wrong = { ...sent, verifier: oauth.generateRandomCodeVerifier() }
    await expect(redeem(client, auth, wrong, call)).rejects.toMatchObject({ error: 'invalid_grant' })
    await redeem(client, auth, sent, call)
    await expect(redeem(client, auth, sent, call)).rejects.toMatchObject({ error: 'invalid_grant' })
  })
})

describe.each(Object.entries(authentications).filter(([clientId]) => clientId !== 'public'))(
  'oauth4webapi as the confidential client %s',
  (clientId, authentication) => {
    const client = { client_id: clientId }

    it('gets a token of its own, introspects it and revokes it', async () => {
      const auth = authentication()
      const response = await oauth.clientCredentialsGrantRequest(as, client, auth, new URLSearchParams(), plain)
      const tokens = await oauth.processClientCredentialsResponse(as, client, response)
      expect(await introspect(client, auth, tokens.access_token)).toMatchObject({ active: true, sub: 'robot' })
      await revoke(client, auth, tokens.access_token)
      expect(await introspect(client, auth, tokens.access_token)).toEqual({ active: false })
    })
  },
)
