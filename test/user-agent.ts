// A browser as far as a provider sees one: cookies, redirects and plain HTML forms, no script. And what clients compute around it.
import { createHash, randomBytes } from 'node:crypto'

export interface Page {
  /** Where it was read: relative addresses in it are resolved against this. */
  url: string
  status: number
  headers: Headers
  html: string
}

export interface Browser {
  /** As the platform would state it in CF-Connecting-IP: rate limits count each browser for itself. */
  address: string
  cookies: Map<string, string>
  /** One request with the cookies; a redirect is not followed. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects as long as they stay with the issuer. A redirect to a client is returned as a page without HTML: see `redirectOf`. */
  open(url: string | URL, init?: RequestInit): Promise<Page>
  /** Sends the page's form with these fields over what stands in it, as a same-origin POST. A field may be a button: pressed, then. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
}

/** Like fetch, which may also be the Worker's own. */
export type Reach = (url: string, init: RequestInit) => Promise<Response>

let browsers = 0

/** `reach`: how a request reaches the provider; global fetch, or the Worker itself. */
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

/** Where a page sends the browser: out of a `Location`, or of the self-submitting form of response_mode=form_post. */
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
 * The first form of a page that has all of these fields, with what its inputs hold and these values over it; buttons and what is chosen in
 * a select are sent only when given. A button that is given and has an address of its own sends the form there. Throws when there is no
 * such form.
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

/** RFC 7636 §4.1, §4.2: a fresh verifier and its S256 challenge. */
export function pkce(): { code_verifier: string; code_challenge: string } {
  const code_verifier = randomBytes(32).toString('base64url')
  return { code_verifier, code_challenge: createHash('sha256').update(code_verifier).digest('base64url') }
}

/** RFC 6749 §2.3.1: both halves form-encoded first. */
export function basic(clientId: string, secret: string): { authorization: string } {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return { authorization: `Basic ${btoa(`${encode(clientId)}:${encode(secret)}`)}` }
}

/** What `JSON.parse` says of a JWT's payload; nothing is verified. */
export function claimsOf(jwt: string): Record<string, unknown> {
  const payload = atob((jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (each) => each.charCodeAt(0))))
}
