// Client authentication (RFC 6749 §2.3). Every endpoint that clients call directly uses it, so none can skip a rule.
// An unknown client, a disabled one, a wrong secret and a wrong method look the same to the caller; the log names the cause.

import type { Client } from '../../model/client.ts'
import { OAuthError, type RefusalDetail } from '../../model/errors.ts'
import { networkOf } from '../../outbound/internet-address.ts'
import type { RequestContext } from '../../request/context.ts'
import { parseClientRequest } from './client-request.ts'
import type { ClientAuthenticationMethod, ClientCredentials, Refused } from './method.ts'
import { chooseMethod } from './methods.ts'
import { findUsableClient } from './usable-client.ts'

export interface AuthenticatedClient {
  client: Client
  /** The name of a method in methods.ts. */
  method: string
}

/**
 * No hop on a warm isolate. private_key_jwt takes one, after every other check. Throws invalid_client (401, or 429 after too many failures), or
 * invalid_request (400) if the credentials are malformed.
 */
export async function authenticateClient(
  context: RequestContext,
  request: Request,
  params: URLSearchParams,
): Promise<AuthenticatedClient> {
  const presented = parseClientRequest(request, params)
  const method = chooseMethod(presented)
  const credentials = await method.read(presented)
  const verdict = credentials ? await verify(context, method, credentials) : { fault: nothingPresented }
  if ('fault' in verdict) throw await refusal(context, verdict, method, credentials?.client_id)
  context.client = { client_id: verdict.client_id, knownBy: 'authentication' }
  return { client: verdict, method: method.name }
}

async function verify(
  context: RequestContext,
  method: ClientAuthenticationMethod,
  credentials: ClientCredentials,
): Promise<Client | Refused> {
  const client = await findUsableClient(context, credentials.client_id, method)
  if ('fault' in client) return client
  return (await credentials.verify(context, client)) ?? client
}

const nothingPresented: RefusalDetail = {
  check: 'client_id',
  expected: 'client_id, with a secret or an assertion if the client is confidential',
  received: '(none)',
  fix: 'send the client credentials in the Authorization header or the body',
}

/** Failures are throttled by network and client (T19). A correct secret is always accepted, however many wrong ones were sent. */
async function refusal(
  context: RequestContext,
  { fault, isProven }: Refused,
  { challenge }: ClientAuthenticationMethod,
  clientId: string | undefined,
): Promise<OAuthError> {
  const key = `client:${networkOf(context.address)}:${clientId?.slice(0, 100) ?? ''}`
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key })
  const description = success
    ? `client authentication failed${isProven ? `: expected ${fault.expected}` : ''}`
    : 'too many failed attempts to authenticate this client'
  // RFC 6749 §5.2: challenge only with the scheme that the client used. Otherwise browsers would show a login prompt.
  const authenticateHeader: Record<string, string> = challenge
    ? { 'www-authenticate': challenge(context.issuer.url) }
    : {}
  const error = new OAuthError('invalid_client', description, fault, {
    status: success ? 401 : 429,
    headers: success ? authenticateHeader : { 'retry-after': '60' },
  })
  return clientId === undefined ? error : error.withClient(clientId)
}
