// A provider over real HTTP for tests: one server per test file, seeded through the administration API and used by browsers that keep cookies.
import { type ServeOptions, type Server, serve } from '../../scripts/server.ts'
import { aBrowser, type Browser, type Reach } from '../user-agent.ts'

export interface Provider extends Server {
  /** fetch that also reaches a provider whose issuer is not the address it listens on. */
  reach: Reach
  /** Calls the administration API with the operator token: `operator('PUT', 'clients/web', {…})`. Returns the JSON; throws unless the status is 2xx. */
  operator(method: string, path: string, body?: unknown): Promise<unknown>
  /** A new browser with an address and cookies of its own. */
  browser(): Browser
}

/**
 * `const provider = await startProvider()` in beforeAll, `await provider.stop()` in afterAll. Takes about two seconds; the first start after a
 * change of the sources also builds the Worker.
 */
export async function startProvider(options: ServeOptions = {}): Promise<Provider> {
  const server = await serve(options)
  const authorization = `Bearer ${server.secrets.OPERATOR_TOKEN}`
  const { origin } = new URL(server.issuer)
  // A loopback issuer redirects other loopback names to its own, so only another kind of issuer is reached by address.
  const address = origin.startsWith('http:') ? origin : `http://127.0.0.1:${server.port}`
  const reach: Reach = (url, init) =>
    fetch(url.startsWith(`${origin}/`) ? address + url.slice(origin.length) : url, init)
  return {
    ...server,
    reach,
    browser: () => aBrowser(server.issuer, reach),
    async operator(method, path, body) {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      const headers = { authorization, 'content-type': 'application/json' }
      const response = await reach(`${server.issuer}/admin/api/${path}`, { method, headers, ...init })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} /admin/api/${path}: ${response.status} ${text}`)
      return text ? JSON.parse(text) : undefined
    },
  }
}

export * from '../user-agent.ts'
