// Each fault behaves as it is described in faults.ts.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Fault } from './faults.ts'
import { type OidcProvider, startOidcProvider } from './oidc-provider.ts'

let upstream: OidcProvider
beforeAll(async () => {
  upstream = await startOidcProvider({ redirectUris: ['http://127.0.0.1:9/callback'] })
})
afterAll(() => upstream.stop())
afterEach(() => {
  upstream.faults.metadata = undefined
  upstream.faults.token = undefined
})

async function metadataWith(fault: Fault, init: RequestInit = {}): Promise<Response> {
  upstream.faults.metadata = fault
  return fetch(upstream.metadata_endpoint, init)
}

it('hang: sends no response', async () => {
  await expect(metadataWith('hang', { signal: AbortSignal.timeout(200) })).rejects.toThrow('timeout')
})

it('html: responds with a page instead of JSON', async () => {
  const response = await metadataWith('html')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html')
})

it('redirect: redirects to an address that responds correctly', async () => {
  expect((await metadataWith('redirect', { redirect: 'manual' })).status).toBe(307)
  expect(await (await metadataWith('redirect')).json()).toMatchObject({ issuer: upstream.issuer })
})

it('huge: sends the correct response after 64 MiB of white space', async () => {
  const text = await (await metadataWith('huge')).text()
  expect(text.length).toBeGreaterThan(64 * 1024 * 1024)
  expect(JSON.parse(text)).toMatchObject({ issuer: upstream.issuer })
})

it('status500: responds with status 500', async () => {
  expect((await metadataWith('status500')).status).toBe(500)
})

it('a fault affects only the part it is set for, and requests are counted per part', async () => {
  upstream.faults.token = 'status500'
  const before = upstream.requests.jwks
  expect((await fetch(`${upstream.issuer}/jwks`)).status).toBe(200)
  expect((await fetch(`${upstream.issuer}/token`, { method: 'POST' })).status).toBe(500)
  expect(upstream.requests.jwks).toBe(before + 1)
})
