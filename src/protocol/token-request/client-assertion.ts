// The claims of a client assertion, the JWT that a client authenticates with (RFC 7523 §3, OIDC Core §9).

import type { RefusalDetail } from '../../model/errors.ts'
import { shown } from '../../model/untrusted-text.ts'

export interface AssertionExpectation {
  client_id: string
  /** The audiences that name this server, the issuer first. */
  audiences: string[]
  /** Milliseconds. */
  now: number
  /** Seconds that the two clocks may differ. */
  clock_skew: number
}

/** Seconds. A longer-lived assertion would have to be remembered for longer, and would be worth more to a thief. */
export const longestAssertion = 600
const longestJti = 256

/** `expires_at` in milliseconds: the assertion is refused afterwards, so its `jti` need not be remembered any longer. */
export type AssertionVerdict = { jti: string; expires_at: number } | { fault: RefusalDetail }

type Claims = Record<string, unknown>

/** Validates the claims once the signature is verified. The caller checks that the `jti` is new. */
export function checkAssertionClaims(claims: Claims, expected: AssertionExpectation): AssertionVerdict {
  const fault = partiesFault(claims, expected) ?? clockFault(claims, expected)
  if (fault) return { fault }
  const { jti } = claims
  if (typeof jti === 'string' && jti !== '' && jti.length <= longestJti) {
    return { jti, expires_at: Math.ceil((Number(claims.exp) + expected.clock_skew) * 1000) }
  }
  return {
    fault: {
      check: 'client_assertion',
      expected: `jti, a string of 1 to ${longestJti} characters`,
      received: `jti ${shown(jti)}`,
      fix: 'give each assertion a new random jti',
    },
  }
}

function partiesFault(
  { iss, sub, aud }: Claims,
  { client_id, audiences }: AssertionExpectation,
): RefusalDetail | undefined {
  if (iss !== client_id || sub !== client_id) {
    return {
      check: 'client_assertion',
      expected: `iss and sub ${client_id}`,
      received: `iss ${shown(iss)}, sub ${shown(sub)}`,
      fix: 'put the client_id in both',
    }
  }
  // A single string: an array could name another server too, where the same assertion would then be valid (CVE-2025-27370).
  if (typeof aud === 'string' && audiences.includes(aud)) return undefined
  return {
    check: 'client_assertion',
    expected: `aud ${audiences[0]}, as a single string`,
    received: `aud ${shown(aud)}`,
    fix: 'send the issuer as aud',
  }
}

function clockFault({ exp, nbf, iat }: Claims, { now, clock_skew }: AssertionExpectation): RefusalDetail | undefined {
  const seconds = now / 1000
  const hasPassed = (time: unknown): boolean => isSeconds(time) && time <= seconds + clock_skew
  const faultOf = (expected: string): RefusalDetail => ({
    check: 'clock',
    expected,
    received: `exp ${moment(exp)}, nbf ${moment(nbf)}, iat ${moment(iat)}; here it is ${moment(seconds)}`,
    fix: `set the client's clock; an assertion may be valid for at most ${longestAssertion} seconds`,
  })
  if (!isSeconds(exp)) return faultOf('exp, in seconds since 1970')
  if (exp <= seconds - clock_skew) return faultOf('an exp that has not passed')
  if (exp > seconds + longestAssertion + clock_skew) return faultOf(`an exp at most ${longestAssertion} s away`)
  if (nbf !== undefined && !hasPassed(nbf)) return faultOf('an nbf that has passed')
  if (iat !== undefined && !hasPassed(iat)) return faultOf('an iat that has passed')
  return undefined
}

const isSeconds = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** Seconds that a Date can hold. */
const latestMoment = 8.64e12
const moment = (value: unknown): string =>
  isSeconds(value) && Math.abs(value) < latestMoment ? new Date(value * 1000).toISOString() : shown(value)
