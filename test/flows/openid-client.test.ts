// Every grant type and client authentication method, driven by openid-client.
import * as oidc from 'openid-client'
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

const scope = 'openid profile email offline_access full_api_access'

let provider: Provider
let publisher: KeyPublisher
let keys: { rsa: ClientKey; ec: ClientKey }
/** Ada's browser. She signs in once and then has a session. */
let ada: Browser

beforeAll(async () => {
  provider = await startProvider()
  keys = { rsa: await newClientKey('RS256', 'rsa-1'), ec: await newClientKey('ES256', 'ec-1') }
  publisher = await publishKeys([keys.rsa.jwk])
  await seedAda(provider)
  await seedRobot(provider)
  await seedClient(provider, 'basic', { token_endpoint_auth_method: 'client_secret_basic' })
  await seedClient(provider, 'post', { token_endpoint_auth_method: 'client_secret_post' })
  await seedClient(provider, 'registered-key', byKey({ jwks: { keys: [keys.ec.jwk] } }))
  await seedClient(provider, 'published-key', byKey({ jwks_uri: publisher.jwks_uri }))
  await seedClient(provider, 'public', byNothing)
  ada = provider.browser()
})
afterAll(async () => {
  await publisher.close()
  await provider.stop()
})

const discover = (clientId: string, authentication: oidc.ClientAuth) =>
  oidc.discovery(new URL(provider.issuer), clientId, undefined, authentication, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  })

/** Client id → its authentication method. */
const authentications: Record<string, () => oidc.ClientAuth> = {
  basic: () => oidc.ClientSecretBasic(secret),
  post: () => oidc.ClientSecretPost(secret),
  'registered-key': () => oidc.PrivateKeyJwt({ key: keys.ec.privateKey, kid: keys.ec.kid }),
  'published-key': () => oidc.PrivateKeyJwt({ key: keys.rsa.privateKey, kid: keys.rsa.kid }),
  public: () => oidc.None(),
}

interface SentRequest {
  url: URL
  checks: oidc.AuthorizationCodeGrantChecks
}

async function newRequest(config: oidc.Configuration, parameters: Record<string, string> = {}): Promise<SentRequest> {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  }
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...parameters,
  })
  return { url, checks }
}

async function getTokens(config: oidc.Configuration, parameters?: Record<string, string>) {
  const { url, checks } = await newRequest(config, parameters)
  return oidc.authorizationCodeGrant(config, await openAsAda(ada, url), checks)
}

describe.each(Object.entries(authentications))('openid-client as the client %s', (clientId, authentication) => {
  let config: oidc.Configuration
  beforeAll(async () => {
    config = await discover(clientId, authentication())
  })

  it('gets tokens with code and PKCE, reads userinfo, refreshes and revokes', async () => {
    const tokens = await getTokens(config)
    expect(tokens.claims()).toMatchObject({ iss: provider.issuer, aud: clientId, sub: 'ada' })
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope })
    expect(await oidc.fetchUserInfo(config, tokens.access_token, 'ada')).toMatchObject({
      name: 'Ada Example',
      email: 'ada@example.test',
      email_verified: true,
    })

    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(next.claims()).toMatchObject({ sub: 'ada', auth_time: tokens.claims()?.auth_time })
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const less = await oidc.refreshTokenGrant(config, next.refresh_token ?? '', { scope: 'openid' })
    expect(less.scope).toBe('openid')

    await oidc.tokenRevocation(config, less.refresh_token ?? '')
    await expect(oidc.refreshTokenGrant(config, less.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(oidc.fetchUserInfo(config, less.access_token, 'ada')).rejects.toMatchObject({ status: 401 })
  })

  it('gets the response by form_post too', async () => {
    const { url, checks } = await newRequest(config, { response_mode: 'form_post' })
    const call = await callOfClient(ada, url)
    expect(call.method).toBe('POST')
    const tokens = await oidc.authorizationCodeGrant(config, call, checks)
    expect(tokens.claims()?.sub).toBe('ada')
  })
})

describe.each(Object.entries(authentications).filter(([clientId]) => clientId !== 'public'))(
  'openid-client as the confidential client %s',
  (clientId, authentication) => {
    let config: oidc.Configuration
    beforeAll(async () => {
      config = await discover(clientId, authentication())
    })

    it('gets a client_credentials token for its linked user, introspects and revokes it', async () => {
      const tokens = await oidc.clientCredentialsGrant(config, { scope: 'full_api_access' })
      expect(tokens.refresh_token).toBeUndefined()
      expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({
        active: true,
        sub: 'robot',
        client_id: clientId,
        scope: 'full_api_access',
        iss: provider.issuer,
        token_type: 'Bearer',
      })
      await oidc.tokenRevocation(config, tokens.access_token)
      expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    })

    it('introspects the tokens it got for a user', async () => {
      const tokens = await getTokens(config)
      expect(await oidc.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, sub: 'ada' })
      expect(await oidc.tokenIntrospection(config, tokens.refresh_token ?? '')).toMatchObject({ active: true })
      await oidc.tokenRevocation(config, tokens.access_token)
      expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
      expect(await oidc.tokenIntrospection(config, tokens.refresh_token ?? '')).toMatchObject({ active: true })
    })
  },
)

describe('openid-client', () => {
  it('is refused with a wrong secret, another authentication method, or a key that was not published', async () => {
    const unpublishedKey = await newClientKey('RS256', 'rsa-1')
    const wrong: [string, oidc.ClientAuth][] = [
      ['basic', oidc.ClientSecretBasic(`${secret}x`)],
      ['basic', oidc.ClientSecretPost(secret)],
      ['post', oidc.ClientSecretBasic(secret)],
      ['registered-key', oidc.PrivateKeyJwt({ key: keys.rsa.privateKey, kid: keys.ec.kid })],
      ['published-key', oidc.PrivateKeyJwt({ key: unpublishedKey.privateKey, kid: unpublishedKey.kid })],
      ['public', oidc.ClientSecretPost(secret)],
    ]
    for (const [clientId, authentication] of wrong) {
      const config = await discover(clientId, authentication)
      await expect(oidc.clientCredentialsGrant(config), clientId).rejects.toMatchObject(
        // RFC 6749 §5.2: 401 with a challenge if the client used Basic.
        { status: 401 },
      )
    }
  })

  it('the keys of a client are fetched once for many assertions, and each assertion is accepted once', async () => {
    const config = await discover('published-key', authentications['published-key']?.() ?? oidc.None())
    const before = publisher.requests
    for (let number = 0; number < 3; number += 1) await oidc.clientCredentialsGrant(config)
    expect(publisher.requests).toBe(before)

    const assertions: string[] = []
    const replaying = await discover('registered-key', async (as, client, body, headers) => {
      if (assertions.length === 0) {
        await oidc.PrivateKeyJwt({ key: keys.ec.privateKey, kid: keys.ec.kid })(as, client, body, headers)
        assertions.push(body.get('client_assertion') ?? '')
      }
      body.set('client_id', 'registered-key')
      body.set('client_assertion', assertions[0] ?? '')
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    })
    await oidc.clientCredentialsGrant(replaying)
    await expect(oidc.clientCredentialsGrant(replaying)).rejects.toMatchObject({ error: 'invalid_client', status: 401 })
  })

  it('verifies state and iss of an error redirect', async () => {
    const config = await discover('basic', oidc.ClientSecretBasic(secret))
    const { url, checks } = await newRequest(config, { prompt: 'none' })
    const withoutSession = provider.browser()
    const response = await openAsAda(withoutSession, url)
    await expect(oidc.authorizationCodeGrant(config, response, checks)).rejects.toMatchObject({
      error: 'login_required',
    })
    expect(response.searchParams.get('iss')).toBe(provider.issuer)
  })

  it('gets auth_time for max_age', async () => {
    const config = await discover('basic', oidc.ClientSecretBasic(secret))
    const { url, checks } = await newRequest(config, { max_age: '3600', prompt: 'none' })
    const tokens = await oidc.authorizationCodeGrant(config, await openAsAda(ada, url), { ...checks, maxAge: 3600 })
    expect(tokens.claims()?.auth_time).toBeTypeOf('number')
  })
})
