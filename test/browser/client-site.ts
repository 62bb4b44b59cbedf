// The web site of a client, on another origin and, by its host name, another site than the provider. It records the requests it receives.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

export interface Received {
  method: string
  /** Path and query, as the browser sent them. */
  target: string
  /** Parameters of the query and the form. */
  parameters: URLSearchParams
  headers: IncomingHttpHeaders
}

export interface ClientSite {
  origin: string
  /** `${origin}/cb`. */
  redirectUri: string
  /** Every request except those for icons. */
  received: Received[]
  /** The last request to the redirect URI. Throws if there was none. */
  call(): Received
  /** While true, the redirect URI responds with 204, so that a browser stays on its page. */
  isSilent: boolean
  close(): Promise<void>
}

const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' }

/** `files` maps a path to a file, or to HTML if the text begins with `<`. */
export async function openClientSite(files: Record<string, string> = {}): Promise<ClientSite> {
  const contents = new Map(
    Object.entries(files).map(([target, file]) => [
      target,
      file.startsWith('<')
        ? { body: file, type: types['.html'] }
        : { body: readFileSync(file), type: types[path.extname(file)] },
    ]),
  )
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const url = new URL(request.url ?? '/', site.origin)
    if (url.pathname === '/favicon.ico') return response.writeHead(404).end()
    const { method = '', url: target = '', headers } = request
    received.push({
      method,
      target,
      parameters: new URLSearchParams([...url.searchParams, ...new URLSearchParams(body)]),
      headers,
    })
    const content = contents.get(url.pathname)
    if (content) return response.setHeader('content-type', content.type ?? 'text/plain').end(content.body)
    if (url.pathname !== '/cb') return response.writeHead(404).end()
    if (site.isSilent) return response.writeHead(204).end()
    return response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>Client</title><h1>Back at the client</h1>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const site: ClientSite = {
    origin,
    redirectUri: `${origin}/cb`,
    received,
    call() {
      const last = received.findLast(({ target }) => /^\/cb(\?|$)/.test(target))
      if (!last) throw new Error('the client was not called')
      return last
    },
    isSilent: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return site
}
