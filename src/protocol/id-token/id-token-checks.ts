// The claims of an external provider's ID token, checked once its signature is verified (OIDC Core §2, §3.1.3.7, §3.1.3.8).
import type { AcceptedAlgorithm } from '../../crypto/accepted-algorithms.ts'
import type { AttemptCheck } from '../../model/login-attempt.ts'
import { shown } from '../../model/untrusted-text.ts'
import { claimHash } from './claim-hash.ts'

export interface IdTokenExpectation {
  client_id: string
  /** The accepted issuers, as a fault names them. */
  issuers: readonly string[]
  /** A function, because one provider may serve many tenants, each with an issuer of its own. */
  acceptsIssuer(claims: Claims): boolean
  /** The nonce of the request; absent for logout tokens, which answer no request. */
  nonce?: string
  /** Milliseconds. */
  now: number
  /** Seconds that the two clocks may differ. */
  clock_skew: number
}

/** `check` is a short stable name. `cause` and `fix` are one sentence each, for the operator. */
export interface TokenFault {
  check: AttemptCheck
  cause: string
  fix: string
}

type Claims = Record<string, unknown>
export type TokenCheck<Fault> = (claims: Claims, expected: IdTokenExpectation) => Fault | undefined

const idTokenChecks: TokenCheck<TokenFault>[] = [
  checkIssuer,
  checkSubject,
  checkAudience,
  checkAuthorizedParty,
  checkExpiry,
  checkIssuedAt,
  checkNotBefore,
  checkNonce,
  checkAuthTime,
]

/** The first fault of the claims. Returns undefined if they are valid. */
export const idTokenFault: TokenCheck<TokenFault> = (claims, expected) => firstFault(idTokenChecks, claims, expected)

export function firstFault<Fault>(
  checks: TokenCheck<Fault>[],
  claims: Claims,
  expected: IdTokenExpectation,
): Fault | undefined {
  for (const check of checks) {
    const fault = check(claims, expected)
    if (fault) return fault
  }
  return undefined
}

/** §3.1.3.7 rule 2. */
export function checkIssuer(claims: Claims, expected: IdTokenExpectation): TokenFault | undefined {
  if (expected.acceptsIssuer(claims)) return undefined
  return {
    check: 'issuer',
    cause: `The token's issuer is ${shown(claims.iss)}, but this provider expects ${expected.issuers.join(' or ')}.`,
    fix: 'Allow additional issuers and add this one, or correct the metadata endpoint.',
  }
}

/** §2: at most 255 characters. */
export function checkSubject({ sub }: Claims): TokenFault | undefined {
  if (isSubject(sub)) return undefined
  return fault({
    check: 'subject',
    cause: `The token's sub is ${shown(sub)}, but a text of 1 to 255 characters is expected.`,
  })
}

export const isSubject = (sub: unknown): sub is string => typeof sub === 'string' && sub.length > 0 && sub.length <= 255

/** §3.1.3.7 rule 3. */
export function checkAudience({ aud }: Claims, { client_id }: IdTokenExpectation): TokenFault | undefined {
  if (audiencesOf(aud).includes(client_id)) return undefined
  return {
    check: 'audience',
    cause: `The token is for ${shown(aud)}, but this provider's client id is ${client_id}.`,
    fix: 'Enter the client id that the provider registered for this server.',
  }
}

/** §3.1.3.7 rules 4 and 5: a token with several audiences may have been issued to another client. */
export function checkAuthorizedParty({ aud, azp }: Claims, { client_id }: IdTokenExpectation): TokenFault | undefined {
  if (azp === client_id || (azp === undefined && audiencesOf(aud).length === 1)) return undefined
  return fault({
    check: 'azp',
    cause: `The token was issued to azp ${shown(azp)} for ${shown(aud)}, but this provider's client id is ${client_id}.`,
  })
}

/** §3.1.3.7 rule 9. */
export function checkExpiry(claims: Claims, expected: IdTokenExpectation): TokenFault | undefined {
  return isSeconds(claims.exp) && claims.exp > secondsOf(expected) - expected.clock_skew
    ? undefined
    : clockFault('exp', claims, 'a time that has not passed', expected)
}

/** Seconds. §3.1.3.7 rule 10 leaves the limit to the relying party. */
const oldest = 600

export function checkIssuedAt(claims: Claims, expected: IdTokenExpectation): TokenFault | undefined {
  const { iat } = claims
  const now = secondsOf(expected)
  const isRecent = isSeconds(iat) && iat <= now + expected.clock_skew && iat >= now - oldest - expected.clock_skew
  return isRecent ? undefined : clockFault('iat', claims, `a time within the last ${oldest} seconds`, expected)
}

/** RFC 7519 §4.1.5. */
function checkNotBefore(claims: Claims, expected: IdTokenExpectation): TokenFault | undefined {
  const { nbf } = claims
  if (nbf === undefined || (isSeconds(nbf) && nbf <= secondsOf(expected) + expected.clock_skew)) return undefined
  return clockFault('nbf', claims, 'a time that has passed', expected)
}

/** §3.1.3.7 rule 11: the token answers the request that this browser sent. */
function checkNonce({ nonce }: Claims, expected: IdTokenExpectation): TokenFault | undefined {
  if (expected.nonce !== undefined && nonce === expected.nonce) return undefined
  const received = nonce === undefined ? 'has no nonce' : 'has the nonce of another sign-in'
  return fault({ check: 'nonce', cause: `The token ${received}, but this sign-in sent one of its own.` })
}

function checkAuthTime({ auth_time }: Claims): TokenFault | undefined {
  if (auth_time === undefined || isSeconds(auth_time)) return undefined
  return fault({
    check: 'auth_time',
    cause: `The token's auth_time is ${shown(auth_time)}, but seconds since 1970 are expected.`,
  })
}

/** §3.1.3.8: the access token was issued with this ID token. Returns undefined if it was, or if at_hash or the access token is absent. */
export async function accessTokenFault(
  { at_hash }: Claims,
  alg: AcceptedAlgorithm,
  accessToken: string | undefined,
): Promise<TokenFault | undefined> {
  if (at_hash === undefined || accessToken === undefined) return undefined
  if (at_hash === (await claimHash(accessToken, alg))) return undefined
  return fault({ check: 'at_hash', cause: "The ID token's at_hash does not fit the access token that came with it." })
}

const audiencesOf = (aud: unknown): unknown[] => (Array.isArray(aud) ? aud : [aud])
const secondsOf = ({ now }: IdTokenExpectation): number => now / 1000
const isSeconds = (value: unknown): value is number => typeof value === 'number' && value > 0 && value < 8.64e12

function clockFault(
  name: 'exp' | 'iat' | 'nbf',
  { [name]: value }: Claims,
  expected: string,
  { now }: IdTokenExpectation,
): TokenFault {
  const received = isSeconds(value) ? new Date(value * 1000).toISOString() : shown(value)
  return {
    check: name,
    cause: `The token's ${name} is ${received}, but ${expected} is expected; here it is ${new Date(now).toISOString()}.`,
    fix: "Compare the provider's clock and the lifetime of its ID tokens with the time here.",
  }
}

const fault = (found: Pick<TokenFault, 'check' | 'cause'>): TokenFault => ({
  ...found,
  fix: 'Tell the administrator of the provider: its token is not what OpenID Connect asks for.',
})
