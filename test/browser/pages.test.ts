import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aFrame, nonce, pages } from '../pages/samples.ts'
import { axeViolations, desktop, launchChromium, phone } from './chromium.ts'

// Scripts are off: no page needs one, and form-post would leave.
const policy = `default-src 'none'; style-src 'nonce-${nonce}'; img-src https: data:; base-uri 'none'; frame-ancestors 'none'`

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

async function show(name: string, size: { width: number; height: number }, colorScheme: 'light' | 'dark') {
  const page = await browser.newPage({ viewport: size, colorScheme, reducedMotion: 'reduce' })
  const refused: string[] = []
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) refused.push(message.text())
  })
  await page.route('https://id.test/**', (route) =>
    route.fulfill({
      contentType: 'text/html; charset=utf-8',
      headers: { 'content-security-policy': policy },
      body: pages[name]?.(aFrame('de')) ?? '',
    }),
  )
  await page.goto(`https://id.test/${name}`)
  return { page, refused }
}

describe.each(Object.keys(pages))('%s', (name) => {
  it.each([
    ['a phone in the light', phone, 'light'],
    ['a desktop in the dark', desktop, 'dark'],
  ] as const)('axe finds nothing on %s', async (_, size, colorScheme) => {
    const { page, refused } = await show(name, size, colorScheme)
    expect(await axeViolations(page)).toEqual([])
    // The one script there is.
    expect(refused).toHaveLength(name === 'form-post' ? 1 : 0)
    await page.close()
  })

  it('fits the narrowest screen of WCAG 1.4.10', async () => {
    const { page } = await show(name, { width: 320, height: 256 }, 'light')
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
    await page.close()
  })
})

it('Enter signs in without a script', async () => {
  const { page } = await show('login-plain', phone, 'light')
  const sent = page.waitForRequest((request) => request.method() === 'POST')
  await page.keyboard.type('anna')
  await page.keyboard.press('Tab')
  await page.keyboard.type('secret')
  await page.keyboard.press('Enter')
  expect((await sent).postData()).toBe('interaction=sealed&username=anna&password=secret')
  await page.close()
})
