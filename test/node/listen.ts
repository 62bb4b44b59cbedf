// Serves a fake over Node's http: a function from Request to Response becomes a server on loopback.
import { createServer, type IncomingMessage } from 'node:http'

export type Handler = (request: Request) => Promise<Response>

export interface Listening {
  origin: string
  stop(): Promise<void>
}

export async function listen(handle: Handler, port = 0): Promise<Listening> {
  const server = createServer(async (incoming, outgoing) => {
    const response = await handle(await requestOf(incoming))
    response.headers.forEach((value, name) => {
      outgoing.setHeader(name, value)
    })
    outgoing.writeHead(response.status)
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  const method = incoming.method ?? 'GET'
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = method === 'GET' ? {} : { body: new Uint8Array(Buffer.concat(chunks)) }
  return new Request(`http://${headers.get('host')}${incoming.url}`, { method, headers, ...body })
}
