// Verifies the signature of a JWT from an external provider (OIDC Core §3.1.3.7 rules 6–8, RFC 8725): made by one of its published keys, never with a shared secret.

import { type AcceptedAlgorithm, acceptedAlgorithms, isAcceptedAlgorithm } from '../../crypto/accepted-algorithms.ts'
import { type ForeignJwt, parseForeignJwt } from '../../crypto/foreign-jwt.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { shown } from '../../model/untrusted-text.ts'
import type { RemoteKey } from '../../outbound/remote-jwks.ts'
import { verifySignature } from '../../outbound/verify-signature.ts'
import type { TokenFault } from '../../protocol/id-token/id-token-checks.ts'
import type { RequestContext } from '../../request/context.ts'
import { keyServesIssuer } from './issuer-template.ts'
import type { Budget } from './provider-fetch.ts'
import { getNewerProviderKeys, getProviderKeys } from './provider-keys.ts'

export type VerifiedUpstreamJwt =
  | { claims: Record<string, unknown>; alg: AcceptedAlgorithm }
  | { fault: TokenFault; isOurOutage?: boolean }

/** No hop if the keys are cached. */
export async function verifyUpstreamJwt(
  context: RequestContext,
  provider: ExternalProvider,
  token: string,
  budget: Budget,
): Promise<VerifiedUpstreamJwt> {
  const jwt = parseForeignJwt(token)
  if (!jwt) return { fault: malformed(token) }
  const { alg } = jwt.header
  const stated = provider.metadata?.id_token_signing_alg_values_supported
  if (!isAcceptedAlgorithm(alg) || stated?.includes(alg) === false) return { fault: wrongAlgorithm(stated, alg) }
  const verdict = await verifySignature(jwt, alg, {
    getKeys: () => getProviderKeys(context, provider, budget()),
    getNewerKeys: (tried) => getNewerProviderKeys(context, provider, tried, budget()),
    // OIDC Core §10.1: a token without kid is accepted only if one key fits, since trying several would accept any of them.
    whenSeveralFit: 'refuse',
    isSigningKey: (key) => keyServesIssuer(key.issuer, jwt.claims),
  })
  if (verdict === 'verified') return { claims: jwt.claims, alg }
  return 'fault' in verdict
    ? { fault: noKeys(verdict.fault), isOurOutage: true }
    : { fault: wrongSignature(jwt, verdict.keys) }
}

const malformed = (token: string): TokenFault => ({
  check: 'jwt',
  cause: `The token (${token.length} characters) is not a signed JWT of at most 16384 characters.`,
  fix: 'Let the provider send signed, unencrypted tokens with fewer claims (groups make them large).',
})

const wrongAlgorithm = (stated: string[] | undefined, alg: string): TokenFault => ({
  check: 'alg',
  cause: `The token is signed with ${shown(alg)}, but one of ${acceptedOf(stated).join(', ')} is expected.`,
  fix: 'Let the provider sign ID tokens for this client with RS256.',
})

const acceptedOf = (stated: string[] | undefined): AcceptedAlgorithm[] =>
  acceptedAlgorithms.filter((alg) => stated?.includes(alg) ?? true)

const noKeys = (fault: string): TokenFault => ({
  check: 'jwks',
  cause: `The provider's keys cannot be had: ${shown(fault)}.`,
  fix: 'Look whether the provider is up and its jwks_uri can be reached from this server.',
})

function wrongSignature({ header: { kid, alg } }: ForeignJwt, keys: RemoteKey[]): TokenFault {
  const kids = shown(keys.map((key) => key.kid ?? '(no kid)').join(', '))
  return {
    check: 'signature',
    cause: `The token (kid ${shown(kid)}, alg ${alg}) is not signed by the one key of the provider that it names; its keys are ${kids}.`,
    fix: 'Sign in again in a minute if the provider has just changed its keys; otherwise correct the metadata endpoint.',
  }
}
