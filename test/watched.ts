// The Worker with its request log on. Every response is checked for what docs/security-cases.md demands of every case: a status below 500,
// security headers, no caching, and no secret in the log.
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import { handle } from '../src/worker/handle.ts'
import { authorizeUrl, issuer, type Parameters, redirectUri } from './provider.ts'
import { aBrowser, type Browser, type Page, redirectOf } from './user-agent.ts'

export const loggingEnv: Env = { ...env, REQUEST_LOG: 'on' }

type Reach = (url: string, init?: RequestInit) => Promise<Response>

/** Lines logged so far. */
export const lines: string[] = []
for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  vi.spyOn(console, method).mockImplementation((...all: unknown[]) => void lines.push(all.map(String).join(' ')))
}

/** Secrets seen in requests and responses, none of which may be logged. */
const secrets = new Set<string>()
const secretFields =
  /^(password|client_secret|client_assertion|code|code_verifier|token|\w+_token|interaction|sealed_request)$/
const shortestSecret = 8

function learn(value: string): void {
  if (value.length >= shortestSecret) secrets.add(value)
}

function learnAll(parameters: URLSearchParams): void {
  parameters.forEach((value, name) => {
    if (secretFields.test(name)) learn(value)
  })
}

function learnFromRequest(url: string, init: RequestInit): void {
  const headers = new Headers(init.headers)
  learn(headers.get('authorization')?.split(' ')[1] ?? '')
  for (const pair of headers.get('cookie')?.split('; ') ?? []) learn(pair.slice(pair.indexOf('=') + 1))
  if (URL.canParse(url)) learnAll(new URL(url).searchParams)
  if (init.body instanceof URLSearchParams) learnAll(init.body)
}

async function learnFromResponse(response: Response): Promise<void> {
  for (const line of response.headers.getSetCookie()) learn(line.slice(line.indexOf('=') + 1, line.indexOf(';')))
  const location = response.headers.get('location')
  if (location && URL.canParse(location, issuer)) learnAll(new URL(location, issuer).searchParams)
  if (!response.headers.get('content-type')?.startsWith('application/json')) return
  const body = JSON.parse((await response.clone().text()) || '{}') as Record<string, unknown>
  for (const [name, value] of Object.entries(body)) {
    if (secretFields.test(name) && typeof value === 'string') learn(value)
  }
}

/** Sends one request. Fails the test if the response or a log line breaks one of the general rules. */
export const reach = watched(loggingEnv)

/** The same as `reach` with other bindings. */
export function watched(bindings: Env): Reach {
  return (url, init) => watch(bindings, url, init)
}

async function watch(bindings: Env, url: string, init: RequestInit = {}): Promise<Response> {
  const before = lines.length
  const execution = createExecutionContext()
  const response = await handle(new Request(url, { redirect: 'manual', ...init }), bindings, execution)
  await waitOnExecutionContext(execution)

  learnFromRequest(url, init)
  await learnFromResponse(response)
  const what = `${init.method ?? 'GET'} ${url.slice(0, 200)}: ${response.status}`
  expect(response.status, what).toBeLessThan(500)
  expectSecurityHeaders(response, what)
  expect(lines.length, what).toBeGreaterThan(before)
  for (const line of lines.slice(before)) for (const secret of secrets) expect(line, what).not.toContain(secret)
  return response
}

export const browser = (): Browser => aBrowser(issuer, reach)

function expectSecurityHeaders({ headers, status }: Response, what: string): void {
  expect(headers.get('x-content-type-options'), what).toBe('nosniff')
  expect(headers.get('strict-transport-security'), what).toMatch(/^max-age=(\d{8,})/)
  expect(headers.get('x-request-id'), what).toMatch(/^[\da-f-]{36}$/)
  if (headers.has('set-cookie') || status >= 300) expect(headers.get('cache-control'), what).toBe('no-store')
  if (!headers.get('content-type')?.startsWith('text/html')) return
  const policy = headers.get('content-security-policy')?.split('; ') ?? []
  expect(policy, what).toEqual(
    expect.arrayContaining(["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]),
  )
  expect(policy.join(), what).not.toMatch(/unsafe|\*/)
  expect(headers.get('x-frame-options'), what).toBe('DENY')
  expect(headers.get('referrer-policy'), what).toBe('same-origin')
  expect(headers.get('cache-control'), what).toBe('no-store')
  expect(headers.has('access-control-allow-origin'), what).toBe(false)
}

/** Expects an error page: no redirect and no cookie. Returns its HTML. */
export async function expectPage(response: Response, status = 400): Promise<string> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.has('location')).toBe(false)
  expect(response.headers.getSetCookie()).toEqual([])
  return response.text()
}

/** Expects an error redirect to the client with state and iss and without a code. Returns its address. */
export function expectBack(page: Page | Response, error: string, state: string | null = 'a-state'): URL {
  expect(page.status).toBe(303)
  const target = new URL(page.headers.get('location') ?? '', issuer)
  expect(target.origin + target.pathname).toBe(redirectUri)
  expect(target.searchParams.get('error')).toBe(error)
  expect(target.searchParams.get('state')).toBe(state)
  expect(target.searchParams.get('iss')).toBe(issuer)
  expect(target.searchParams.has('code')).toBe(false)
  return target
}

/** Expects a redirect to the client with iss and a code. Returns the code. */
export function expectCode(page: Page): string {
  const target = redirectOf(page)
  expect(target.searchParams.get('iss')).toBe(issuer)
  const code = target.searchParams.get('code')
  expect(code, page.html.slice(-600)).toBeTruthy()
  return code ?? ''
}

/** Sends an authorization request without cookies. */
export const authorizeWithoutSession = (parameters: Parameters): Promise<Response> =>
  browser().fetch(authorizeUrl(parameters))

export const isLogin = (page: Page): boolean => page.status === 200 && page.html.includes('name="password"')
