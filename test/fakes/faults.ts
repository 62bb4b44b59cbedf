// Faults of a vault, the same for every fake.

export type Fault =
  | 'forbidden'
  | 'not_found'
  | 'throttled'
  | 'broken'
  | 'hang'
  | 'html'
  | 'malformed'
  | 'redirect'
  | 'huge'

/** The response to a fault that has no vendor-specific form. Returns undefined for the others, which the vendor's fake answers. */
export function plainFault(fault: Fault): Promise<Response> | undefined {
  switch (fault) {
    case 'hang':
      return new Promise(() => {})
    case 'html':
      return html(200)
    case 'not_found':
      return html(404)
    case 'malformed':
      return Promise.resolve(new Response('{"value": "', { headers: { 'content-type': 'application/json' } }))
    case 'redirect':
      return Promise.resolve(new Response(null, { status: 307, headers: { location: 'https://elsewhere.test/' } }))
    case 'huge':
      return Promise.resolve(new Response('x'.repeat(2 ** 20)))
    default:
      return undefined
  }
}

const html = async (status: number) =>
  new Response('<!doctype html><title>Sign in to the proxy</title>', {
    status,
    headers: { 'content-type': 'text/html' },
  })
