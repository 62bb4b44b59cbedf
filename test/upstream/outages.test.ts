// An external provider that fails: people who sign in with it get an error page, and no other sign-in is affected.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Provider, redirectOf, startProvider } from '../node/server.ts'
import type { Fault } from './faults.ts'
import type { ForeignClient } from './foreign-client.ts'
import { registrationAt, saveUpstream, seedApplication, visit } from './journey.ts'
import { type OidcProvider, startOidcProvider } from './oidc-provider.ts'
import { ada } from './upstream.ts'

const faults: Fault[] = ['hang', 'html', 'redirect', 'huge', 'status500']

let provider: Provider
let upstream: OidcProvider
let application: ForeignClient
beforeAll(async () => {
  provider = await startProvider()
  upstream = await startOidcProvider(registrationAt(provider))
  application = await seedApplication(provider)
  await saveUpstream(provider, upstream)
})
afterAll(async () => {
  await upstream?.stop()
  await provider?.stop()
})
afterEach(() => {
  for (const part of ['metadata', 'jwks', 'token', 'userinfo'] as const) upstream.faults[part] = undefined
})

const signIn = async () => {
  const visitor = { person: ada, here: provider.browser(), there: upstream.browser() }
  return visit(upstream, visitor, (await application.newRequest()).url)
}

describe.each(faults)('I13 an endpoint with the fault %s', (fault) => {
  it('at the token endpoint ends the sign-in with a page within ten seconds and is requested only once', async () => {
    upstream.faults.token = fault
    const before = upstream.requests.token
    const start = performance.now()
    const page = await signIn()
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(page.html).toContain('page-external-problem')
    // No redirect was followed either: that would send the client secret a second time.
    expect(upstream.requests.token).toBe(before + 1)

    upstream.faults.token = undefined
    expect(redirectOf(await signIn()).searchParams.has('code')).toBe(true)
  })

  it.each(['metadata', 'jwks'] as const)(
    'I09 at its %s is reported to the operator who saves the record',
    async (part) => {
      upstream.faults[part] = fault
      const settings = { metadata_endpoint: `${upstream.metadata_endpoint}?` }
      await expect(saveUpstream(provider, upstream, settings)).rejects.toThrow(/: 400 .*"metadata_endpoint":/)
      // The documents read before stay in use.
      expect(redirectOf(await signIn()).searchParams.has('code')).toBe(true)
    },
  )
})
