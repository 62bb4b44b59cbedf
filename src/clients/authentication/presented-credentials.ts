// What a client presents to prove who it is (RFC 6749 §2.3, RFC 7521 §4.2), read from the request; nothing is judged here.
import { fromUtf8 } from '../../crypto/encoding.ts'
import { type ForeignJwt, parseForeignJwt } from '../../crypto/foreign-jwt.ts'
import { OAuthError, type RefusalDetail } from '../../model/errors.ts'

export type ClientCredentials =
  | { method: 'none'; client_id: string }
  | { method: 'client_secret_basic' | 'client_secret_post'; client_id: string; client_secret: string }
  /** Undefined `client_assertion`: not a JWT. */
  | { method: 'private_key_jwt'; client_id: string; client_assertion: ForeignJwt | undefined }

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * Undefined: the request names no client. An empty secret counts as absent; an authorization scheme other than Basic is none of ours. Throws
 * invalid_request when two methods are mixed (RFC 6749 §2.3: one per request) or the header is malformed.
 */
export function parseClientCredentials(
  authorization: string | null,
  params: URLSearchParams,
): ClientCredentials | undefined {
  const clientId = params.get('client_id') || undefined
  const secret = params.get('client_secret') || undefined
  const assertion = params.get('client_assertion') || undefined
  const basic = authorization === null ? undefined : parseBasic(authorization)

  const presented = [basic?.secret && 'Basic', secret && 'client_secret', assertion && 'client_assertion']
  const methods = presented.filter((method) => !!method)
  if (methods.length > 1)
    throw malformed('one method of client authentication', methods.join(' and '), clientId ?? basic?.id)
  if (basic && clientId !== undefined && clientId !== basic.id) {
    throw malformed(`client_id ${basic.id}, as in the Authorization header`, clientId, basic.id)
  }
  if (assertion) {
    const type = params.get('client_assertion_type') ?? '(none)'
    if (type !== assertionType) throw malformed(`client_assertion_type ${assertionType}`, type, clientId)
    return readAssertion(assertion, clientId ?? basic?.id)
  }
  if (basic?.secret) return { method: 'client_secret_basic', client_id: basic.id, client_secret: basic.secret }
  const id = clientId ?? basic?.id
  if (id === undefined) return undefined
  return secret
    ? { method: 'client_secret_post', client_id: id, client_secret: secret }
    : { method: 'none', client_id: id }
}

/** RFC 7521 §4.2: client_id is optional, the assertion's subject names the client. */
function readAssertion(assertion: string, clientId: string | undefined): ClientCredentials | undefined {
  const jwt = parseForeignJwt(assertion)
  const id = clientId ?? jwt?.claims.sub
  return typeof id === 'string' ? { method: 'private_key_jwt', client_id: id, client_assertion: jwt } : undefined
}

const basicForm = /^basic +([A-Za-z\d+/]+={0,2}) *$/i

/** RFC 7617 §2, with id and secret form-encoded inside (RFC 6749 §2.3.1). */
function parseBasic(authorization: string): { id: string; secret: string } | undefined {
  if (!/^basic( |$)/i.test(authorization)) return undefined
  const encoded = basicForm.exec(authorization)?.[1]
  const pair = encoded === undefined ? undefined : decodeBase64(encoded)
  const colon = pair?.indexOf(':') ?? -1
  if (pair === undefined || colon < 1) {
    throw malformed('Authorization: Basic base64(client_id:client_secret)', 'a Basic header of another form')
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

/** Text that is not the encoding of anything was not encoded. */
function formDecode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function malformed(expected: string, received: string, clientId?: string): OAuthError {
  const detail: RefusalDetail = {
    check: 'client_authentication',
    expected,
    received,
    fix: 'authenticate the client in one way, as RFC 6749 §2.3 describes',
  }
  const error = new OAuthError('invalid_request', `client authentication is malformed: expected ${expected}`, detail)
  return clientId === undefined ? error : error.withClient(clientId)
}
