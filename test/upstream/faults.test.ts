// Each fault is one to whoever asks.
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

it('hangs', async () => {
  await expect(metadataWith('hang', { signal: AbortSignal.timeout(200) })).rejects.toThrow('timeout')
})

it('answers a page instead of JSON', async () => {
  const response = await metadataWith('html')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html')
})

it('redirects to an address that answers well', async () => {
  expect((await metadataWith('redirect', { redirect: 'manual' })).status).toBe(307)
  expect(await (await metadataWith('redirect')).json()).toMatchObject({ issuer: upstream.issuer })
})

it('answers well after 64 MiB', async () => {
  const text = await (await metadataWith('huge')).text()
  expect(text.length).toBeGreaterThan(64 * 1024 * 1024)
  expect(JSON.parse(text)).toMatchObject({ issuer: upstream.issuer })
})

it('fails with 500', async () => {
  expect((await metadataWith('status500')).status).toBe(500)
})

it('harms the part that is named, no other, and counts what each was asked', async () => {
  upstream.faults.token = 'status500'
  const before = upstream.requests.jwks
  expect((await fetch(`${upstream.issuer}/jwks`)).status).toBe(200)
  expect((await fetch(`${upstream.issuer}/token`, { method: 'POST' })).status).toBe(500)
  expect(upstream.requests.jwks).toBe(before + 1)
})
