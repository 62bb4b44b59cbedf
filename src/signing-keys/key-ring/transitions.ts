// Transitions of a key, announced → active → retired → gone: which are due, and when the next one is. Pure; the KeyRing writes them.
import type { SigningAlgorithm } from '../../crypto/signing-algorithms.ts'
import type { SigningKeyRecord } from '../../storage/configuration-reads.ts'
import type { KeyTransition, RingRecords } from '../../storage/signing-keys.ts'
import { signingKeyAt } from './key-states.ts'

/**
 * Milliseconds from a key's first publication to its first signature. By then every cached JWKS has been replaced, including those that
 * isolates serve while D1 does not answer (`serve_stale_for`).
 */
export function announcePeriod({ settings }: Pick<RingRecords, 'settings'>): number {
  return Math.max(settings.key_announce_period, settings.jwks_max_age + settings.serve_stale_for) * 1000
}

/** Milliseconds from a key's last signature until every token it signed has expired. */
export function publishedAfterRetirement({ settings, longestTokenLifetime }: RingRecords): number {
  return (longestTokenLifetime + settings.clock_skew + settings.serve_stale_for) * 1000
}

/** OIDC Core §15.1: RS256 is mandatory. */
export const wantedAlgorithms = ({ settings }: Pick<RingRecords, 'settings'>): SigningAlgorithm[] => [
  ...new Set(['RS256', ...settings.signing_algs] as const),
]

export const withoutSigningKey = (
  algs: SigningAlgorithm[],
  keys: SigningKeyRecord[],
  now: number,
): SigningAlgorithm[] => algs.filter((alg) => !signingKeyAt(keys, alg, now))

export function dueTransitions(ring: RingRecords, now: number): KeyTransition[] {
  return ring.keys.flatMap((key) => dueTransition(key, ring, now) ?? [])
}

function dueTransition(key: SigningKeyRecord, ring: RingRecords, now: number): KeyTransition | undefined {
  const { kid, state: from } = key
  if (from === 'retired' && key.gone_at !== null && key.gone_at <= now) {
    return { kid, action: 'key.gone', from, set: { state: 'gone', wrapped_private_key: null } }
  }
  if (from !== 'active' && (from !== 'announced' || key.activates_at > now)) return undefined
  const signing = signingKeyAt(ring.keys, key.alg, now)
  // Readers switched to the new key at its activation time, even if the KeyRing notices later.
  if (signing && signing.kid !== kid) return retirement(key, signing.activates_at, ring)
  return from === 'announced' ? { kid, action: 'key.activated', from, set: { state: 'active' } } : undefined
}

export function retirement({ kid, state: from }: SigningKeyRecord, at: number, ring: RingRecords): KeyTransition {
  const set = { state: 'retired' as const, retired_at: at, gone_at: at + publishedAfterRetirement(ring) }
  return { kid, action: 'key.retired', from, set }
}

/** Revokes every entry of the version, in any state, since they share one private key. See `isRevoked`. */
export function revocations(keys: SigningKeyRecord[], version: string, now: number): KeyTransition[] {
  const set = { state: 'gone', retired_at: now, gone_at: now, wrapped_private_key: null } as const
  return keys.filter((key) => key.version === version).map(({ kid }) => ({ kid, action: 'key.revoked', set }))
}

/** Activates announced keys early for `algs`: algorithms that have no other key left. */
export function promotions(keys: SigningKeyRecord[], algs: string[], now: number): KeyTransition[] {
  const announced = algs.flatMap((alg) => keys.find((key) => key.alg === alg && key.state === 'announced') ?? [])
  return announced.map(({ kid }) => {
    return { kid, action: 'key.activated', from: 'announced', set: { state: 'active', activates_at: now } }
  })
}

export function applyTransitions(keys: SigningKeyRecord[], transitions: KeyTransition[]): SigningKeyRecord[] {
  const changes = new Map(transitions.map(({ kid, set }) => [kid, set]))
  return keys.map((key) => ({ ...key, ...changes.get(key.kid) }))
}

/** Milliseconds since 1970. Returns undefined if no transition is ahead. */
export function nextTransitionAt(keys: readonly SigningKeyRecord[]): number | undefined {
  const times = keys.flatMap((key) => {
    if (key.state === 'announced') return key.activates_at
    return key.state === 'retired' && key.gone_at !== null ? key.gone_at : []
  })
  return times.length > 0 ? Math.min(...times) : undefined
}
