// The consent page (OIDC Core §3.1.2.4): the person is asked once for each scope and claim, and the consent is remembered.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openStage, press, type Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => expect(await stage.leave()).toEqual([]))
afterAll(() => stage?.close())

const request = (parameters: Record<string, string> = {}) =>
  stage.request({ client_id: 'careful', scope: 'openid profile', ...parameters })
const callOf = () => stage.site.call().parameters
const isAsked = (page: Page) => page.locator('body.page-consent').count()
const granted = (page: Page) => page.locator('.grant-title').allInnerTexts()

// These tests run in order: each depends on the consents given before.
describe('a person', () => {
  it('sees which client asks for which scopes, and can refuse', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(request({ state: 'refused' }))
    expect(await isAsked(page)).toBe(1)
    expect(await page.locator('h1 + p').innerText()).toBe('Careful Books asks for access to your account.')
    expect(await granted(page)).toEqual(['Recognise you', 'Your profile'])
    // The page names the claims and shows no values.
    expect(await page.locator('.claims').innerText()).toContain('nickname')
    expect(await page.locator('.grants').innerText()).not.toMatch(/Ada|example\.test/)

    await press(page, '#deny')
    expect(Object.fromEntries(callOf())).toMatchObject({ error: 'access_denied', state: 'refused' })
    expect(callOf().has('code')).toBe(false)
  })

  it('is asked again after a refusal, and not again after consenting', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(request({ state: 'allowed' }))
    expect(await isAsked(page)).toBe(1)
    await press(page, '#allow')
    expect(callOf().get('state')).toBe('allowed')
    expect(callOf().has('code')).toBe(true)

    await page.goto(request({ state: 'remembered' }))
    expect(callOf().get('state')).toBe('remembered')
    expect(callOf().has('code')).toBe(true)
    await page.goto(request({ prompt: 'none', state: 'silent' }))
    expect(callOf().has('code')).toBe(true)
  })

  it('is asked for a new scope, which is marked as new', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(request({ scope: 'openid profile email', prompt: 'none' }))
    expect(callOf().get('error')).toBe('consent_required')
    await page.goto(request({ scope: 'openid profile email', state: 'more' }))
    expect(await isAsked(page)).toBe(1)
    expect(await page.locator('.grants li', { has: page.locator('.badge') }).allInnerTexts()).toEqual([
      expect.stringContaining('Your e-mail address'),
    ])
    await press(page, '#allow')
    expect(callOf().get('state')).toBe('more')

    await page.goto(request({ scope: 'openid email', state: 'less' }))
    expect(callOf().get('state')).toBe('less')
  })

  it('is asked for single claims of the claims parameter', async () => {
    const claims = JSON.stringify({ userinfo: { address: null } })
    const { page } = await stage.visitAsAda()
    await page.goto(request({ claims }))
    expect(await isAsked(page)).toBe(1)
    expect(await page.locator('.grants').innerText()).toContain('postal address')
    await press(page, '#allow')
    await page.goto(request({ claims, state: 'claims-remembered' }))
    expect(callOf().get('state')).toBe('claims-remembered')
  })

  it('is asked if prompt=consent, even after consenting before', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(request({ prompt: 'consent', state: 'asked' }))
    expect(await isAsked(page)).toBe(1)
    await page.reload()
    expect(await isAsked(page)).toBe(1)
    await press(page, '#allow')
    expect(callOf().get('state')).toBe('asked')
  })

  it('consents to one client only', async () => {
    await stage.provider.operator('PUT', 'clients/web', { require_consent: true })
    const { page } = await stage.visitAsAda()
    await page.goto(stage.request())
    expect(await isAsked(page)).toBe(1)
  })

  it('can consent with the keyboard', async () => {
    const { page } = await stage.visitAsAda()
    await page.goto(request({ prompt: 'consent', state: 'by-keyboard' }))
    for (let presses = 0; presses < 10; presses += 1) {
      await page.keyboard.press('Tab')
      if ((await page.locator(':focus').getAttribute('id')) === 'allow') break
    }
    await page.keyboard.press('Enter')
    await page.waitForURL(/state=by-keyboard/)
    expect(callOf().has('code')).toBe(true)
  })
})
