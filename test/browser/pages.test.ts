import type { Browser, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aFrame, nonce, pages } from '../pages/samples.ts'
import { axeViolations, desktop, launchChromium, phone } from './chromium.ts'

// The policy forbids scripts: no page needs one, and form-post would leave the page.
const policy = `default-src 'none'; style-src 'nonce-${nonce}'; img-src 'self' https: data:; base-uri 'none'; frame-ancestors 'none'`

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#853"/></svg>'

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

async function show(name: string) {
  const page = await browser.newPage({ reducedMotion: 'reduce' })
  const violations: string[] = []
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) violations.push(message.text())
  })
  await page.route('https://id.test/**', (route) =>
    route.fulfill({
      contentType: 'text/html; charset=utf-8',
      headers: { 'content-security-policy': policy },
      body: pages[name]?.(aFrame('de')) ?? '',
    }),
  )
  await page.route('https://id.test/external/icon?**', (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: icon }),
  )
  await page.goto(`https://id.test/${name}`)
  return { page, violations }
}

async function look(page: Page, size: { width: number; height: number }, colorScheme: 'light' | 'dark') {
  await page.setViewportSize(size)
  await page.emulateMedia({ colorScheme })
}

// Checks samples of every page with axe in both sizes and colour schemes; looks.test.ts checks the pages as served.
it.each(Object.keys(pages))('%s passes axe, and fits the narrowest screen of WCAG 1.4.10', async (name) => {
  const { page, violations } = await show(name)
  await look(page, phone, 'light')
  expect(await axeViolations(page), 'phone, light').toEqual([])
  await look(page, desktop, 'dark')
  expect(await axeViolations(page), 'desktop, dark').toEqual([])
  await look(page, { width: 320, height: 256 }, 'light')
  expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
  // form-post has the only script.
  expect(violations).toHaveLength(name === 'form-post' ? 1 : 0)
  expect(await page.evaluate('[...document.images].every((image) => image.naturalWidth > 0)')).toBe(true)
  await page.close()
})

/** Path and body of the request that the form sends. */
const sent = (request: Request) => `${new URL(request.url()).pathname} ${request.postData()}`
const nextPost = (page: Page) => page.waitForRequest((request) => request.method() === 'POST')

it('the Enter key signs in without a script', async () => {
  const { page } = await show('login-plain')
  const post = nextPost(page)
  // Keys typed before the field has the focus are lost.
  await page.locator('#username:focus').waitFor()
  await page.keyboard.type('anna')
  await page.keyboard.press('Tab')
  await page.keyboard.type('secret')
  await page.keyboard.press('Enter')
  expect(sent(await post)).toBe('/account/login interaction=sealed&username=anna&password=secret')
  await page.close()
})

it('the Enter key signs in with the password even if there are other ways', async () => {
  const { page } = await show('login-providers')
  const post = nextPost(page)
  // Keys typed before the field has the focus are lost.
  await page.locator('#username:focus').waitFor()
  await page.keyboard.type('anna')
  await page.keyboard.press('Tab')
  await page.keyboard.type('secret')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Space')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  expect(sent(await post)).toBe('/account/login interaction=sealed&username=anna&password=secret&remember_choice=on')
  await page.close()
})

it('a provider can be chosen with the keyboard, without a name or password', async () => {
  const { page } = await show('login-providers')
  const post = nextPost(page)
  await page.locator('#sign-in').focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(sent(await post)).toBe('/external/start interaction=sealed&username=&password=&provider=meridian')
  await page.close()
})

it('the remember_choice box is sent with the chosen provider', async () => {
  const { page } = await show('login-providers-only')
  const post = nextPost(page)
  await page.locator('#remember-choice').focus()
  await page.keyboard.press('Space')
  await page.locator('#sign-in-with-github').focus()
  await page.keyboard.press('Space')
  expect(sent(await post)).toBe('/external/start interaction=sealed&provider=github&remember_choice=on')
  await page.close()
})
