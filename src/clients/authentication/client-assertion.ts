// private_key_jwt (RFC 7523, OIDC Core §9): a JWT signed by the client, good for one use.

import { type ParsedJws, verifyJws } from '../../crypto/jws.ts'
import { isJwsAlgorithm, type JwsAlgorithm } from '../../crypto/signing-algorithms.ts'
import { isFirstUse } from '../../grants/first-use.ts'
import { type Client, signingAlgorithms } from '../../model/client.ts'
import { importRemoteKey, type RemoteKey } from '../../outbound/remote-jwks.ts'
import { checkAssertionClaims } from '../../protocol/token-request/client-assertion.ts'
import type { RequestContext } from '../../request/context.ts'
import { getClientKeys, getNewerClientKeys } from './client-keys.ts'
import type { ClientCredentials } from './presented-credentials.ts'
import { findUsableClient, type Refused, refused } from './usable-client.ts'

type Assertion = Extract<ClientCredentials, { method: 'private_key_jwt' }>

/** `pathname`: of the endpoint that was called. One hop, the last thing to happen, when everything else is right. */
export async function checkClientAssertion(
  context: RequestContext,
  credentials: Assertion,
  pathname: string,
): Promise<Client | Refused> {
  const { client_id, client_assertion: jws } = credentials
  if (!jws) return unfit('a signed JWT', 'something else', 'send a compact JWS without extensions')
  const client = await findUsableClient(context, client_id, 'private_key_jwt')
  if ('fault' in client) return client
  const fault = await signatureFault(context, jws, client)
  if (fault) return fault

  const { issuer, configuration, now } = context
  const verdict = checkAssertionClaims(jws.payload, {
    client_id: client.client_id,
    audiences: [issuer.url, `${issuer.url}/connect/token`, issuer.origin + pathname],
    now,
    clock_skew: configuration.settings.clock_skew,
  })
  if ('fault' in verdict) return { ...verdict, isProven: true }
  const isFirst = await isFirstUse(context, [client.client_id, verdict.jti], verdict.expires_at)
  return isFirst
    ? client
    : { ...unfit('a jti that was never used', 'a jti used before', 'sign a new one for every request'), isProven: true }
}

async function signatureFault(context: RequestContext, jws: ParsedJws, client: Client): Promise<Refused | undefined> {
  const { alg, kid } = jws.header
  const pinned = client.token_endpoint_auth_signing_alg
  if (!isJwsAlgorithm(alg) || (pinned !== null && alg !== pinned)) {
    return unfit(
      `alg ${pinned ?? signingAlgorithms.join(', ')}`,
      `alg ${alg}`,
      'sign with an algorithm the client is registered for',
    )
  }
  const known = await getClientKeys(context, client)
  if ('fault' in known) return unfit('the keys of the client', known.fault, 'correct jwks or jwks_uri of the client')
  if (await isSignedByOne(known.keys, jws, alg)) return undefined
  const newer = await getNewerClientKeys(context, client, known.keys)
  if (newer && (await isSignedByOne(newer, jws, alg))) return undefined
  const kids = (newer ?? known.keys).map((key) => key.kid ?? '(no kid)').join(', ')
  return unfit(
    `a signature by one of the keys ${kids}`,
    `kid ${kid ?? '(none)'}, alg ${alg}`,
    'publish the key the client signs with',
  )
}

/** Keys tried on one assertion: more than one only without kid, or with a kid given twice. */
const mostTried = 5

async function isSignedByOne(keys: RemoteKey[], jws: ParsedJws, alg: JwsAlgorithm): Promise<boolean> {
  const { kid } = jws.header
  let tried = 0
  for (const jwk of keys) {
    if (kid !== undefined && jwk.kid !== kid) continue
    const key = await importRemoteKey(jwk, alg)
    if (!key) continue
    if (await verifyJws(jws, key, alg)) return true
    tried += 1
    if (tried === mostTried) return false
  }
  return false
}

const unfit = (expected: string, received: string, fix: string): Refused =>
  refused('client_assertion', expected, received, fix)
