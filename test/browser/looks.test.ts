// Every page as the provider serves it: no axe violation, no horizontal scrolling, no violated Content-Security-Policy. pages.test.ts checks
// each page in both sizes and colour schemes.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { axeViolations, desktop, phone } from './chromium.ts'
import { passTime } from './interaction-clock.ts'
import { look } from './look.ts'
import { kindOf, openStage, press, type Stage, signIn } from './stage.ts'

let stage: Stage
let issuer: string
beforeAll(async () => {
  stage = await openStage({ vars: { PLAYGROUND: 'on' } })
  issuer = stage.provider.issuer
  await stage.provider.operator('PUT', 'clients/careful', {
    client_uri: 'https://client.test/',
    policy_uri: 'https://client.test/privacy',
    tos_uri: 'https://client.test/terms',
    logo_uri: 'https://client.test/logo.svg',
  })
  await stage.provider.operator('PUT', 'scopes/orders', {
    title: { en: 'Your orders' },
    description: { en: 'What you bought in the last two years.' },
  })
  await stage.provider.operator('PUT', 'clients/careful', {
    scopes: ['openid', 'profile', 'email', 'address', 'phone', 'orders'],
  })
})
afterEach(async () => expect(await stage.leave()).toEqual([]))
afterAll(() => stage?.close())

const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><circle cx="24" cy="24" r="24" fill="#853"/></svg>'

/** A request for many scopes by a client with all its links and a logo. */
const careful = (parameters: Record<string, string> = {}) =>
  stage.request({ client_id: 'careful', scope: 'openid profile email orders offline_access', ...parameters })

interface Scene {
  kind: string
  isSignedIn?: boolean
  /** Leads to the page. */
  reach(page: Page): Promise<unknown>
}

const scenes: Record<string, Scene> = {
  home: { kind: 'home', reach: (page) => page.goto(issuer) },
  login: { kind: 'login', reach: (page) => page.goto(careful()) },
  'login-wrong': {
    kind: 'login',
    async reach(page) {
      await page.goto(stage.request())
      await signIn(page, 'ada', 'not her password')
      await page.getByRole('alert').waitFor()
    },
  },
  'login-locked': {
    kind: 'login',
    async reach(page) {
      await stage.provider.operator('PATCH', 'settings', { guesses_per_name: 3 })
      await page.goto(stage.request())
      for (let guess = 0; guess < 4; guess += 1) await signIn(page, 'nobody', 'a guess')
      expect(await page.getByRole('alert').innerText()).toContain('Too many attempts')
    },
  },
  consent: { kind: 'consent', isSignedIn: true, reach: (page) => page.goto(careful()) },
  'consent-new': {
    kind: 'consent',
    isSignedIn: true,
    async reach(page) {
      await page.goto(careful())
      await press(page, '#allow')
      const claims = JSON.stringify({ userinfo: { address: null, phone_number: null } })
      await page.goto(careful({ scope: 'openid profile email orders offline_access full_api_access', claims }))
      expect(await page.locator('.badge').count()).toBeGreaterThan(0)
    },
  },
  'select-account': {
    kind: 'select-account',
    isSignedIn: true,
    reach: (page) => page.goto(stage.request({ prompt: 'select_account' })),
  },
  'form-post': {
    kind: 'form-post',
    isSignedIn: true,
    async reach(page) {
      // With a 204 response the browser stays on the page of the form.
      stage.site.isSilent = true
      const calls = stage.site.received.length
      await page.goto(stage.request({ response_mode: 'form_post' }), { waitUntil: 'commit' })
      await expect.poll(() => stage.site.received.length).toBe(calls + 1)
      stage.site.isSilent = false
    },
  },
  account: { kind: 'account', isSignedIn: true, reach: (page) => page.goto(`${issuer}/account`) },
  'signed-out': {
    kind: 'signed-out',
    isSignedIn: true,
    async reach(page) {
      await page.goto(`${issuer}/account`)
      await press(page, '#sign-out')
    },
  },
  error: { kind: 'error', reach: (page) => page.goto(stage.request({ redirect_uri: 'https://evil.test/' })) },
  'error-not-found': { kind: 'error', reach: (page) => page.goto(`${issuer}/nowhere`) },
  'error-expired': {
    kind: 'error',
    async reach(page) {
      await page.goto(stage.request())
      await page.goto(await passTime(page.url(), 2 * 3_600_000, stage.provider))
    },
  },
}

describe.each(Object.entries(scenes))('the page %s', (name, scene) => {
  it('passes axe and needs no horizontal scrolling', async () => {
    const { page, context } = await (scene.isSignedIn ? stage.visitAsAda() : stage.visit())
    await context.route('https://client.test/**', (route) =>
      route.fulfill({ contentType: 'image/svg+xml', body: logo }),
    )
    await scene.reach(page)
    expect(await kindOf(page)).toBe(scene.kind)
    await look(page, name)
  })
})

it('the playground passes axe and needs no horizontal scrolling', async () => {
  const { page } = await stage.visit()
  await page.goto(`${issuer}/playground/`)
  await page.waitForSelector('#sign-in:enabled')
  // pages.test.ts has no sample of the playground, so all sizes and colour schemes are checked here.
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [phone, desktop]) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme })
      expect(await axeViolations(page), `${viewport.width}, ${colorScheme}`).toEqual([])
    }
  }
  await look(page, 'playground')
})
