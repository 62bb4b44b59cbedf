// private_key_jwt (RFC 7523, OIDC Core §9): a JWT signed by the client, good for one use.

import { acceptedAlgorithms, isAcceptedAlgorithm } from '../../crypto/accepted-algorithms.ts'
import type { ForeignJwt } from '../../crypto/foreign-jwt.ts'
import { isFirstUse } from '../../grants/first-use.ts'
import type { Client } from '../../model/client.ts'
import { verifySignature } from '../../outbound/verify-signature.ts'
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
  const { client_id, client_assertion: jwt } = credentials
  if (!jwt) return unfit('a signed JWT', 'something else', 'send a compact JWS without extensions')
  const client = await findUsableClient(context, client_id, 'private_key_jwt')
  if ('fault' in client) return client
  const fault = await signatureFault(context, jwt, client)
  if (fault) return fault

  const { issuer, configuration, now } = context
  const verdict = checkAssertionClaims(jwt.claims, {
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

async function signatureFault(context: RequestContext, jwt: ForeignJwt, client: Client): Promise<Refused | undefined> {
  const { alg, kid } = jwt.header
  const pinned = client.token_endpoint_auth_signing_alg
  if (!isAcceptedAlgorithm(alg) || (pinned !== null && alg !== pinned)) {
    return unfit(
      `alg ${pinned ?? acceptedAlgorithms.join(', ')}`,
      `alg ${alg}`,
      'sign with an algorithm the client is registered for',
    )
  }
  const verdict = await verifySignature(jwt, alg, {
    getKeys: () => getClientKeys(context, client),
    getNewerKeys: (tried) => getNewerClientKeys(context, client, tried),
    whenSeveralFit: 'try',
  })
  if (verdict === 'verified') return undefined
  if ('fault' in verdict) {
    return unfit('the keys of the client', verdict.fault, 'correct jwks or jwks_uri of the client')
  }
  const kids = verdict.keys.map((key) => key.kid ?? '(no kid)').join(', ')
  return unfit(
    `a signature by one of the keys ${kids}`,
    `kid ${kid ?? '(none)'}, alg ${alg}`,
    'publish the key the client signs with',
  )
}

const unfit = (expected: string, received: string, fix: string): Refused =>
  refused('client_assertion', expected, received, fix)
