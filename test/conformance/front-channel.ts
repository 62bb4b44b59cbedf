// The front channel as the suite's browser sees it: our pages, which must work without scripts, and the response at the client's callback.
import { expect } from 'vitest'
import { fillForm, type Page } from '../node/server.ts'

/** `default` means the query, which is the default of the code flow. */
export type ResponseMode = 'default' | 'form_post'

/** As behind a TLS terminator, so that cookies, issuer and endpoints are as in production. */
export const issuer = 'https://id.suite.test'
export const callback = 'https://suite.test/test/a/countersign/callback'

/** The text that a reader sees. */
const visibleText = (html: string): string =>
  html.replaceAll(/<(style|script|title)\b.*?<\/\1>/gs, ' ').replaceAll(/<[^>]*>/g, ' ')

function expectPage(page: Page, path: string): void {
  expect(page.status, visibleText(page.html)).toBe(200)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(new URL(page.url).origin + new URL(page.url).pathname).toBe(issuer + path)
  expect(page.html, 'works without script').not.toMatch(/<script|\son\w+=|javascript:/i)
  expectLeadsToClient(page)
}

/** Chromium applies form-action to the redirects after a form, so the policy must allow the client's origin. */
function expectLeadsToClient(page: Page): void {
  const formAction = /form-action ([^;]*)/.exec(page.headers.get('content-security-policy') ?? '')?.[1]
  if (formAction !== undefined) expect(formAction).toContain(new URL(callback).origin)
}

/** Expects the login page, with everything by which a configuration of the suite's browser finds it: path, field names, labels, button id. */
export function expectLoginPage(page: Page): void {
  expectPage(page, '/account/login')
  expect(fillForm(page.html, { username: '', password: '' }, page.url).method).toBe('POST')
  for (const name of ['username', 'password']) {
    const id = new RegExp(`<input\\b(?=[^>]*\\sname="${name}")[^>]*\\sid="(\\w+)"`).exec(page.html)?.[1]
    expect(page.html, `label of ${name}`).toContain(`<label for="${id}">`)
  }
  expect(page.html).toMatch(/<button type="submit" id="sign-in"/)
}

/** Expects a consent page with a button that the suite's browser can find. */
export function expectConsentPage(page: Page): void {
  expectPage(page, '/account/consent')
  expect(page.html).toMatch(/<button type="submit" id="allow"/)
}

/** Expects an error page on our origin, and no response to the client. */
export function expectShown(page: Page, wording: RegExp): void {
  expect(page.status).toBe(400)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(page.headers.get('location')).toBeNull()
  expect(new URL(page.url).origin).toBe(issuer)
  expect(page.html).not.toContain('<form')
  expect(page.html).not.toContain('http-equiv')
  expect(visibleText(page.html)).toMatch(/\berror\b/i)
  expect(visibleText(page.html)).toMatch(wording)
}

/** The parameters that arrive at the callback, after checking that they come as the response mode demands. */
export function received(page: Page, mode: ResponseMode, redirectUri: string): URLSearchParams {
  return mode === 'form_post' ? receivedByPost(page, redirectUri) : receivedByQuery(page, redirectUri)
}

function receivedByQuery(page: Page, redirectUri: string): URLSearchParams {
  expect(page.status, visibleText(page.html)).toBe(303)
  const location = page.headers.get('location') ?? ''
  const start = redirectUri + (redirectUri.includes('?') ? '&' : '?')
  expect(location.slice(0, start.length), 'the redirect URI is unchanged, including its query').toBe(start)
  expect(location).not.toContain('#')
  return new URLSearchParams(location.slice(start.length))
}

/** OAuth 2.0 Form Post Response Mode §2: the form submits itself, and has a button for browsers without scripts. */
function receivedByPost(page: Page, redirectUri: string): URLSearchParams {
  expect(page.status, visibleText(page.html)).toBe(200)
  expect(page.headers.get('location')).toBeNull()
  expect(page.headers.get('cache-control')).toContain('no-store')
  expectLeadsToClient(page)
  expect(page.html.match(/<form\b/g)).toHaveLength(1)
  expect(page.html, 'x-www-form-urlencoded').not.toContain('enctype')
  expect(page.html).toContain('<button type="submit"')
  const nonce = /<script nonce="([^"]+)">document\.forms\[0\]\.submit\(\)<\/script>/.exec(page.html)?.[1]
  expect(page.headers.get('content-security-policy')).toContain(`script-src 'nonce-${nonce}'`)
  const form = fillForm(page.html, {}, page.url)
  expect(form.method).toBe('POST')
  expect(form.action, 'nothing is added to the query').toBe(redirectUri)
  return form.body
}
