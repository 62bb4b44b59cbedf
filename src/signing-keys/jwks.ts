// The JWKS (RFC 7517 §5, OIDC Discovery §3): the public part of the ring.

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
  /** An empty set must not be cached: a client that cached it would not know the first key. */
  isEmpty: boolean
}

/** The members that are published. An allow list, so that no private member of a row can leave (RFC 7517 §9.2). */
const publicMembers = ['kty', 'use', 'alg', 'kid', 'n', 'e', 'crv', 'x', 'y', 'x5c', 'x5t', 'x5t#S256']

/** Announced, active and retired keys, the newest first. `now` in milliseconds. */
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

interface CachedJwks {
  jwks: PublishedJwks
  /** Milliseconds since 1970: when the next retired key is unpublished. */
  until: number
}

/** By the list of keys: each read of the configuration makes a new list. */
const cache = new WeakMap<readonly SigningKeyRecord[], CachedJwks>()

/** The document of /.well-known/openid-configuration/jwks. No hop while the configuration has a key. */
export async function publishedJwks(context: RequestContext): Promise<PublishedJwks> {
  if (context.configuration.keys.length === 0) await askForFirstKey(context)
  const { keys } = context.configuration
  const cached = cache.get(keys)
  if (cached && context.now < cached.until) return cached.jwks
  const published = publishedKeys(context)
  const body = JSON.stringify({ keys: published })
  const jwks = { body, etag: `"${(await sha256(body)).slice(0, 22)}"`, isEmpty: published.length === 0 }
  cache.set(keys, { jwks, until: nextUnpublishing(keys, context.now) })
  return jwks
}

/** Milliseconds. */
const askAgainAfter = 5000
/** When this isolate last asked for a first key. The limit keeps anonymous requests from reaching the KeyRing each time. */
const askedAt = new WeakMap<Env, number>()

/** Makes the first key before the first token needs it. A failure is ignored: an empty set is a valid response. */
async function askForFirstKey(context: RequestContext): Promise<void> {
  if (context.now - (askedAt.get(context.env) ?? 0) < askAgainAfter) return
  askedAt.set(context.env, context.now)
  await ensureKeys(context).catch(() => undefined)
}

function nextUnpublishing(keys: readonly SigningKeyRecord[], now: number): number {
  const times = keys.filter((key) => isPublishedAt(key, now)).flatMap((key) => key.gone_at ?? [])
  return Math.min(Number.POSITIVE_INFINITY, ...times)
}
