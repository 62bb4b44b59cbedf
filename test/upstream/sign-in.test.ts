// People sign in to an application through Countersign, and to Countersign with a real external provider.
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Provider, redirectOf, startProvider } from '../node/server.ts'
import type { ForeignClient } from './foreign-client.ts'
import { registrationAt, saveUpstream, seedApplication, type Visitor, visit } from './journey.ts'
import { keycloakIsMissing, startKeycloak } from './keycloak.ts'
import { startOidcProvider } from './oidc-provider.ts'
import { startSecondCountersign } from './second-countersign.ts'
import { ada, bob, type Person, type Upstream } from './upstream.ts'

describe.each([
  ['oidc-provider', startOidcProvider, undefined],
  ['a second Countersign', startSecondCountersign, undefined],
  ['Keycloak', startKeycloak, keycloakIsMissing],
])('with %s', (name, start, missing) => {
  if (missing) {
    console.warn(`${name} is left out: ${missing}`)
    return it.skip(`is left out: ${missing}`)
  }

  let provider: Provider
  let upstream: Upstream
  let application: ForeignClient
  beforeAll(async () => {
    provider = await startProvider()
    upstream = await start(registrationAt(provider))
    application = await seedApplication(provider)
    await saveUpstream(provider, upstream)
  }, 120_000)
  afterAll(async () => {
    await upstream?.stop()
    await provider?.stop()
  })

  const aVisitor = (person: Person, there = upstream.browser()): Visitor => ({
    person,
    here: provider.browser(),
    there,
  })

  async function signIn(visitor: Visitor, parameters: Record<string, string> = {}) {
    const sent = await application.newRequest(parameters)
    return application.getTokens(redirectOf(await visit(upstream, visitor, sent.url)), sent)
  }

  it('creates a user with the claims and groups of a new person', async () => {
    const tokens = await signIn(aVisitor(ada))
    const { sub, ...claims } = tokens.claims() as oidc.IDToken
    expect(claims).toMatchObject({ iss: provider.issuer, aud: 'web' })
    const userinfo = await oidc.fetchUserInfo(application.config, tokens.access_token, sub)
    const { email, given_name, family_name } = ada.claims
    expect(userinfo).toMatchObject({ email, given_name, family_name })
    expect([userinfo.groups].flat().sort()).toEqual(ada.claims.groups)
  })

  it('recognises a person who returns, and tells people apart', async () => {
    const subjects: unknown[] = []
    for (const person of [ada, bob, ada]) subjects.push((await signIn(aVisitor(person))).claims()?.sub)
    expect(subjects[2]).toBe(subjects[0])
    expect(subjects[1]).not.toBe(subjects[0])
  })

  it('redirects at once if the application names the provider, and passes prompt=login on', async () => {
    const visitor = aVisitor(ada)
    await signIn(visitor)
    const sent = await application.newRequest({ prompt: 'login', acr_values: 'idp:upstream' })
    const there = redirectOf(await visitor.here.open(sent.url))
    expect(there.searchParams.get('prompt')).toBe('login')
    expect((await visitor.there.open(there)).html).toContain('name="password"')
  })

  it('tells the application when the person signed in there if it sends max_age (OIDC Core §3.1.2.1)', async () => {
    const tokens = await signIn(aVisitor(ada), { max_age: '600' })
    expect(tokens.claims()?.auth_time).toBeTypeOf('number')
  })

  it('signs out there too, which ends other sessions from the same upstream session (Back-Channel Logout)', async (context) => {
    const metadata = (await (await fetch(upstream.metadata_endpoint)).json()) as Record<string, unknown>
    if (!metadata.end_session_endpoint) return context.skip('it has no end_session_endpoint')
    const one = aVisitor(ada)
    const other = aVisitor(ada, one.there)
    const separate = aVisitor(ada)
    for (const visitor of [one, other, separate]) await signIn(visitor)

    const page = await one.here.open(`${provider.issuer}/account`)
    const away = redirectOf(await one.here.submit(page, { upstream: 'yes' }))
    expect(away.href.startsWith(String(metadata.end_session_endpoint))).toBe(true)
    const back = await one.here.open(await upstream.signOut(one.there, away))
    expect(back).toMatchObject({ url: `${provider.issuer}/external/signed-out`, status: 200 })

    for (const visitor of [one, other]) expect(await isSignedIn(visitor)).toBe(false)
    expect(await isSignedIn(separate)).toBe(true)
    const there = (await application.newRequest({ acr_values: 'idp:upstream' })).url
    const asked = await one.there.open(redirectOf(await one.here.open(there)))
    expect(asked.html).toContain('name="password"')
  })

  async function isSignedIn({ here }: Visitor): Promise<boolean> {
    const { url } = await application.newRequest({ prompt: 'none' })
    return redirectOf(await here.open(url)).searchParams.has('code')
  }
})
