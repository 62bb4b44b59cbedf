// Signing in by external providers as people do it: by the one there is, by one of several, by the one that is remembered, and out again.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { secret } from '../flows/cast.ts'
import { basic, claimsOf, pkce } from '../node/server.ts'
import { type OidcProvider, startOidcProvider } from '../upstream/oidc-provider.ts'
import { ada, bob, groups, type Person } from '../upstream/upstream.ts'
import { look } from './look.ts'
import { kindOf, openStage, press, type Stage, signIn } from './stage.ts'

const icon = `data:image/svg+xml;base64,${btoa(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#853"/></svg>',
)}`

/** Both stand for the same upstream; only Contoso's people get a user when they come for the first time. */
const records: Record<string, Record<string, unknown>> = {
  contoso: {
    name: 'Contoso',
    sign_in_icon: icon,
    provisioning_enabled: true,
    user_template: { email: { claim: 'email' }, given_name: { claim: 'given_name' } },
    group_mappings: groups.map((group_id) => ({ group_id, when: { claim: 'groups', value: group_id } })),
  },
  // No user's id is anybody's family name.
  meridian: { name: 'Meridian Health', position: 1, identifying_claim: 'family_name' },
}

let stage: Stage
let issuer: string
let upstream: OidcProvider
beforeAll(async () => {
  stage = await openStage()
  issuer = stage.provider.issuer
  const { operator } = stage.provider
  upstream = await startOidcProvider({
    redirectUris: Object.keys(records).map((id) => `${issuer}/external/callback/${id}`),
    postLogoutUris: [`${issuer}/external/signed-out`],
  })
  for (const group of groups) await operator('PUT', `groups/${group}`, { name: group })
  const profile = (await operator('GET', 'scopes/profile')) as { claims: object[] }
  await operator('PUT', 'scopes/profile', { claims: [...profile.claims, { claim: 'groups' }] })
  const { metadata_endpoint, client_id, client_secret } = upstream
  for (const [id, record] of Object.entries(records)) {
    await operator('PUT', `identity-providers/${id}`, { metadata_endpoint, client_id, client_secret, ...record })
  }
})
beforeEach(() => offer({ local: true, providers: ['contoso', 'meridian'] }))
afterEach(async () => {
  upstream.faults.token = undefined
  expect(await stage.leave()).toEqual([])
})
afterAll(async () => {
  await stage?.close()
  await upstream?.stop()
})

/** What the operator switched on. */
async function offer({ local, providers }: { local: boolean; providers: string[] }): Promise<void> {
  const { operator } = stage.provider
  for (const id of Object.keys(records)) {
    await operator('PUT', `identity-providers/${id}`, { enabled: providers.includes(id) })
  }
  await operator('PATCH', 'settings', { allow_local_accounts: local })
}

const atClient = () => new RegExp(`^${stage.site.redirectUri}`)
const isThere = (page: Page) => page.url().startsWith(`${upstream.issuer}/`)
/** What they say; an initial in place of an icon stands before it. */
async function buttons(page: Page): Promise<string[]> {
  const texts = await page.locator('button').allInnerTexts()
  return texts.map((text) => text.split('\n').at(-1) ?? '')
}

/** On the provider's own page. */
async function signInThere(page: Page, { login, password }: Person = ada): Promise<void> {
  expect(isThere(page)).toBe(true)
  await page.fill('[name=username]', login)
  await page.fill('[name=password]', password)
  await press(page, 'button')
}

/** Through the provider's own page, where a script of its own would ask. */
async function signOutThere(page: Page): Promise<void> {
  expect(isThere(page)).toBe(true)
  await Promise.all([page.waitForURL(`${issuer}/**`), page.evaluate('document.forms[0].submit()')])
}

/** Here, in a browser that goes on being signed in there. */
async function signOutHere(page: Page): Promise<void> {
  await page.goto(`${issuer}/account`)
  await press(page, '#sign-out')
  expect(await kindOf(page)).toBe('signed-out')
}

describe('one provider only', () => {
  it('is gone to without a page in between', async () => {
    await offer({ local: false, providers: ['contoso'] })
    const { page } = await stage.visit()
    const shown: string[] = []
    page.on('framenavigated', (frame) => shown.push(frame.url()))
    await page.goto(stage.request({ state: 'only-one' }))
    await signInThere(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('only-one')
    expect(stage.site.call().parameters.get('code')).not.toBeNull()
    expect(shown.filter((address) => address.startsWith(issuer))).toEqual([])
  })

  it('is gone to once: who cannot come in is told so, and is never sent round in circles', async () => {
    await offer({ local: false, providers: ['meridian'] })
    const { page } = await stage.visit()
    const asked = upstream.requests.token
    await page.goto(stage.request())
    await signInThere(page)
    expect(await kindOf(page)).toBe('external-problem')
    expect(await page.locator('#cause').innerText()).toMatch(/^Meridian Health knows you, but you have no account here/)
    await look(page, 'external-problem-no-account')
    await press(page, '#try-again')
    expect(await kindOf(page)).toBe('login')
    expect(await buttons(page)).toEqual(['Sign in with Meridian Health'])
    expect(await page.locator('#remember-choice').count()).toBe(0)
    await look(page, 'login-one-provider')
    expect(upstream.requests.token).toBe(asked + 1)
    // The provider would let the same person straight back in, so it is asked to let them choose.
    await press(page, '#sign-in-with-meridian')
    await signInThere(page)
    expect(await kindOf(page)).toBe('external-problem')
    expect(upstream.requests.token).toBe(asked + 2)
  })
})

describe('several ways', () => {
  it('are a button each, beside name and password', async () => {
    const { page } = await stage.visit({ javaScriptEnabled: false })
    await page.goto(stage.request({ state: 'by-button' }))
    expect(await buttons(page)).toEqual(['Sign in', 'Sign in with Contoso', 'Sign in with Meridian Health'])
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('by-button')
  })

  it('look well, and the icon is one', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    expect(await page.evaluate('document.querySelector("#sign-in-with-contoso img").naturalWidth')).toBeGreaterThan(0)
    await look(page, 'login-several')
  })

  it('still let people in by password', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'by-password' }))
    await signIn(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('by-password')
  })

  it('need no mouse', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'by-keyboard' }))
    const focused = () => page.locator(':focus').getAttribute('id')
    const passed: (string | null)[] = [await focused()]
    while (passed.at(-1) !== 'sign-in-with-contoso' && passed.length < 10) {
      await page.keyboard.press('Tab')
      passed.push(await focused())
    }
    expect(passed).toEqual(['username', 'password', 'remember', 'remember-choice', 'sign-in', 'sign-in-with-contoso'])
    await Promise.all([page.waitForURL(`${upstream.issuer}/**`), page.keyboard.press('Enter')])
    await signInThere(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('by-keyboard')
  })
})

describe('a remembered choice', () => {
  it('of a provider goes there straight away, until somebody chooses anew', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    await page.check('#remember-choice')
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())

    await signOutHere(page)
    // Straight there, and straight back: the provider's own session lives.
    await page.goto(stage.request({ state: 'remembered' }))
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('remembered')

    await signOutHere(page)
    await press(page, '#sign-in-again')
    expect(await kindOf(page)).toBe('login')
    expect(await buttons(page)).toHaveLength(3)
    await signIn(page)
    expect(await kindOf(page)).toBe('account')
    await press(page, '#sign-out')
    await page.goto(stage.request())
    expect(await buttons(page), 'forgotten').toHaveLength(3)
  })

  it('of name and password leaves a way to the others', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    await page.check('#remember-choice')
    await signIn(page)
    await page.waitForURL(atClient())
    await signOutHere(page)
    await page.goto(stage.request({ state: 'the-other-way' }))
    expect(await buttons(page)).toEqual(['Sign in'])
    await look(page, 'login-remembered-local')
    await press(page, '#other-ways')
    expect(await buttons(page)).toHaveLength(3)
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('the-other-way')
  })
})

describe('local accounts switched off', () => {
  it('leaves the providers, and no field for a password', async () => {
    await offer({ local: false, providers: ['contoso', 'meridian'] })
    const { page } = await stage.visit()
    await page.goto(stage.request())
    expect(await buttons(page)).toEqual(['Sign in with Contoso', 'Sign in with Meridian Health'])
    expect(await page.locator('input[type=password]').count()).toBe(0)
    await look(page, 'login-local-off')
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())
    await page.goto(`${issuer}/account`)
    expect(await buttons(page)).toEqual(['Sign out at Contoso too'])
    await look(page, 'account-local-off')
  })
})

it('somebody new gets a user, whose claims and groups the client reads in its ID token', async () => {
  const { page } = await stage.visit()
  const { code_challenge, code_verifier } = pkce()
  const claims = JSON.stringify({ id_token: { email: null, given_name: null, groups: null } })
  await page.goto(stage.request({ code_challenge, claims, scope: 'openid profile email' }))
  await press(page, '#sign-in-with-contoso')
  await signInThere(page, bob)
  await page.waitForURL(atClient())
  const code = stage.site.call().parameters.get('code') ?? ''
  const { redirectUri: redirect_uri } = stage.site
  const response = await fetch(`${issuer}/connect/token`, {
    method: 'POST',
    headers: basic('web', secret),
    body: new URLSearchParams({ grant_type: 'authorization_code', code, code_verifier, redirect_uri }),
  })
  const { id_token } = (await response.json()) as { id_token: string }
  const { email, given_name } = bob.claims
  expect(claimsOf(id_token)).toMatchObject({ iss: issuer, email, given_name })
  expect([claimsOf(id_token).groups].flat()).toEqual(bob.claims.groups)
})

it('a provider that fails is told of in the language of the person, and the other ways stay open', async () => {
  const { page } = await stage.visit({ locale: 'nl-NL' })
  upstream.faults.token = 'status500'
  await page.goto(stage.request({ state: 'after-all' }))
  await press(page, '#sign-in-with-contoso')
  await signInThere(page)
  expect(await kindOf(page)).toBe('external-problem')
  expect(await page.locator('h1').innerText()).toBe('Inloggen met Contoso is niet gelukt')
  expect(await page.locator('#request-id').innerText()).toMatch(/^[\da-f-]{36}$/)
  await look(page, 'external-problem-outage')
  await press(page, '#try-again')
  await signIn(page)
  await page.waitForURL(atClient())
  expect(stage.site.call().parameters.get('state')).toBe('after-all')
})

describe('signing out', () => {
  async function comeByContoso(): Promise<Page> {
    const { page } = await stage.visit()
    await page.goto(`${issuer}/account`)
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    expect(await kindOf(page)).toBe('account')
    return page
  }

  /** Whoever is still signed in there comes straight back. */
  async function isSignedInThere(page: Page): Promise<boolean> {
    await page.goto(stage.request({ acr_values: 'idp:contoso' }))
    return !isThere(page)
  }

  it('is offered here and there', async () => {
    const page = await comeByContoso()
    expect(await page.locator('.facts').innerText()).toContain('Contoso')
    expect(await buttons(page)).toEqual(['Sign out at Contoso too', 'Sign out only here'])
    await look(page, 'account-external')
    await press(page, '#sign-out-upstream')
    await signOutThere(page)
    expect(page.url()).toMatch(`${issuer}/external/signed-out`)
    expect(await kindOf(page)).toBe('signed-out')
    expect(await isSignedInThere(page)).toBe(false)
  })

  it('only here says that the provider may still know the person, and leads there', async () => {
    const page = await comeByContoso()
    await press(page, '#sign-out')
    expect(await page.locator('h1 + p').innerText()).toBe('You may still be signed in at Contoso.')
    await look(page, 'signed-out-external')
    await press(page, '#sign-out-upstream')
    await signOutThere(page)
    expect(await isSignedInThere(page)).toBe(false)
  })
})
