// A proxy that drops responses: the server receives and executes the request, but the client gets no response.
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface DroppingProxy {
  origin: string
  /** Number of responses dropped so far. */
  dropped(): number
  close(): Promise<void>
}

/** Drops `share` of all responses: every n-th, so that a run can be repeated. The Host header names the target. */
export async function dropResponses(target: URL, share: number): Promise<DroppingProxy> {
  const every = Math.round(1 / share)
  let [responses, dropped] = [0, 0]
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const options = {
      hostname: target.hostname,
      port: target.port,
      path: url,
      method,
      headers: { ...headers, host: target.host },
    }
    const onward = send(options, (response) => {
      responses += 1
      if (responses % every === 0) {
        dropped += 1
        response.resume()
        incoming.socket.resetAndDestroy()
        return
      }
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    onward.on('error', () => incoming.socket.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    dropped: () => dropped,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
