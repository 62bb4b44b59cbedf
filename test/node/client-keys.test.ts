import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Provider, startProvider } from './server.ts'

/** The server of the clients' key sets: one path that behaves, and one for each way to misbehave. */
let keys: Server
let origin: string
let provider: Provider
let privateKey: CryptoKey
const requests: Record<string, number> = {}

beforeAll(async () => {
  const pair = await generateKeyPair('ES256')
  privateKey = pair.privateKey
  const set = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one' }] })
  const paths: Record<string, RequestListener> = {
    '/good': (_, response) => response.end(set),
    '/redirect': (_, response) => response.writeHead(302, { location: '/good' }).end(),
    '/endless': (_, response) => {
      const timer = setInterval(() => response.write(' '.repeat(65_536)), 1)
      response.on('close', () => clearInterval(timer))
    },
    '/dripping': (_, response) => {
      const timer = setInterval(() => response.write(' '), 500)
      response.on('close', () => clearInterval(timer))
    },
  }
  keys = createServer((request, response) => {
    const path = request.url ?? ''
    requests[path] = (requests[path] ?? 0) + 1
    paths[path]?.(request, response)
  })
  await new Promise<void>((resolve) => {
    keys.listen(0, '127.0.0.1', resolve)
  })
  origin = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`
  provider = await startProvider()
  await provider.operator('PUT', 'users/robot', { name: 'Robot', service_account: true })
}, 60_000)

afterAll(async () => {
  await provider.stop()
  keys.closeAllConnections()
  keys.close()
})

async function aClientWithKeysAt(path: string): Promise<string> {
  const clientId = `keys-${path.slice(1)}`
  await provider.operator('PUT', `clients/${clientId}`, {
    client_name: clientId,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: origin + path,
    linked_user: 'robot',
    scopes: [],
    api_access: true,
  })
  return clientId
}

async function askForToken(clientId: string): Promise<{ status: number; milliseconds: number }> {
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(provider.issuer)
    .setExpirationTime('1m')
    .sign(privateKey)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'full_api_access',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  })
  const start = performance.now()
  const response = await provider.browser().fetch(`${provider.issuer}/connect/token`, { method: 'POST', body })
  await response.text()
  return { status: response.status, milliseconds: performance.now() - start }
}

describe('T24 the keys of a client at its jwks_uri, over real HTTP', () => {
  it('are fetched once', async () => {
    const clientId = await aClientWithKeysAt('/good')
    expect(await askForToken(clientId)).toMatchObject({ status: 200 })
    expect(await askForToken(clientId)).toMatchObject({ status: 200 })
    expect(requests['/good']).toBe(1)
  })

  it('are not fetched through a redirect', async () => {
    expect(await askForToken(await aClientWithKeysAt('/redirect'))).toMatchObject({ status: 401 })
    expect(requests['/good']).toBe(1)
  })

  it('are refused if the response never ends, without waiting for the time limit', async () => {
    const { status, milliseconds } = await askForToken(await aClientWithKeysAt('/endless'))
    expect(status).toBe(401)
    expect(milliseconds, 'before the limit of time').toBeLessThan(4500)
  })

  it('are refused if they take longer than five seconds, and other requests are served meanwhile', async () => {
    const clientId = await aClientWithKeysAt('/dripping')
    const slow = askForToken(clientId)
    expect((await askForToken('keys-good')).milliseconds).toBeLessThan(2000)
    const { status, milliseconds } = await slow
    expect(status).toBe(401)
    expect(milliseconds).toBeGreaterThan(4500)
    expect(milliseconds).toBeLessThan(8000)
  })
})
