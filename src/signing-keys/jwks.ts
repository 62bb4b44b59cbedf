// JWKS (RFC 7517 §5, OIDC Discovery §3): what other parties see of the ring.

import { sha256 } from '../crypto/encoding.ts'
import type { RequestContext } from '../request/context.ts'
import type { SigningKeyRecord } from '../storage/configuration-reads.ts'
import { ensureKeys } from './ensure-keys.ts'
import { isPublishedAt } from './key-ring/key-states.ts'

export type PublicJwk = Record<string, unknown>

export interface PublishedJwks {
  body: string
  /** A strong entity tag (RFC 9110 §8.8.3). */
  etag: string
  /** An empty set must never be cached: the first key would be unknown to whoever did. */
  isEmpty: boolean
}

/** RFC 7517 §9.2: the members that may leave, by name; whatever else a row might hold stays. */
const publicMembers = ['kty', 'use', 'alg', 'kid', 'n', 'e', 'crv', 'x', 'y', 'x5c', 'x5t', 'x5t#S256']

/** Announced, active and retired keys, the newest first. */
export function publishedKeys(context: RequestContext, now: number = context.now): PublicJwk[] {
  return context.configuration.keys
    .filter((key) => isPublishedAt(key, now))
    .sort((a, b) => b.activates_at - a.activates_at)
    .map((key) => {
      const members = new Map<string, unknown>(Object.entries(key.public_jwk))
      return Object.fromEntries(
        publicMembers.filter((name) => members.has(name)).map((name) => [name, members.get(name)]),
      )
    })
}

interface Remembered {
  jwks: PublishedJwks
  /** Milliseconds: when the next retired key leaves. */
  until: number
}

/** One entry per reading of the configuration, which is a new list each time. */
const remembered = new WeakMap<readonly SigningKeyRecord[], Remembered>()

/** The document of /.well-known/openid-configuration/jwks. No hop while there is a key. */
export async function publishedJwks(context: RequestContext): Promise<PublishedJwks> {
  if (context.configuration.keys.length === 0) await askForFirstKey(context)
  const { keys } = context.configuration
  const known = remembered.get(keys)
  if (known && context.now < known.until) return known.jwks
  const published = publishedKeys(context)
  const body = JSON.stringify({ keys: published })
  const jwks = { body, etag: `"${(await sha256(body)).slice(0, 22)}"`, isEmpty: published.length === 0 }
  remembered.set(keys, { jwks, until: nextDeparture(keys, context.now) })
  return jwks
}

const askAgainAfter = 5000
/** When this isolate last asked for a first key: strangers must not reach the ring with every request. */
const askedAt = new WeakMap<Env, number>()

/** Whoever fetches the keys before the first token was issued gets them too. An empty set is an answer, so no failure is passed on. */
async function askForFirstKey(context: RequestContext): Promise<void> {
  if (context.now - (askedAt.get(context.env) ?? 0) < askAgainAfter) return
  askedAt.set(context.env, context.now)
  await ensureKeys(context).catch(() => undefined)
}

function nextDeparture(keys: readonly SigningKeyRecord[], now: number): number {
  const departures = keys.filter((key) => isPublishedAt(key, now)).flatMap((key) => key.gone_at ?? [])
  return Math.min(Number.POSITIVE_INFINITY, ...departures)
}
