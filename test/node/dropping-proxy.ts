// A proxy that loses answers: the request arrives and is carried out, the answer does not come back.
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface DroppingProxy {
  origin: string
  /** Answers lost so far. */
  dropped(): number
  close(): Promise<void>
}

/** `share` of all answers are lost: every n-th, so that a run can be repeated. Host is passed on as the target's. */
export async function dropAnswers(target: URL, share: number): Promise<DroppingProxy> {
  const every = Math.round(1 / share)
  let [answers, dropped] = [0, 0]
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const options = {
      hostname: target.hostname,
      port: target.port,
      path: url,
      method,
      headers: { ...headers, host: target.host },
    }
    const onward = send(options, (answer) => {
      answers += 1
      if (answers % every === 0) {
        dropped += 1
        answer.resume()
        incoming.socket.resetAndDestroy()
        return
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
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
