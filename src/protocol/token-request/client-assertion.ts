// What a client must say in the JWT it authenticates with (RFC 7523 §3, OIDC Core §9).

import type { RefusalDetail } from '../../model/errors.ts'
import { printable } from '../../model/untrusted-text.ts'

export interface AssertionExpectation {
  client_id: string
  /** The names this server goes by: issuer first. */
  audiences: string[]
  /** Milliseconds. */
  now: number
  /** Seconds that the two clocks may differ. */
  clock_skew: number
}

/** Seconds: an assertion that is good for longer has to be remembered for longer, and is worth more to a thief. */
export const longestAssertion = 600
const longestJti = 256

export type AssertionVerdict =
  /** `expires_at` in milliseconds: nobody accepts the assertion after it. */
  { jti: string; expires_at: number } | { fault: RefusalDetail }

export function checkAssertionClaims(
  claims: Record<string, unknown>,
  { client_id, audiences, now, clock_skew }: AssertionExpectation,
): AssertionVerdict {
  const { iss, sub, aud, jti } = claims
  if (iss !== client_id || sub !== client_id) {
    return fault(
      'client_assertion',
      `iss and sub ${client_id}`,
      `iss ${text(iss)}, sub ${text(sub)}`,
      'put the client_id in both',
    )
  }
  // One string: in an array another server may stand beside us, to whom the same assertion would be good (CVE-2025-27370).
  if (typeof aud !== 'string' || !audiences.includes(aud)) {
    return fault(
      'client_assertion',
      `aud ${audiences[0]}, as a single string`,
      `aud ${text(aud)}`,
      'send the issuer as aud',
    )
  }
  const clock = clockFault(claims, now / 1000, clock_skew)
  if (clock) return clock
  if (typeof jti !== 'string' || jti === '' || jti.length > longestJti) {
    const expected = `jti, a string of 1 to ${longestJti} characters`
    return fault('client_assertion', expected, `jti ${text(jti)}`, 'give each assertion a new random jti')
  }
  return { jti, expires_at: Math.ceil((Number(claims.exp) + clock_skew) * 1000) }
}

function clockFault(
  { exp, nbf, iat }: Record<string, unknown>,
  now: number,
  skew: number,
): { fault: RefusalDetail } | undefined {
  const fix = `set the client's clock; assertions may be good for ${longestAssertion} seconds at most`
  const at = new Date(now * 1000).toISOString()
  const received = `exp ${moment(exp)}, nbf ${moment(nbf)}, iat ${moment(iat)}; here it is ${at}`
  if (!isSeconds(exp)) return fault('clock', 'exp, in seconds since 1970', received, fix)
  if (exp <= now - skew) return fault('clock', 'an exp that has not passed', received, fix)
  if (exp > now + longestAssertion + skew)
    return fault('clock', `an exp at most ${longestAssertion} s away`, received, fix)
  if (nbf !== undefined && !(isSeconds(nbf) && nbf <= now + skew))
    return fault('clock', 'an nbf that has passed', received, fix)
  if (iat !== undefined && !(isSeconds(iat) && iat <= now + skew))
    return fault('clock', 'an iat that has passed', received, fix)
  return undefined
}

const isSeconds = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const latestMoment = 8.64e12
const moment = (value: unknown): string =>
  isSeconds(value) && Math.abs(value) < latestMoment ? new Date(value * 1000).toISOString() : text(value)

const text = (value: unknown): string => (value === undefined ? '(none)' : printable(JSON.stringify(value) ?? '', 200))

const fault = (check: string, expected: string, received: string, fix: string): { fault: RefusalDetail } => ({
  fault: { check, expected, received, fix },
})
