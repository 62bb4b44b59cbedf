// A provider over real HTTP for tests: one server for each test file, seeded by the operator's interface, used by browsers that keep cookies.
import { type ServeOptions, type Server, serve } from '../../scripts/server.ts'
import { aBrowser, type Browser } from '../user-agent.ts'

export interface Provider extends Server {
  /** The operator's interface: `operator('PUT', 'clients/web', {…})`. Throws on any answer but 2xx; returns its JSON. */
  operator(method: string, path: string, body?: unknown): Promise<unknown>
  /** A new browser with an address and cookies of its own. */
  browser(): Browser
}

/**
 * `const provider = await startProvider()` in beforeAll, `await provider.stop()` in afterAll. Takes about two seconds; the first one after a
 * change of the sources builds the Worker.
 */
export async function startProvider(options: ServeOptions = {}): Promise<Provider> {
  const server = await serve(options)
  const authorization = `Bearer ${server.secrets.OPERATOR_TOKEN}`
  return {
    ...server,
    browser: () => aBrowser(server.issuer),
    async operator(method, path, body) {
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      const headers = { authorization, 'content-type': 'application/json' }
      const response = await fetch(`${server.issuer}/admin/api/${path}`, { method, headers, ...init })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} /admin/api/${path}: ${response.status} ${text}`)
      return text ? JSON.parse(text) : undefined
    },
  }
}

export * from '../user-agent.ts'
