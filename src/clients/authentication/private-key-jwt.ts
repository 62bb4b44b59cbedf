// private_key_jwt (RFC 7523, OIDC Core §9): a JWT signed by the client, valid once.

import { acceptedAlgorithms, isAcceptedAlgorithm } from '../../crypto/accepted-algorithms.ts'
import { type ForeignJwt, parseForeignJwt } from '../../crypto/foreign-jwt.ts'
import { isFirstUse } from '../../grants/first-use.ts'
import type { Client } from '../../model/client.ts'
import { verifySignature } from '../../outbound/verify-signature.ts'
import { checkAssertionClaims } from '../../protocol/token-request/client-assertion.ts'
import { addressOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import { getClientKeys, getNewerClientKeys } from './client-keys.ts'
import { malformedAuthentication } from './client-request.ts'
import { type ClientAuthenticationMethod, type Refused, refused } from './method.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export const privateKeyJwt: ClientAuthenticationMethod = {
  name: 'private_key_jwt',
  needs: 'keys',
  carrier: 'client_assertion',
  isPresented: ({ params }) => !!params.get('client_assertion'),

  async read({ params, client_id, pathname }) {
    const type = params.get('client_assertion_type') ?? '(none)'
    if (type !== assertionType) {
      throw malformedAuthentication({
        expected: `client_assertion_type ${assertionType}`,
        received: type,
        client_id,
      })
    }
    const jwt = parseForeignJwt(params.get('client_assertion') ?? '')
    // RFC 7521 §4.2: client_id is optional, the subject of the assertion names the client.
    const id = client_id ?? jwt?.claims.sub
    return typeof id === 'string'
      ? { client_id: id, verify: (context, client) => assertionFault(context, jwt, client, pathname) }
      : undefined
  },
}

/** `pathname` is the endpoint that was called. One hop, after every other check, so that a refused assertion does not use up its `jti`. */
async function assertionFault(
  context: RequestContext,
  jwt: ForeignJwt | undefined,
  client: Client,
  pathname: string,
): Promise<Refused | undefined> {
  if (!jwt)
    return unfit({
      expected: 'a signed JWT',
      received: 'something else',
      fix: 'send a compact JWS without extensions',
    })
  const fault = await signatureFault(context, jwt, client)
  if (fault) return fault

  const { issuer, configuration, now } = context
  const verdict = checkAssertionClaims(jwt.claims, {
    client_id: client.client_id,
    audiences: [issuer.url, addressOf(issuer, paths.token), issuer.origin + pathname],
    now,
    clock_skew: configuration.settings.clock_skew,
  })
  if ('fault' in verdict) return { ...verdict, isProven: true }
  if (await isFirstUse(context, [client.client_id, verdict.jti], verdict.expires_at)) return undefined
  const reused = unfit({
    expected: 'a jti that has not been used',
    received: 'a jti used before',
    fix: 'sign a new assertion for every request',
  })
  return { ...reused, isProven: true }
}

async function signatureFault(context: RequestContext, jwt: ForeignJwt, client: Client): Promise<Refused | undefined> {
  const { alg, kid } = jwt.header
  const pinned = client.token_endpoint_auth_signing_alg
  if (!isAcceptedAlgorithm(alg) || (pinned !== null && alg !== pinned)) {
    return unfit({
      expected: `alg ${pinned ?? acceptedAlgorithms.join(', ')}`,
      received: `alg ${alg}`,
      fix: 'sign with an algorithm that the client is registered for',
    })
  }
  const verdict = await verifySignature(jwt, alg, {
    getKeys: () => getClientKeys(context, client),
    getNewerKeys: (tried) => getNewerClientKeys(context, client, tried),
    whenSeveralFit: 'try',
  })
  if (verdict === 'verified') return undefined
  if ('fault' in verdict) {
    return unfit({
      expected: 'the keys of the client',
      received: verdict.fault,
      fix: 'correct jwks or jwks_uri of the client',
    })
  }
  const kids = verdict.keys.map((key) => key.kid ?? '(no kid)').join(', ')
  return unfit({
    expected: `a signature by one of the keys ${kids}`,
    received: `kid ${kid ?? '(none)'}, alg ${alg}`,
    fix: 'publish the key that the client signs with',
  })
}

const unfit = (fault: { expected: string; received: string; fix: string }): Refused =>
  refused({ check: 'client_assertion', ...fault })
