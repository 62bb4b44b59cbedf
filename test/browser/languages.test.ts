// Three languages, by what the client asks for (ui_locales) and what the browser asks for (Accept-Language).
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
] as const)('a browser in %s with a client that asks for %s is answered in %s', async (locale, ui_locales, shown) => {
  const { page } = await stage.visit({ locale })
  await page.goto(stage.request(ui_locales === 'nothing' ? {} : { ui_locales }))
  expect(await page.getAttribute('html', 'lang')).toBe(shown)
  expect(await page.locator('h1').innerText()).toBe(titles[shown])
})

it('stays the language that the client asked for, from page to page', async () => {
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

it('is the one of the browser where no client is involved', async () => {
  const { page } = await stage.visit({ locale: 'de-DE' })
  await page.goto(`${stage.provider.issuer}/account`)
  await signIn(page)
  expect(await page.locator('h1').innerText()).toBe('Sie sind angemeldet')
  await press(page, '#sign-out')
  expect(await page.locator('h1').innerText()).toBe('Sie sind abgemeldet')
  await page.goto(stage.request({ client_id: 'nobody' }))
  expect(await page.locator('h1').innerText()).toBe('Etwas stimmt nicht')
  // What happened is for the administrator, in English, and says so to a screen reader.
  expect(await page.getAttribute('#error-description', 'lang')).toBe('en')
})

it('is another one where the operator sets it', async () => {
  await stage.provider.operator('PATCH', 'settings', { default_locale: 'nl' })
  const { page } = await stage.visit({ locale: 'fr-FR' })
  await page.goto(stage.request())
  expect(await page.getAttribute('html', 'lang')).toBe('nl')
})
