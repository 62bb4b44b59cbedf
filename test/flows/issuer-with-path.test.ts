// An issuer with a path: every route and every well-known address is served below it, and nothing outside it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Page, type Provider, pkce, startProvider } from '../node/server.ts'
import { openAsAda, redirectUri, seedAda, seedClient, seedRobot } from './cast.ts'

const path = '/auth'
const routes = [
  '/.well-known/openid-configuration',
  '/.well-known/openid-configuration/jwks',
  '/.well-known/oauth-authorization-server',
  '/connect/authorize',
  '/connect/token',
  '/connect/userinfo',
  '/connect/introspect',
  '/connect/revocation',
  '/account/login',
  '/account/select',
  '/account/consent',
  '/account/logout',
  '/account',
  '/',
  '/health',
]

let provider: Provider
let origin: string

beforeAll(async () => {
  provider = await startProvider({ path, vars: { PLAYGROUND: 'on' } })
  origin = new URL(provider.issuer).origin
  await seedAda(provider)
  await seedRobot(provider)
  await seedClient(provider, 'web', { require_consent: true })
})
afterAll(() => provider.stop())

const statusOf = async (address: string) => {
  const response = await fetch(origin + address, { redirect: 'manual' })
  await response.body?.cancel()
  return response.status
}

describe('an issuer with a path', () => {
  it.each(routes)('serves %s below the path and not outside it', async (route) => {
    expect(await statusOf(path + route)).not.toBe(404)
    expect(await statusOf(route)).toBe(404)
    expect(await statusOf(`${path}x${route}`)).toBe(404)
  })

  it('serves its metadata at the address of RFC 8414 §3.1', async () => {
    const response = await fetch(`${origin}/.well-known/oauth-authorization-server${path}`)
    expect(await response.json()).toMatchObject({ issuer: origin + path })
    expect(await statusOf(`/.well-known/oauth-authorization-server${path}x`)).toBe(404)
  })

  it('names only addresses below the path in its metadata', async () => {
    const response = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
    const metadata = (await response.json()) as Record<string, unknown>
    const addresses = Object.values(metadata).filter((value) => typeof value === 'string' && value.startsWith('http'))
    expect(addresses.length).toBeGreaterThan(6)
    for (const address of addresses) expect(`${address}/`).toContain(`${provider.issuer}/`)
  })

  it('its pages stay below the path', async () => {
    const ada = provider.browser()
    const query = new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: pkce().code_challenge,
      code_challenge_method: 'S256',
    })
    const url = `${provider.issuer}/connect/authorize?${query}`
    const seen: Page[] = [await ada.open(url)]
    await openAsAda(ada, url).catch(() => undefined)
    seen.push(await ada.open(url), await ada.open(`${url}&prompt=select_account`))
    seen.push(await ada.open(provider.issuer), await ada.open(`${provider.issuer}/account`))
    expect(seen.map((page) => new URL(page.url).pathname)).toEqual([
      '/auth/account/login',
      '/auth/account/consent',
      '/auth/account/select',
      '/auth',
      '/auth/account',
    ])
    for (const page of seen) {
      const links = [...page.html.matchAll(/(?:href|action)="(\/[^"]*)"/g)].map(([, address]) => address)
      expect(links.filter((address) => !address?.startsWith(`${path}/`))).toEqual([])
    }
  })

  it('serves the playground below the path', async () => {
    const response = await fetch(`${provider.issuer}/playground`)
    expect(response.url).toBe(`${provider.issuer}/playground/`)
    expect(await response.text()).toContain('<h1>Playground</h1>')
    const script = await fetch(`${provider.issuer}/playground/playground.js`)
    expect(script.headers.get('content-type')).toContain('javascript')
  })
})
