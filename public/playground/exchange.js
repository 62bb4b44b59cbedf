// One request and its answer, kept as they went over the wire, so that they can be shown.

/** A request: `form` is sent as application/x-www-form-urlencoded, `authorization` as the header of that name. */
export function describeRequest({ method = 'GET', url, form, authorization }) {
  const headers = {}
  if (authorization) headers.authorization = authorization
  if (form) headers['content-type'] = 'application/x-www-form-urlencoded'
  return { method, url: String(url), headers, parameters: form ? Object.entries(form) : [] }
}

/** Sends it. Never throws: an answer that did not come is `{ fault }`. */
export async function send(request) {
  const body = request.parameters.length > 0 ? new URLSearchParams(request.parameters) : undefined
  const began = performance.now()
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body,
      cache: 'no-store',
      credentials: 'omit',
    })
    const text = await response.text()
    return {
      status: response.status,
      ok: response.ok,
      milliseconds: Math.round(performance.now() - began),
      headers: [...response.headers].filter(([name]) => shownHeaders.includes(name)),
      requestId: response.headers.get('x-request-id'),
      text,
      json: parseJson(text),
    }
  } catch (error) {
    return { fault: error.message, ok: false }
  }
}

const shownHeaders = ['content-type', 'cache-control', 'www-authenticate', 'retry-after', 'x-request-id']

function parseJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
export function basicAuthorization(clientId, clientSecret) {
  const encode = (text) => new URLSearchParams([['', text]]).toString().slice(1)
  return `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`
}

/** The request as text, one parameter a line; on the wire they are one. */
export function wireText(request) {
  const url = new URL(request.url)
  const query = [...url.searchParams]
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`)
  return [
    `${request.method} ${url.pathname}${query.length > 0 ? '?' : ''}`,
    ...parameterLines(query).map((line) => `    ${line}`),
    `host: ${url.host}`,
    ...headers,
    ...(request.parameters.length > 0 ? ['', ...parameterLines(request.parameters)] : []),
  ].join('\n')
}

const parameterLines = (parameters) =>
  parameters.map((parameter, index) => (index > 0 ? '&' : '') + new URLSearchParams([parameter]))

/** The same request for a terminal. */
export function curlCommand(request) {
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'content-type')
  return [
    `curl -i ${quote(request.url)}`,
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...request.parameters.map(([name, value]) => `--data-urlencode ${quote(`${name}=${value}`)}`),
  ].join(' \\\n  ')
}

const secretNames = ['code', 'code_verifier', 'client_secret', 'access_token', 'refresh_token', 'id_token', 'token']

/** What of a request or an answer is nobody else's business, as it stands in its text. */
export function secretsOf(request, response) {
  const sent = [...new URL(request.url).searchParams, ...request.parameters]
  const received = Object.entries(response?.json ?? {})
  const secrets = [...sent, ...received]
    .filter(([name, value]) => secretNames.includes(name) && typeof value === 'string')
    .flatMap(([, value]) => [value, new URLSearchParams([['', value]]).toString().slice(1)])
  const credentials = request.headers.authorization?.split(' ')[1]
  return [...new Set(credentials ? [...secrets, credentials] : secrets)].filter(Boolean)
}
