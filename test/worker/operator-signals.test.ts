// What the log and /health tell an operator: a signing key that WRAP_KEY no longer opens, a scope that was left out.
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { aColdIsolate } from '../counting.ts'
import { authorizeUrl, basic, issuer, secret, setUp } from '../provider.ts'

beforeAll(setUp)
afterEach(() => {
  vi.restoreAllMocks()
})

it('gives 503, and the log line names the key and what to change', async () => {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  const isolate = aColdIsolate({ WRAP_KEY: env.SEAL_KEY, REQUEST_LOG: 'on' })
  const response = await isolate.fetch(`${issuer}/connect/token`, {
    method: 'POST',
    headers: basic('m2m', secret),
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  expect(response.status).toBe(503)
  expect(await response.text()).not.toContain('WRAP_KEY')
  const line = JSON.parse(lines.at(-1) ?? '{}')
  expect(line).toMatchObject({ level: 'error', request_id: response.headers.get('x-request-id') })
  expect(line.fault).toMatch(/^signing_key: .*WRAP_KEY/)
})

it('degrades /health, which names no key’s secret and signs once for each state of the configuration', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const isolate = aColdIsolate({ WRAP_KEY: env.SEAL_KEY })
  const health = await (await isolate.fetch(`${issuer}/health`)).json<Record<string, unknown>>()
  expect(health).toMatchObject({ status: 'degraded', signing: 'failing: see the log' })
  const well = await (await aColdIsolate().fetch(`${issuer}/health`)).json<Record<string, unknown>>()
  expect(well).toMatchObject({ status: 'ok', signing: 'ok' })
})

it('a scope that is left out of an authorization request is named in the log line', async () => {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  const isolate = aColdIsolate({ REQUEST_LOG: 'on' })
  await isolate.fetch(authorizeUrl({ scope: 'openid profil' }))
  expect(JSON.parse(lines.at(-1) ?? '{}')).toMatchObject({ scope_left_out: 'profil', client: 'web', outcome: 'ok' })
})
