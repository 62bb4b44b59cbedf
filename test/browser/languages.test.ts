// The language of the pages: chosen by the client (ui_locales), the browser (Accept-Language) or the settings.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openStage, press, type Stage, signIn } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => expect(await stage.leave()).toEqual([]))
afterAll(() => stage?.close())

const titles = { en: 'Sign in', nl: 'Inloggen', de: 'Anmelden' }

it.each([
  ['en-GB', 'nothing', 'en'],
  ['nl-BE', 'nothing', 'nl'],
  ['de-CH', 'nothing', 'de'],
  ['fr-FR', 'nothing', 'en'],
  ['en-GB', 'nl', 'nl'],
  ['nl-NL', 'de-AT nl', 'de'],
  ['nl-NL', 'fr xx', 'nl'],
] as const)('a browser in %s with a client that asks for %s gets pages in %s', async (locale, ui_locales, shown) => {
  const { page } = await stage.visit({ locale })
  await page.goto(stage.request(ui_locales === 'nothing' ? {} : { ui_locales }))
  expect(await page.getAttribute('html', 'lang')).toBe(shown)
  expect(await page.locator('h1').innerText()).toBe(titles[shown])
})

it('the language that the client asks for is kept from page to page', async () => {
  const { page } = await stage.visit()
  const language = () => page.getAttribute('html', 'lang')
  await page.goto(stage.request({ client_id: 'careful', ui_locales: 'nl', prompt: 'consent select_account' }))
  await signIn(page, 'ada', 'not her password')
  expect(await page.getByRole('alert').innerText()).toBe('De gebruikersnaam of het wachtwoord klopt niet.')
  expect(await language()).toBe('nl')
  await signIn(page)
  expect(await page.locator('h1').innerText()).toBe('Toegang toestaan?')
  expect(await language()).toBe('nl')
  await page.goto(stage.request({ ui_locales: 'de', prompt: 'select_account' }))
  expect(await page.locator('h1').innerText()).toBe('Mit diesem Konto fortfahren?')
  expect(await language()).toBe('de')
})

it('pages without a client use the language of the browser', async () => {
  const { page } = await stage.visit({ locale: 'de-DE' })
  await page.goto(`${stage.provider.issuer}/account`)
  await signIn(page)
  expect(await page.locator('h1').innerText()).toBe('Sie sind angemeldet')
  await press(page, '#sign-out')
  expect(await page.locator('h1').innerText()).toBe('Sie sind abgemeldet')
  await page.goto(stage.request({ client_id: 'nobody' }))
  expect(await page.locator('h1').innerText()).toBe('Etwas stimmt nicht')
  // The description is English, for the administrator, and marked as such for screen readers.
  expect(await page.getAttribute('#error-description', 'lang')).toBe('en')
})

it('default_locale is used if the browser asks for no known language', async () => {
  await stage.provider.operator('PATCH', 'settings', { default_locale: 'nl' })
  const { page } = await stage.visit({ locale: 'fr-FR' })
  await page.goto(stage.request())
  expect(await page.getAttribute('html', 'lang')).toBe('nl')
})
