// Configuration changes take effect without a restart; in the isolate that made the change, at once.
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Browser, type Provider, startProvider } from '../node/server.ts'
import { openAsAda, password, redirectUri, secret, seedAda, seedClient, seedRobot } from './cast.ts'

let provider: Provider
let ada: Browser
let config: oidc.Configuration

beforeAll(async () => {
  provider = await startProvider()
  await seedAda(provider)
  await seedRobot(provider)
  await seedClient(provider, 'web')
  ada = provider.browser()
  config = await oidc.discovery(new URL(provider.issuer), 'web', secret, undefined, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
  })
})
afterAll(() => provider.stop())

async function authorizationUrl(parameters: Record<string, string> = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...parameters,
  })
  return { url, pkceCodeVerifier }
}

async function getTokens(parameters?: Record<string, string>) {
  const { url, pkceCodeVerifier } = await authorizationUrl(parameters)
  return oidc.authorizationCodeGrant(config, await openAsAda(ada, url), { pkceCodeVerifier })
}

const userinfo = (token: string) => oidc.fetchUserInfo(config, token, oidc.skipSubjectCheck)

describe('a client that is disabled', () => {
  let tokens: oidc.TokenEndpointResponse
  beforeAll(async () => {
    tokens = await getTokens()
    await provider.operator('PUT', 'clients/web', { enabled: false })
  })
  afterAll(() => provider.operator('PUT', 'clients/web', { enabled: true }))

  it('gets no tokens and no reason', async () => {
    const refusal = { error: 'invalid_client', status: 401 }
    await expect(oidc.clientCredentialsGrant(config)).rejects.toMatchObject(refusal)
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject(refusal)
    await expect(oidc.tokenIntrospection(config, tokens.access_token)).rejects.toMatchObject(refusal)
  })

  it('cannot use the tokens it has', async () => {
    await expect(userinfo(tokens.access_token)).rejects.toMatchObject({ status: 401 })
  })

  it('gets an error page instead of a redirect', async () => {
    const page = await ada.open((await authorizationUrl()).url)
    expect(page.status).toBe(400)
    expect(page.headers.has('location')).toBe(false)
  })

  it('can use its tokens again once it is enabled', async () => {
    await provider.operator('PUT', 'clients/web', { enabled: true })
    await userinfo(tokens.access_token)
    await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
  })
})

describe('a user who is disabled', () => {
  let tokens: oidc.TokenEndpointResponse
  beforeAll(async () => {
    tokens = await getTokens()
    await provider.operator('PUT', 'users/ada', { enabled: false })
  })
  afterAll(() => provider.operator('PUT', 'users/ada', { enabled: true }))

  it('has no valid tokens, no session and no way to sign in from the next request on', async () => {
    await expect(userinfo(tokens.access_token)).rejects.toMatchObject({ status: 401 })
    expect(await oidc.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    const page = await ada.open((await authorizationUrl()).url)
    expect(new URL(page.url).pathname).toBe('/account/login')
    const refused = await ada.submit(page, { username: 'ada', password })
    expect(refused.status).toBe(400)
    expect(refused.html).toContain('The username or the password is not correct.')
  })

  it('has lost sessions and grants after being enabled again, and can sign in', async () => {
    await provider.operator('PUT', 'users/ada', { enabled: true })
    await expect(userinfo(tokens.access_token)).rejects.toMatchObject({ status: 401 })
    const page = await ada.open((await authorizationUrl()).url)
    expect(new URL(page.url).pathname).toBe('/account/login')
    await userinfo((await getTokens()).access_token)
  })
})

it('a client gets no tokens while its linked user is disabled', async () => {
  const { access_token } = await oidc.clientCredentialsGrant(config)
  await provider.operator('PUT', 'users/robot', { enabled: false })
  expect(await oidc.tokenIntrospection(config, access_token)).toEqual({ active: false })
  await expect(oidc.clientCredentialsGrant(config)).rejects.toMatchObject({ status: 400 })
  await provider.operator('PUT', 'users/robot', { enabled: true })
  expect(await oidc.tokenIntrospection(config, access_token)).toMatchObject({ active: true })
})

it('an operator can sign a user out everywhere', async () => {
  const tokens = await getTokens()
  await provider.operator('POST', 'users/ada/sign-out')
  await expect(userinfo(tokens.access_token)).rejects.toMatchObject({ status: 401 })
  await expect(getTokens({ prompt: 'none' })).rejects.toMatchObject({ error: 'login_required' })
})

describe('the scopes and claims of a client', () => {
  it('include a scope from when the operator defines it until it is deleted', async () => {
    const before = await getTokens({ scope: 'openid staff' })
    expect(before.scope).toBe('openid')

    await provider.operator('PUT', 'scopes/staff', { claims: [{ claim: 'department', destination: 'userinfo' }] })
    await provider.operator('PUT', 'clients/web', { scopes: ['openid', 'staff'] })
    const tokens = await getTokens({ scope: 'openid staff' })
    expect(tokens.scope).toBe('openid staff')
    expect(await userinfo(tokens.access_token)).toEqual({ sub: 'ada', department: 'Research' })
    const discovered = await oidc.discovery(new URL(provider.issuer), 'web', secret, undefined, {
      execute: [oidc.allowInsecureRequests],
    })
    expect(discovered.serverMetadata().scopes_supported).toContain('staff')
    expect(discovered.serverMetadata().claims_supported).toContain('department')

    await provider.operator('DELETE', 'scopes/staff')
    expect(await userinfo(tokens.access_token)).toEqual({ sub: 'ada' })
    expect((await getTokens({ scope: 'openid staff' })).scope).toBe('openid')
  })

  it('follow the settings offline_access and api_access', async () => {
    const scope = 'openid offline_access full_api_access'
    await provider.operator('PUT', 'clients/web', { offline_access: false, api_access: false })
    const tokens = await getTokens({ scope })
    expect(tokens.scope).toBe('openid')
    expect(tokens.refresh_token).toBeUndefined()
    await provider.operator('PUT', 'clients/web', { offline_access: true, api_access: true })
    expect((await getTokens({ scope })).scope).toBe(scope)
  })

  it('follow changes of the user at once', async () => {
    await provider.operator('PUT', 'clients/web', { scopes: ['openid', 'profile', 'email'] })
    const tokens = await getTokens({ scope: 'openid profile' })
    await provider.operator('PUT', 'users/ada', { name: 'Ada Other' })
    expect(await userinfo(tokens.access_token)).toMatchObject({ name: 'Ada Other' })
    await provider.operator('PUT', 'users/ada', { name: 'Ada Example' })
  })
})

it('accepts a second secret at once, and refuses a deleted one', async () => {
  const added = await provider.operator('POST', 'clients/web/secrets', { label: 'next' })
  const { value, hash_prefix } = added as { value: string; hash_prefix: string }
  const withNew = new oidc.Configuration(config.serverMetadata(), 'web', value)
  oidc.allowInsecureRequests(withNew)
  await oidc.clientCredentialsGrant(withNew)
  await oidc.clientCredentialsGrant(config)
  await provider.operator('DELETE', `clients/web/secrets/${hash_prefix}`)
  await expect(oidc.clientCredentialsGrant(withNew)).rejects.toMatchObject({ error: 'invalid_client' })
  await oidc.clientCredentialsGrant(config)
})

describe('K05 the signing key', () => {
  const issued: string[] = []
  let jwks: ReturnType<typeof createRemoteJWKSet>

  beforeAll(() => {
    // This verifier never refetches the JWKS, so later signatures must verify with keys in its copy.
    jwks = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ''), {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
    })
  })
  beforeEach(async () => {
    issued.push((await oidc.clientCredentialsGrant(config)).access_token)
  })

  const verify = (token: string) => jwtVerify(token, jwks, { issuer: provider.issuer, typ: 'at+jwt' })
  const kidOf = (token = '') => decodeProtectedHeader(token).kid ?? ''

  it('is announced before it signs, while tokens are issued and verified', async () => {
    const working = Array.from({ length: 20 }, () => oidc.clientCredentialsGrant(config))
    const announced = await provider.operator('POST', 'keys/rotate')
    expect(announced).toMatchObject({ outcome: 'announced' })
    for (const { access_token } of await Promise.all(working)) issued.push(access_token)
    issued.push((await oidc.clientCredentialsGrant(config)).access_token)
    // The successor does not sign yet, but is in the published JWKS.
    expect(new Set(issued.map(kidOf)).size).toBe(1)
    for (const token of issued) await verify(token)
    expect(jwks.jwks()?.keys).toHaveLength(2)
  })

  it('is followed by the announced key, whose tokens verify with a JWKS fetched before', async () => {
    const old = kidOf(issued[0])
    await provider.operator('POST', `keys/${old}/retire`)
    const { access_token } = await oidc.clientCredentialsGrant(config)
    expect(kidOf(access_token)).not.toBe(old)
    await verify(access_token)
  })

  it('K12 is rejected once it is taken out of use', async () => {
    const [old = ''] = issued
    expect(await oidc.tokenIntrospection(config, old)).toEqual({ active: false })
    const response = await fetch(config.serverMetadata().jwks_uri ?? '')
    const { keys } = (await response.json()) as { keys: { kid: string }[] }
    expect(keys.map(({ kid }) => kid)).not.toContain(kidOf(old))
    expect(keys.length).toBeGreaterThan(0)
  })
})
