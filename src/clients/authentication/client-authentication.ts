// Who calls a machine-facing endpoint (RFC 6749 §2.3): every endpoint asks here, so no rule is missed.
// An unknown client, a disabled one, a wrong secret and a wrong method look the same to the caller; the operator reads which it was.

import { sameText, sha256 } from '../../crypto/encoding.ts'
import type { Client, ClientAuthenticationMethod, ClientSecret } from '../../model/client.ts'
import { OAuthError, type RefusalDetail } from '../../model/errors.ts'
import { networkOf } from '../../outbound/internet-address.ts'
import type { RequestContext } from '../../request/context.ts'
import { checkClientAssertion } from './client-assertion.ts'
import { type ClientCredentials, parseClientCredentials } from './presented-credentials.ts'
import { findUsableClient, type Refused, refused } from './usable-client.ts'

export interface AuthenticatedClient {
  client: Client
  method: ClientAuthenticationMethod
}

/** No hop on a warm isolate; private_key_jwt: one, after everything that can fail. Throws invalid_client, invalid_request. */
export async function authenticateClient(
  context: RequestContext,
  request: Request,
  params: URLSearchParams,
): Promise<AuthenticatedClient> {
  const credentials = parseClientCredentials(request.headers.get('authorization'), params)
  const verdict = credentials ? await judge(context, credentials, request) : { fault: nothingPresented }
  if ('fault' in verdict) throw await refusal(context, verdict, credentials)
  context.log.client = verdict.client_id
  return { client: verdict, method: credentials?.method ?? 'none' }
}

async function judge(context: RequestContext, credentials: ClientCredentials, request: Request) {
  if (credentials.method === 'private_key_jwt') {
    const { pathname } = new URL(request.url)
    return checkClientAssertion(context, credentials, pathname)
  }
  const hash = credentials.method === 'none' ? undefined : await sha256(credentials.client_secret)
  const client = await findUsableClient(context, credentials.client_id, credentials.method)
  if ('fault' in client || hash === undefined) return client
  return secretFault(client, hash, context.now) ?? client
}

/** Compares with every secret, in constant time. */
function secretFault(client: Client, hash: string, now: number): Refused | undefined {
  const matching = client.secrets.filter((secret) => sameText(secret.hash, hash))
  if (matching.some((secret) => isLive(secret, now))) return undefined
  const live = client.secrets.filter((secret) => isLive(secret, now)).map(describe)
  const [expired] = matching
  return refused(
    'client_secret',
    live.length > 0 ? `the secret ${live.join(' or ')}` : 'a live secret, but the client has none',
    expired ? `the secret ${describe(expired)}` : 'a secret the client does not have',
    expired
      ? 'configure a newer secret in the client'
      : 'correct the secret, or add one; in a Basic header it is form-encoded',
  )
}

const isLive = ({ expires_at }: ClientSecret, now: number): boolean => expires_at === null || expires_at > now

const describe = ({ label, expires_at }: ClientSecret): string =>
  `"${label}" (${expires_at === null ? 'no expiry' : `expires ${new Date(expires_at).toISOString()}`})`

const nothingPresented: RefusalDetail = {
  check: 'client_id',
  expected: 'client_id, with a secret or an assertion if the client is confidential',
  received: '(none)',
  fix: 'send the client credentials in the Authorization header or the body',
}

/** Failures are throttled by address and client (T19); a right secret is never in the way of wrong ones. */
async function refusal(
  context: RequestContext,
  { fault, isProven }: Refused,
  credentials: ClientCredentials | undefined,
): Promise<OAuthError> {
  const clientId = credentials?.client_id
  const key = `client:${networkOf(context.address)}:${clientId?.slice(0, 100) ?? ''}`
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key })
  const description = success
    ? `client authentication failed${isProven ? `: expected ${fault.expected}` : ''}`
    : 'too many failed attempts to authenticate this client'
  const error = new OAuthError('invalid_client', description, fault, {
    status: success ? 401 : 429,
    headers: success ? challenge(context, credentials) : { 'retry-after': '60' },
  })
  return clientId === undefined ? error : error.withClient(clientId)
}

/** RFC 6749 §5.2: the scheme the client used. A browser would ask its user for any other. */
const challenge = ({ issuer }: RequestContext, credentials: ClientCredentials | undefined): Record<string, string> =>
  credentials?.method === 'client_secret_basic' ? { 'www-authenticate': `Basic realm="${issuer.url}"` } : {}
