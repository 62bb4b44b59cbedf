// A browser without scripts: cookies, redirects and plain HTML forms. Also the values that clients compute: PKCE, Basic credentials.
import { createHash, randomBytes } from 'node:crypto'

export interface Page {
  /** Address of the page, against which relative addresses are resolved. */
  url: string
  status: number
  headers: Headers
  html: string
}

export interface Browser {
  /** Sent as CF-Connecting-IP, so that rate limits count each browser separately. */
  address: string
  cookies: Map<string, string>
  /** Sends one request with the cookies, without following redirects. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects within the issuer. A redirect to another address is returned as a page: see `redirectOf`. */
  open(url: string | URL, init?: RequestInit): Promise<Page>
  /** Submits the form of the page that has these fields, filled as by `fillForm`, as a same-origin request. A field may name a button. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
}

/** fetch, or the Worker's own fetch handler. */
export type Reach = (url: string, init: RequestInit) => Promise<Response>

let browsers = 0

/** A new browser with an address of its own. `reach` sends its requests: global fetch or the Worker itself. */
export function aBrowser(issuer: string, reach: Reach = fetch): Browser {
  browsers += 1
  const address = `198.18.${(browsers >> 8) & 255}.${browsers & 255}`
  const cookies = new Map<string, string>()

  async function send(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('cf-connecting-ip', address)
    if (cookies.size > 0) headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await reach(String(url), { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keepCookie(cookies, line)
    return response
  }

  async function open(url: string | URL, init?: RequestInit): Promise<Page> {
    const response = await send(url, init)
    const location = response.headers.get('location')
    const target = location ? new URL(location, url) : undefined
    const isOurs = target?.href.startsWith(`${issuer}/`)
    if (target && isOurs && response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      return open(target)
    }
    return { url: String(url), status: response.status, headers: response.headers, html: await response.text() }
  }

  return {
    address,
    cookies,
    fetch: send,
    open,
    submit(page, fields) {
      const form = fillForm(page.html, fields, page.url)
      const headers = { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' }
      if (form.method === 'GET') return open(`${form.action}?${form.body}`, { headers })
      return open(form.action, { method: 'POST', headers, body: form.body })
    },
  }
}

/** The address a page redirects to, by its Location header or by the self-submitting form of response_mode=form_post. */
export function redirectOf(page: Page): URL {
  const location = page.headers.get('location')
  if (location) return new URL(location)
  const form = fillForm(page.html, {}, page.url)
  return new URL(`${form.action}?${form.body}`)
}

export interface FilledForm {
  action: string
  method: 'GET' | 'POST'
  body: URLSearchParams
}

/**
 * Fills the first form that has all of these fields. Other inputs keep their values; buttons and selects are sent only if they are among the
 * fields. A button with `formaction` changes the address of the form. Throws if there is no such form.
 */
export function fillForm(html: string, fields: Record<string, string>, base = 'http://form.test/'): FilledForm {
  for (const [, attributes = '', content = ''] of html.matchAll(/<form\b((?:[^>"]|"[^"]*")*)>(.*?)<\/form>/gs)) {
    const controls = [...content.matchAll(/<(input|button|select|textarea)\b((?:[^>"]|"[^"]*")*)>/g)]
    const names = controls.map(([, , control = '']) => attribute(control, 'name'))
    if (!Object.keys(fields).every((name) => names.includes(name))) continue

    const body = new URLSearchParams()
    for (const [, element, control = ''] of controls) {
      const [name, type] = [attribute(control, 'name'), attribute(control, 'type')]
      const isChoice = type === 'checkbox' || type === 'radio'
      const isSent = element === 'input' && type !== 'submit' && (!isChoice || /\schecked\b/.test(control))
      if (name && isSent) body.append(name, attribute(control, 'value') ?? (isChoice ? 'on' : ''))
    }
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    const method = attribute(attributes, 'method')?.toUpperCase() === 'POST' ? 'POST' : 'GET'
    const button = controls.find(([, element, control = '']) => {
      const name = attribute(control, 'name')
      return element === 'button' && name !== undefined && Object.hasOwn(fields, name)
    })
    const action = attribute(button?.[2] ?? '', 'formaction') ?? attribute(attributes, 'action') ?? ''
    return { action: new URL(action, base).href, method, body }
  }
  throw new Error(`no form with ${Object.keys(fields).join(', ') || 'any field'} in:\n${html.slice(0, 2000)}`)
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag)
  return value ? unescapeHtml(value[1] ?? value[2] ?? value[3] ?? '') : undefined
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeHtml(text: string): string {
  return text.replaceAll(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex || decimal) return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10))
    return entities[name] ?? whole
  })
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const at = pair.indexOf('=')
  const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
  const isGone = attributes.some((each) => /^\s*max-age=(0|-\d+)\s*$/i.test(each))
  if (isGone || !value) cookies.delete(name)
  else cookies.set(name, value)
}

/** A new code verifier and its S256 challenge (RFC 7636 §4.1, §4.2). */
export function pkce(): { code_verifier: string; code_challenge: string } {
  const code_verifier = randomBytes(32).toString('base64url')
  return { code_verifier, code_challenge: createHash('sha256').update(code_verifier).digest('base64url') }
}

/** Basic credentials, with both parts form-encoded first (RFC 6749 §2.3.1). */
export function basic(clientId: string, secret: string): { authorization: string } {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return { authorization: `Basic ${btoa(`${encode(clientId)}:${encode(secret)}`)}` }
}

/** The payload of a JWT, without verification. */
export function claimsOf(jwt: string): Record<string, unknown> {
  const payload = atob((jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (each) => each.charCodeAt(0))))
}
