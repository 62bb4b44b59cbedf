// What the suite's browser meets: plain pages of ours that work without script, and what arrives at the client's callback.
import { expect } from 'vitest'
import { fillForm, type Page } from '../node/server.ts'

/** `default`: the code flow answers in the query. */
export type ResponseMode = 'default' | 'form_post'

/** As behind a TLS terminator: cookies, issuer and endpoints are those of production. */
export const issuer = 'https://id.suite.test'
export const callback = 'https://suite.test/test/a/countersign/callback'

/** Text a reader sees. */
const visibleText = (html: string): string =>
  html.replaceAll(/<(style|script|title)\b.*?<\/\1>/gs, ' ').replaceAll(/<[^>]*>/g, ' ')

function expectPage(page: Page, path: string): void {
  expect(page.status, visibleText(page.html)).toBe(200)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  expect(new URL(page.url).origin + new URL(page.url).pathname).toBe(issuer + path)
  expect(page.html, 'works without script').not.toMatch(/<script|\son\w+=|javascript:/i)
  expectLeadsToClient(page)
}

/** Chromium applies form-action to the redirects after a form. */
function expectLeadsToClient(page: Page): void {
  const formAction = /form-action ([^;]*)/.exec(page.headers.get('content-security-policy') ?? '')?.[1]
  if (formAction !== undefined) expect(formAction).toContain(new URL(callback).origin)
}

/** The login page by the marks a configuration of the suite's browser names: path, field names, labels, id of the button. */
export function expectLoginPage(page: Page): void {
  expectPage(page, '/account/login')
  expect(fillForm(page.html, { username: '', password: '' }, page.url).method).toBe('POST')
  for (const name of ['username', 'password']) {
    const id = new RegExp(`<input\\b(?=[^>]*\\sname="${name}")[^>]*\\sid="(\\w+)"`).exec(page.html)?.[1]
    expect(page.html, `label of ${name}`).toContain(`<label for="${id}">`)
  }
  expect(page.html).toMatch(/<button type="submit" id="sign-in"/)
}

/** A consent page whose one button the suite's browser can name. */
export function expectConsentPage(page: Page): void {
  expectPage(page, '/account/consent')
  expect(page.html).toMatch(/<button type="submit" id="allow"/)
}

/** An error for a person to read, on our origin: the client hears nothing. */
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

/** What arrives at the callback, and that it comes the way the response mode says. */
export function received(page: Page, mode: ResponseMode, redirectUri: string): URLSearchParams {
  return mode === 'form_post' ? receivedByPost(page, redirectUri) : receivedByQuery(page, redirectUri)
}

function receivedByQuery(page: Page, redirectUri: string): URLSearchParams {
  expect(page.status, visibleText(page.html)).toBe(303)
  const location = page.headers.get('location') ?? ''
  const start = redirectUri + (redirectUri.includes('?') ? '&' : '?')
  expect(location.slice(0, start.length), 'the redirect URI as it was, its query too').toBe(start)
  expect(location).not.toContain('#')
  return new URLSearchParams(location.slice(start.length))
}

/** OAuth 2.0 Form Post Response Mode §2: submits itself, and offers a button where scripts are off. */
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
  expect(form.action, 'nothing added to the query').toBe(redirectUri)
  return form.body
}
