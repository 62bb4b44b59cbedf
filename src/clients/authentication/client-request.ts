// The parts of a request that may carry client credentials, parsed before a method is chosen (RFC 6749 §2.3).

import { fromUtf8 } from '../../crypto/encoding.ts'
import type { OAuthError } from '../../model/errors.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'

export interface ClientRequest {
  headers: Headers
  /** The path of the endpoint that was called. */
  pathname: string
  /** The parameters of the body. */
  params: URLSearchParams
  /** The Authorization header, if its scheme is Basic. An empty secret counts as absent. */
  basic: { id: string; secret: string } | undefined
  /** From the body, else from the Basic header. */
  client_id: string | undefined
}

/** Throws invalid_request if the Basic header is malformed. */
export function parseClientRequest({ headers, url }: Request, params: URLSearchParams): ClientRequest {
  const authorization = headers.get('authorization')
  const basic = authorization === null ? undefined : parseBasic(authorization)
  const client_id = params.get('client_id') || basic?.id
  return { headers, pathname: new URL(url).pathname, params, basic, client_id }
}

const basicForm = /^basic +([A-Za-z\d+/]+={0,2}) *$/i

/** RFC 7617 §2, with id and secret form-encoded inside (RFC 6749 §2.3.1). */
function parseBasic(authorization: string): { id: string; secret: string } | undefined {
  if (!/^basic( |$)/i.test(authorization)) return undefined
  const encoded = basicForm.exec(authorization)?.[1]
  const pair = encoded === undefined ? undefined : decodeBase64(encoded)
  const colon = pair?.indexOf(':') ?? -1
  if (pair === undefined || colon < 1) {
    throw malformedAuthentication({
      expected: 'Authorization: Basic base64(client_id:client_secret)',
      received: 'a Basic header of another form',
    })
  }
  return { id: formDecode(pair.slice(0, colon)), secret: formDecode(pair.slice(colon + 1)) }
}

function decodeBase64(text: string): string | undefined {
  try {
    return fromUtf8(Uint8Array.fromBase64(text))
  } catch {
    return undefined
  }
}

/** Some clients send id and secret unencoded: if decoding fails, the text is taken as it is. */
function formDecode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

interface Malformed {
  expected: string
  received: string
  client_id?: string | undefined
}

/** An invalid_request error; `client_id` is the unauthenticated client, for the log. */
export function malformedAuthentication({ expected, received, client_id }: Malformed): OAuthError {
  const error = invalidRequest({
    description: `client authentication is malformed: expected ${expected}`,
    check: 'client_authentication',
    expected,
    received,
    fix: 'authenticate the client in one way, as RFC 6749 §2.3 describes',
  })
  return client_id === undefined ? error : error.withClient(client_id)
}
