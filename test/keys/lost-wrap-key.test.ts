// A signing key that WRAP_KEY no longer opens.
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { aColdIsolate } from '../counting.ts'
import { basic, issuer, secret, setUp } from '../provider.ts'

beforeAll(setUp)
afterEach(() => {
  vi.restoreAllMocks()
})

it('is 503 for the caller, and the line in the log names the key and what to change', async () => {
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
