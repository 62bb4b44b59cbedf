// Signing in with external providers in a browser: with the sole provider, one of several, a remembered one; and signing out.
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

/** Two records for the same upstream. Only contoso creates a user at the first sign-in. */
const records: Record<string, Record<string, unknown>> = {
  contoso: {
    name: 'Contoso',
    sign_in_icon: icon,
    provisioning_enabled: true,
    user_template: { email: { claim: 'email' }, given_name: { claim: 'given_name' } },
    group_mappings: groups.map((group_id) => ({ group_id, when: { claim: 'groups', value: group_id } })),
  },
  // No user id equals a family name, so meridian finds no existing user.
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

/** Switches local accounts on or off, and enables exactly these providers. */
async function offer({ local, providers }: { local: boolean; providers: string[] }): Promise<void> {
  const { operator } = stage.provider
  for (const id of Object.keys(records)) {
    await operator('PUT', `identity-providers/${id}`, { enabled: providers.includes(id) })
  }
  await operator('PATCH', 'settings', { allow_local_accounts: local })
}

const atClient = () => new RegExp(`^${stage.site.redirectUri}`)
const isThere = (page: Page) => page.url().startsWith(`${upstream.issuer}/`)
/** Labels of the buttons, without the initial that replaces a missing icon. */
async function buttons(page: Page): Promise<string[]> {
  const texts = await page.locator('button').allInnerTexts()
  return texts.map((text) => text.split('\n').at(-1) ?? '')
}

/** Signs in on the page of the external provider. */
async function signInThere(page: Page, { login, password }: Person = ada): Promise<void> {
  expect(isThere(page)).toBe(true)
  await page.fill('[name=username]', login)
  await page.fill('[name=password]', password)
  await press(page, 'button')
}

/** Confirms signing out on the page of the external provider. */
async function signOutThere(page: Page): Promise<void> {
  expect(isThere(page)).toBe(true)
  await Promise.all([page.waitForURL(`${issuer}/**`), page.evaluate('document.forms[0].submit()')])
}

/** Signs out at Countersign only; the session at the external provider stays. */
async function signOutHere(page: Page): Promise<void> {
  await page.goto(`${issuer}/account`)
  await press(page, '#sign-out')
  expect(await kindOf(page)).toBe('signed-out')
}

describe('one provider only', () => {
  it('is used without a page in between', async () => {
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

  it('is tried once if it fails, and never loops', async () => {
    await offer({ local: false, providers: ['meridian'] })
    const { page } = await stage.visit()
    const requestsBefore = upstream.requests.token
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
    expect(upstream.requests.token).toBe(requestsBefore + 1)
    // The provider would sign the same person in again at once, so it is asked to let the person choose.
    await press(page, '#sign-in-with-meridian')
    await signInThere(page)
    expect(await kindOf(page)).toBe('external-problem')
    expect(upstream.requests.token).toBe(requestsBefore + 2)
  })
})

describe('several ways to sign in', () => {
  it('have a button each, beside name and password', async () => {
    const { page } = await stage.visit({ javaScriptEnabled: false })
    await page.goto(stage.request({ state: 'by-button' }))
    expect(await buttons(page)).toEqual(['Sign in', 'Sign in with Contoso', 'Sign in with Meridian Health'])
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('by-button')
  })

  it('have a page that passes axe, and show the icon', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    expect(await page.evaluate('document.querySelector("#sign-in-with-contoso img").naturalWidth')).toBeGreaterThan(0)
    await look(page, 'login-several')
  })

  it('include the password', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request({ state: 'by-password' }))
    await signIn(page)
    await page.waitForURL(atClient())
    expect(stage.site.call().parameters.get('state')).toBe('by-password')
  })

  it('work with the keyboard', async () => {
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
  it('of a provider redirects there at once, until the person chooses again', async () => {
    const { page } = await stage.visit()
    await page.goto(stage.request())
    await page.check('#remember-choice')
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    await page.waitForURL(atClient())

    await signOutHere(page)
    // Redirects there and back at once, because the session at the provider is still alive.
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

  it('of name and password keeps a link to the other ways', async () => {
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
  it('shows the providers and no password field', async () => {
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

it('a new person gets a user, whose claims and groups the client reads in its ID token', async () => {
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

it('a failing provider is reported in the language of the person, who can still sign in another way', async () => {
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
  async function signInWithContoso(): Promise<Page> {
    const { page } = await stage.visit()
    await page.goto(`${issuer}/account`)
    await press(page, '#sign-in-with-contoso')
    await signInThere(page)
    expect(await kindOf(page)).toBe('account')
    return page
  }

  /** True if the provider still has a session: then it redirects back without asking. */
  async function isSignedInThere(page: Page): Promise<boolean> {
    await page.goto(stage.request({ acr_values: 'idp:contoso' }))
    return !isThere(page)
  }

  it('is offered at Countersign and at the provider', async () => {
    const page = await signInWithContoso()
    expect(await page.locator('.facts').innerText()).toContain('Contoso')
    expect(await buttons(page)).toEqual(['Sign out at Contoso too', 'Sign out only here'])
    await look(page, 'account-external')
    await press(page, '#sign-out-upstream')
    await signOutThere(page)
    expect(page.url()).toMatch(`${issuer}/external/signed-out`)
    expect(await kindOf(page)).toBe('signed-out')
    expect(await isSignedInThere(page)).toBe(false)
  })

  it('only at Countersign warns that the session at the provider may remain, and offers to end it', async () => {
    const page = await signInWithContoso()
    await press(page, '#sign-out')
    expect(await page.locator('h1 + p').innerText()).toBe('You may still be signed in at Contoso.')
    await look(page, 'signed-out-external')
    await press(page, '#sign-out-upstream')
    await signOutThere(page)
    expect(await isSignedInThere(page)).toBe(false)
  })
})
