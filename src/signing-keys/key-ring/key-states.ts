// What a key may do at a given time (DESIGN §5). The KeyRing writes states when their time has come; readers judge by time alone, so that a
// ring that does not answer never stops a rotation.
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'

/** The key that signs with this algorithm now: of those whose time has come, the newest. */
export function signingKeyAt(
  keys: readonly SigningKeyRecord[],
  alg: string,
  now: number,
): SigningKeyRecord | undefined {
  let signing: SigningKeyRecord | undefined
  for (const key of keys) {
    if (key.alg === alg && maySignAt(key, now) && (!signing || isNewer(key, signing))) signing = key
  }
  return signing
}

/** An active key signs whatever our clock says: the ring has judged its time by its own, and a clock that is behind must not stop it. */
const maySignAt = (key: SigningKeyRecord, now: number): boolean =>
  (key.state === 'active' || (key.state === 'announced' && key.activates_at <= now)) && key.wrapped_private_key !== null

const isNewer = (key: SigningKeyRecord, other: SigningKeyRecord): boolean =>
  key.activates_at !== other.activates_at ? key.activates_at > other.activates_at : key.kid > other.kid

/** Announced keys are published at once, retired ones until the last token they signed is dead. */
export function isPublishedAt(key: SigningKeyRecord, now: number): boolean {
  return key.state !== 'gone' && (key.gone_at === null || key.gone_at > now)
}

/** Retired in an emergency: it left in the moment it retired, and nothing it signed is believed again. */
export const isRevoked = (key: SigningKeyRecord): boolean =>
  key.gone_at !== null && key.retired_at !== null && key.gone_at <= key.retired_at

/** An id_token_hint may be as old as the longest session (OIDC RP-Initiated Logout §2). `longestSession` in seconds. */
export function isTrustedForHints(key: SigningKeyRecord, longestSession: number, now: number): boolean {
  if (isPublishedAt(key, now)) return true
  return !isRevoked(key) && key.gone_at !== null && key.gone_at + longestSession * 1000 > now
}
