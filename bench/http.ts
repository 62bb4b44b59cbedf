// HTTP/1.1 over one kept-alive connection, with as little work per request as possible.
import { connect as openSocket, type Socket } from 'node:net'

export interface HttpResponse {
  status: number
  /** Status line and headers, as received. */
  head: string
  body: string
}

export interface Connection {
  /** Sends one request at a time. Rejects if the connection ends before the response is complete. */
  send(request: string): Promise<HttpResponse>
  close(): void
}

export function connect(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(port, '127.0.0.1', () => resolve(connection(socket)))
    socket.setNoDelay(true)
    socket.once('error', reject)
  })
}

function connection(socket: Socket): Connection {
  let received = ''
  let waiting: { resolve(response: HttpResponse): void; reject(fault: Error): void } | undefined
  let fault: Error | undefined

  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    const parsed = parseResponse(received)
    if (!parsed) return
    received = received.slice(parsed.length)
    const { resolve } = waiting ?? {}
    waiting = undefined
    resolve?.(parsed.response)
  })
  const end = (error?: Error) => {
    fault = error instanceof Error ? error : new Error('the server closed the connection')
    waiting?.reject(fault)
    waiting = undefined
  }
  socket.on('error', end)
  socket.on('close', () => end())

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (fault) return reject(fault)
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

/** Returns undefined until the response is complete. The text is latin1, so that its length counts bytes. */
function parseResponse(text: string): { response: HttpResponse; length: number } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const status = Number(head.slice(9, 12))
  const start = end + 4

  const length = headerOf(head, 'content-length')
  if (length !== undefined) {
    const stop = start + Number(length)
    return text.length < stop ? undefined : { response: { status, head, body: text.slice(start, stop) }, length: stop }
  }
  if (headerOf(head, 'transfer-encoding') !== 'chunked') return { response: { status, head, body: '' }, length: start }

  let body = ''
  for (let at = start; ; ) {
    const line = text.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    const next = line + 2 + size + 2
    if (text.length < next) return undefined
    if (size === 0) return { response: { status, head, body }, length: next }
    body += text.slice(line + 2, line + 2 + size)
    at = next
  }
}

export function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(head)?.[1]
}

/** A complete request as text. With `fields` it is a form POST, otherwise a GET. */
export function requestText(
  host: string,
  path: string,
  headers: Record<string, string> = {},
  fields?: Record<string, string>,
): string {
  const body = fields ? new URLSearchParams(fields).toString() : ''
  const form = fields
    ? { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) }
    : {}
  const lines = Object.entries({ host, ...headers, ...form }).map(([name, value]) => `${name}: ${value}`)
  return `${fields ? 'POST' : 'GET'} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`
}
