// Faults of a provider's documents and endpoints, each of which a test can switch on.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/**
 * `hang`: no response while the connection lasts. `html`: 200 with a page. `redirect`: 307 to an address that responds correctly. `huge`: the
 * correct response after 64 MiB of white space. `status500`: 500 with JSON.
 */
export type Fault = 'hang' | 'html' | 'redirect' | 'huge' | 'status500'

type FaultyHandler = (request: IncomingMessage, response: ServerResponse, sound: RequestListener) => void

const MiB = 1024 * 1024
const detour = 'detour'

const handlers: Record<Fault, FaultyHandler> = {
  hang: () => undefined,
  html: (_, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Maintenance</title>'),
  redirect: (request, response) =>
    response.writeHead(307, { location: `${request.url?.split('?')[0]}?${detour}` }).end(),
  huge(request, response, sound) {
    const end = response.end.bind(response)
    response.end = ((body: string) => {
      response.removeHeader('content-length')
      const space = Buffer.alloc(MiB, ' ')
      for (let written = 0; written < 64 && !response.destroyed; written += 1) response.write(space)
      return end(body)
    }) as typeof response.end
    sound(request, response)
  },
  status500: (_, response) =>
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"server_error"}'),
}

export interface Switchboard<Part extends string> {
  /** Tests set and remove faults here. A part without a fault works correctly. */
  readonly faults: Partial<Record<Part, Fault>>
  /** Number of requests to each part, with or without a fault. */
  requests: Record<Part, number>
  handle: RequestListener
}

/** `paths` gives the path of each part. Requests to other paths go to `sound` unchanged. */
export function switchboard<Part extends string>(
  paths: Record<Part, string>,
  sound: RequestListener,
): Switchboard<Part> {
  const parts = Object.keys(paths) as Part[]
  const board: Switchboard<Part> = {
    faults: {},
    requests: Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>,
    handle(request, response) {
      const [path, query] = request.url?.split('?') ?? []
      const part = parts.find((each) => paths[each] === path)
      if (!part) return sound(request, response)
      board.requests[part] += 1
      const fault = query === detour ? undefined : board.faults[part]
      if (!fault) return sound(request, response)
      handlers[fault](request, response, sound)
    },
  }
  return board
}
