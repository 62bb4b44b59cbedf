import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Provider, startProvider } from '../node/server.ts'
import { axeViolations, launchChromium, phone } from './chromium.ts'

const password = 'correct horse battery staple'
const secret = 'a secret + with & characters = that need % encoding'

let provider: Provider
let browser: Browser
const complaints: string[] = []

// The issuer has a path, which shows that the page uses relative addresses.
beforeAll(async () => {
  provider = await startProvider({ path: '/auth', vars: { PLAYGROUND: 'on' } })
  browser = await launchChromium()
  await provider.operator('PUT', 'users/anna', {
    login_name: 'anna',
    name: 'Anna de Vries',
    email: 'anna@meridian.example',
    email_verified: true,
    password,
  })
  await provider.operator('PUT', 'users/robot', { name: 'Robot', service_account: true })
  await provider.operator('PUT', 'clients/playground', {
    client_name: 'Playground',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${provider.issuer}/playground/`],
    scopes: ['openid', 'profile', 'email'],
    api_access: true,
    offline_access: true,
    require_consent: true,
  })
  await provider.operator('PUT', 'clients/machine', {
    client_name: 'Machine',
    grant_types: ['client_credentials'],
    api_access: true,
    linked_user: 'robot',
    secrets: [{ value: secret }],
  })
})
afterAll(async () => {
  await browser?.close()
  await provider?.stop()
})

async function openPlayground(fragment = ''): Promise<Page> {
  const page = await browser.newPage({ viewport: phone })
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) complaints.push(message.text())
  })
  await page.goto(`${provider.issuer}/playground${fragment}`)
  await page.waitForSelector('#sign-in:enabled', { state: 'attached' })
  return page
}

/** The checks that the page reports. A failed check begins with `Fails`. */
const checks = (page: Page, within: string) => page.locator(`${within} .checks li`).allTextContents()

/** Clicks, waits for the next exchange and returns its text. */
async function press(page: Page, button: string, output: string): Promise<string> {
  const before = await page.locator(`${output} .exchange`).count()
  await page.click(button)
  await page.locator(`${output} .exchange`).nth(before).waitFor({ state: 'attached' })
  return page.locator(`${output} .exchange`).first().innerText()
}

it('completes the code flow, and all its checks hold', async () => {
  const page = await openPlayground()
  expect(await axeViolations(page)).toEqual([])

  await page.click('#sign-in')
  await page.fill('#username', 'anna')
  await page.fill('#password', password)
  await page.click('#sign-in')
  await page.click('#allow')
  await page.waitForSelector('#redeem:enabled')
  expect(new URL(page.url()).search).toBe('')

  await press(page, '#redeem', '#tokens')
  await page.locator('#tokens .token').nth(1).waitFor()
  const held = [...(await checks(page, '#response')), ...(await checks(page, '#tokens'))]
  expect(held.length).toBeGreaterThan(8)
  expect(held.filter((check) => !check.startsWith('Holds'))).toEqual([])

  expect(await press(page, '#userinfo', '#used')).toContain('Anna de Vries')
  await press(page, '#refresh', '#used')
  await page.locator('#used .token').first().waitFor()
  expect((await checks(page, '#used')).filter((check) => !check.startsWith('Holds'))).toEqual([])

  await press(page, '#revoke-refresh', '#used')
  expect(await press(page, '#refresh', '#used')).toMatch(/invalid_grant.*npm run why -- \S+/s)
  expect(await axeViolations(page)).toEqual([])
  await page.close()
})

it('remembers across a reload that secret values are hidden', async () => {
  const page = await openPlayground()
  await page.check('#hide-secrets')
  await page.reload()
  expect(await page.isChecked('#hide-secrets')).toBe(true)
  await page.close()
})

it('shows an error of the authorization endpoint', async () => {
  const page = await openPlayground()
  await page.click('summary:has-text("More parameters")')
  await page.selectOption('#prompt', 'none')
  await page.click('#sign-in')
  await page.waitForSelector('#response .problem')
  expect(await page.innerText('#response .problem')).toContain('login_required')
  expect(await page.isDisabled('#redeem')).toBe(true)
  await page.close()
})

it.each([
  ['that it did not request', false],
  ['to another request than its own', true],
])('refuses a response %s', async (_, hasRequested) => {
  const page = await openPlayground()
  if (hasRequested) {
    await page.click('#sign-in')
    await page.waitForSelector('#password')
  }
  const planted = new URLSearchParams({ code: 'planted', state: 'planted', iss: provider.issuer })
  await page.goto(`${provider.issuer}/playground/?${planted}`)
  await page.waitForSelector('#sign-in:enabled')
  expect(await checks(page, '#response')).toContainEqual(expect.stringMatching(/^Fails: state/))
  expect(await page.isDisabled('#redeem')).toBe(true)
  await page.close()
})

it('takes client credentials from the fragment, removes them from the address, and gets tokens with them', async () => {
  const page = await openPlayground(`/#${new URLSearchParams({ client_id: 'machine', client_secret: secret })}`)
  expect(page.url()).toBe(`${provider.issuer}/playground/`)
  for (const method of ['client_secret_basic', 'client_secret_post']) {
    await page.selectOption('#method', method)
    await press(page, '#get-token', '#machine')
    await page.locator('#machine .exchange').first().locator('.token').waitFor()
  }
  expect(await press(page, '#introspect', '#machine')).toContain('"active": true')
  await press(page, '#revoke-machine', '#machine')
  expect(await press(page, '#introspect', '#machine')).toContain('"active": false')
  await page.fill('#client-secret', 'wrong')
  expect(await press(page, '#get-token', '#machine')).toContain('invalid_client')
  expect(await axeViolations(page)).toEqual([])
  await page.close()
})

it('violates no Content-Security-Policy and throws no error', () => {
  expect(complaints).toEqual([])
})
