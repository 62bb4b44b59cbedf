// Whether an external provider signed a token (OIDC Core §3.1.3.7 rules 6–8, RFC 8725): by one of its published keys, never by a shared secret.

import { type ParsedJws, parseJws, verifyJws } from '../../crypto/jws.ts'
import { isJwsAlgorithm, type JwsAlgorithm, jwsAlgorithms } from '../../crypto/signing-algorithms.ts'
import type { IdentityProvider } from '../../model/external-provider.ts'
import { deepestDocument, isDeeperThan } from '../../outbound/json-document.ts'
import { importRemoteKey, type RemoteKey } from '../../outbound/remote-jwks.ts'
import type { RequestContext } from '../../request/context.ts'
import { shown, type TokenFault } from './id-token-claims.ts'
import { keyServesIssuer } from './issuer-template.ts'
import type { Budget } from './provider-fetch.ts'
import { getNewerProviderKeys, getProviderKeys } from './provider-keys.ts'

export type VerifiedToken = { jws: ParsedJws; alg: JwsAlgorithm } | { fault: TokenFault; isOurOutage?: boolean }

/** No hop while the keys are known. */
export async function verifyUpstreamJwt(
  context: RequestContext,
  provider: IdentityProvider,
  token: string,
  budget: Budget,
): Promise<VerifiedToken> {
  const jws = parseJws(token)
  if (!jws || isDeeperThan(jws.payload, deepestDocument)) return { fault: malformed(token) }
  const alg = acceptedAlgorithm(provider, jws.header.alg)
  if (!alg) return { fault: wrongAlgorithm(provider, jws.header.alg) }
  const known = await getProviderKeys(provider, context, budget())
  if ('fault' in known) return { fault: noKeys(known.fault), isOurOutage: true }
  if (await isSigned(jws, alg, known.keys)) return { jws, alg }
  const newer = await getNewerProviderKeys(provider, known.keys, context, budget())
  if (newer && (await isSigned(jws, alg, newer))) return { jws, alg }
  return { fault: wrongSignature(jws, newer ?? known.keys) }
}

/** RFC 8725 §3.1: those that we have, without `none` and HMAC, and of them those that the metadata names. */
function acceptedAlgorithm({ metadata }: IdentityProvider, alg: string): JwsAlgorithm | undefined {
  const stated = metadata?.id_token_signing_alg_values_supported
  return isJwsAlgorithm(alg) && (stated?.includes(alg) ?? true) ? alg : undefined
}

/** OIDC Core §10.1: without kid only when there is no choice, since a guess would accept whichever key fits. */
async function isSigned(jws: ParsedJws, alg: JwsAlgorithm, keys: RemoteKey[]): Promise<boolean> {
  const { kid } = jws.header
  const named = keys.filter((key) => (kid === undefined || key.kid === kid) && keyServesIssuer(key.issuer, jws.payload))
  const fitting = (await Promise.all(named.map((key) => importRemoteKey(key, alg)))).filter((key) => key !== undefined)
  const [key, ...others] = fitting
  return key !== undefined && others.length === 0 && verifyJws(jws, key, alg)
}

const malformed = (token: string): TokenFault => ({
  check: 'jwt',
  cause: `The token (${token.length} characters) is not a signed JWT of at most 16384 characters.`,
  fix: 'Let the provider send signed, unencrypted tokens with fewer claims (groups make them large).',
})

const wrongAlgorithm = ({ metadata }: IdentityProvider, alg: string): TokenFault => ({
  check: 'alg',
  cause: `The token is signed with ${shown(alg)}, but one of ${ours(metadata?.id_token_signing_alg_values_supported)} is expected.`,
  fix: 'Let the provider sign ID tokens for this client with RS256.',
})

const ours = (stated: string[] | undefined): string =>
  Object.keys(jwsAlgorithms)
    .filter((alg) => stated?.includes(alg) ?? true)
    .join(', ')

const noKeys = (fault: string): TokenFault => ({
  check: 'jwks',
  cause: `The provider's keys cannot be had: ${shown(fault)}.`,
  fix: 'Look whether the provider is up and its jwks_uri can be reached from this server.',
})

function wrongSignature({ header: { kid, alg } }: ParsedJws, keys: RemoteKey[]): TokenFault {
  const kids = shown(keys.map((key) => key.kid ?? '(no kid)').join(', '))
  return {
    check: 'signature',
    cause: `The token (kid ${shown(kid)}, alg ${alg}) is not signed by the one key of the provider that it names; its keys are ${kids}.`,
    fix: 'Sign in again in a minute if the provider has just changed its keys; otherwise correct the metadata endpoint.',
  }
}
