// What a key may do at a given time: sign, be published, verify hints. The KeyRing writes a state when it is due, but readers go by the
// times alone, so a KeyRing that does not answer never stops a rotation.
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'

/** The key that signs with this algorithm now: the one activated last. `now` in milliseconds. */
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

/** An active key signs even before `activates_at`: the KeyRing activated it by its own clock, and ours may be behind. */
const maySignAt = (key: SigningKeyRecord, now: number): boolean =>
  (key.state === 'active' || (key.state === 'announced' && key.activates_at <= now)) && key.wrapped_private_key !== null

const isNewer = (key: SigningKeyRecord, other: SigningKeyRecord): boolean =>
  key.activates_at !== other.activates_at ? key.activates_at > other.activates_at : key.kid > other.kid

/** Announced keys are published at once, retired keys until the last token they signed has expired. */
export function isPublishedAt(key: SigningKeyRecord, now: number): boolean {
  return key.state !== 'gone' && (key.gone_at === null || key.gone_at > now)
}

/** Whether the key was retired in an emergency: it was unpublished at the same time, and no token it signed is accepted again. */
export const isRevoked = (key: SigningKeyRecord): boolean =>
  key.gone_at !== null && key.retired_at !== null && key.gone_at <= key.retired_at

/** An id_token_hint may be as old as the longest session (OIDC RP-Initiated Logout §2). `longestSession` is in seconds. */
export function isTrustedForHints(key: SigningKeyRecord, longestSession: number, now: number): boolean {
  if (isPublishedAt(key, now)) return true
  return !isRevoked(key) && key.gone_at !== null && key.gone_at + longestSession * 1000 > now
}
