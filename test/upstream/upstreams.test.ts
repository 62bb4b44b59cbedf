// The real providers do what Countersign expects of them. openid-client, a client written by others, drives them.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Listening, listen } from '../node/listen.ts'
import { redirectOf } from '../user-agent.ts'
import { aForeignClient, type ForeignClient } from './foreign-client.ts'
import { keycloakIsMissing, startKeycloak } from './keycloak.ts'
import { startOidcProvider } from './oidc-provider.ts'
import { startSecondCountersign } from './second-countersign.ts'
import { ada, bob, type Upstream } from './upstream.ts'

// Only the target of redirects; nothing listens there.
const redirect_uri = 'http://127.0.0.1:9/external/callback/upstream'
const signedOut = 'http://127.0.0.1:9/external/signed-out'

const { groups: adasGroups, ...adasAttributes } = ada.claims

describe.each([
  ['oidc-provider', startOidcProvider, undefined],
  ['a second Countersign', startSecondCountersign, undefined],
  ['Keycloak', startKeycloak, keycloakIsMissing],
])('%s', (name, start, missing) => {
  if (missing) {
    console.warn(`${name} is left out: ${missing}`)
    return it.skip(`is left out: ${missing}`)
  }

  let client: Listening
  let logoutTokens: string[]
  let upstream: Upstream
  let application: ForeignClient
  beforeAll(async () => {
    logoutTokens = []
    client = await listen(async (request) => {
      logoutTokens.push(new URLSearchParams(await request.text()).get('logout_token') ?? '')
      return new Response()
    })
    const backchannelLogoutUri = `${client.origin}/external/backchannel-logout/upstream`
    upstream = await start({ redirectUris: [redirect_uri], postLogoutUris: [signedOut], backchannelLogoutUri })
    application = await aForeignClient(upstream.issuer, upstream.client_id, upstream.client_secret, redirect_uri)
  }, 120_000)
  afterAll(async () => {
    await upstream?.stop()
    await client.stop()
  })

  it('publishes its metadata (OIDC Discovery §3)', async () => {
    const response = await fetch(upstream.metadata_endpoint)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const metadata = (await response.json()) as Record<string, unknown>
    expect(metadata).toMatchObject({
      issuer: upstream.issuer,
      authorization_endpoint: expect.stringMatching(/^http:/),
      token_endpoint: expect.stringMatching(/^http:/),
      jwks_uri: expect.stringMatching(/^http:/),
      code_challenge_methods_supported: expect.arrayContaining(['S256']),
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256']),
    })
  })

  it('signs a person in with code and PKCE, and gives the claims', async () => {
    const sent = await application.newRequest()
    const callback = await upstream.signIn(upstream.browser(), sent.url, ada)
    expect(callback.href.startsWith(`${redirect_uri}?`)).toBe(true)
    const tokens = await application.getTokens(callback, sent)
    const { sub = '', ...claims } = tokens.claims() ?? {}
    const userinfo = await oidc.fetchUserInfo(application.config, tokens.access_token, sub)
    const { groups, ...attributes } = { ...claims, ...userinfo }
    expect(attributes).toMatchObject(adasAttributes)
    expect([groups].flat().sort()).toEqual(adasGroups)
  })

  it('tells people apart, and refuses a wrong password', async () => {
    const subjects: unknown[] = []
    for (const person of [ada, bob]) {
      const sent = await application.newRequest()
      const tokens = await application.getTokens(await upstream.signIn(upstream.browser(), sent.url, person), sent)
      subjects.push(tokens.claims()?.sub)
    }
    expect(new Set(subjects).size).toBe(2)

    const { url } = await application.newRequest()
    const wrong = { ...ada, password: 'wrong' }
    await expect(upstream.signIn(upstream.browser(), url, wrong)).rejects.toThrow('does not redirect')
  })

  it('keeps a session, and asks for the password again for prompt=login (OIDC Core §3.1.2.1)', async () => {
    const browser = upstream.browser()
    await upstream.signIn(browser, (await application.newRequest()).url, ada)
    const sent = await application.newRequest({ prompt: 'none', max_age: '3600' })
    const tokens = await application.getTokens(redirectOf(await browser.open(sent.url)), sent)
    expect(tokens.claims()?.auth_time).toBeTypeOf('number')

    const renewed = await application.newRequest({ prompt: 'login' })
    expect((await browser.open(renewed.url)).html).toContain('name="password"')
  })

  it('signs out at its end_session_endpoint and posts a logout token (Back-Channel Logout §2.4)', async (context) => {
    const { end_session_endpoint, jwks_uri = '' } = application.config.serverMetadata()
    if (!end_session_endpoint) return context.skip('it has no end_session_endpoint')
    const browser = upstream.browser()
    const sent = await application.newRequest()
    const tokens = await application.getTokens(await upstream.signIn(browser, sent.url, ada), sent)
    const { sub, sid } = tokens.claims() as oidc.IDToken
    const parameters = { id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: signedOut, state: 'mine' }
    const back = await upstream.signOut(browser, oidc.buildEndSessionUrl(application.config, parameters))
    expect(back.href).toBe(`${signedOut}?state=mine`)
    expect((await browser.open((await application.newRequest()).url)).html).toContain('name="password"')

    const [logoutToken = ''] = logoutTokens
    const { payload } = await jwtVerify(logoutToken, createRemoteJWKSet(new URL(jwks_uri)), {
      issuer: upstream.issuer,
      audience: upstream.client_id,
    })
    expect(payload).toMatchObject({ sid, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })
    expect([sub, undefined]).toContain(payload.sub)
  })
})
