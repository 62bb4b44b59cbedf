// The public keys a client signs its assertions with: registered with it, or fetched from its jwks_uri (RFC 7591 §2) and kept for a while.

import { fetchLimited } from '../bounded-fetch.ts'
import type { RequestContext } from '../context.ts'
import { fromUtf8 } from '../crypto/encoding.ts'
import { keyMembers } from '../crypto/jwk.ts'
import type { Client } from '../protocol/client-metadata.ts'

/** `kid` and the like are as the client wrote them: any type. */
export type ClientKey = JsonWebKey & { kid?: string }

export type ClientKeys = { keys: ClientKey[] } | { fault: string }

const minute = 60_000
const freshFor = 10 * minute
/** A newer set is asked for at most so often, whoever sends assertions that no key fits. */
const askAgainAfter = minute
const serveStaleFor = 60 * minute
const askAgainAfterFailure = 10_000
const mostKeys = 100
const limits = { maxBytes: 256 * 1024, timeoutMs: 5000 }

interface Fetched {
  keys: ClientKey[] | undefined
  fetchedAt: number
  /** When somebody last went to ask. */
  askedAt: number
  failure: { fault: string; at: number } | undefined
}

const mostRemembered = 100
/** By jwks_uri; the least recently used first. */
const remembered = new Map<string, Fetched>()

/** From the client's record or from memory, else one fetch. */
export async function getClientKeys(client: Client, context: RequestContext): Promise<ClientKeys> {
  if (client.jwks) return { keys: client.jwks.keys.slice(0, mostKeys) }
  if (client.jwks_uri === null) return { fault: 'the client has no keys' }
  const { now } = context
  const known = recall(client.jwks_uri)
  if (known.keys && now - known.fetchedAt < freshFor) return { keys: known.keys }
  if (known.failure && now - known.failure.at < askAgainAfterFailure) return staleOr(known, known.failure.fault, now)
  const fault = await fetchKeys(client.jwks_uri, known, context)
  return fault === undefined && known.keys ? { keys: known.keys } : staleOr(known, fault ?? 'no keys', now)
}

/** Once the known keys do not fit. Undefined: nothing newer to be had now. */
export async function getNewerClientKeys(client: Client, context: RequestContext): Promise<ClientKey[] | undefined> {
  if (client.jwks || client.jwks_uri === null) return undefined
  const known = recall(client.jwks_uri)
  if (context.now - known.askedAt < askAgainAfter) return undefined
  const fault = await fetchKeys(client.jwks_uri, known, context)
  return fault === undefined ? known.keys : undefined
}

function recall(uri: string): Fetched {
  const known = remembered.get(uri) ?? { keys: undefined, fetchedAt: 0, askedAt: 0, failure: undefined }
  remembered.delete(uri)
  remembered.set(uri, known)
  if (remembered.size > mostRemembered) {
    const [oldest] = remembered.keys()
    if (oldest !== undefined) remembered.delete(oldest)
  }
  return known
}

function staleOr(known: Fetched, fault: string, now: number): ClientKeys {
  return known.keys && now - known.fetchedAt < serveStaleFor ? { keys: known.keys } : { fault }
}

/** Undefined: `known` has the new keys. */
async function fetchKeys(uri: string, known: Fetched, context: RequestContext): Promise<string | undefined> {
  context.hops += 1
  known.askedAt = context.now
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const answer = await fetchLimited(uri, { ...limits, allowLoopback: context.settings.isLoopback }, { headers })
  const keys = answer.outcome === 'answered' && answer.status === 200 ? parseKeys(answer.body) : undefined
  if (Array.isArray(keys)) {
    Object.assign(known, { keys, fetchedAt: context.now, failure: undefined })
    return undefined
  }
  const fault = keys ?? (answer.outcome === 'answered' ? `${uri} answered with status ${answer.status}` : answer.reason)
  known.failure = { fault, at: context.now }
  context.log.fault = `jwks_uri: ${fault}`
  return fault
}

/** Only what verification needs is kept, so that a hundred large sets fit in memory. */
function parseKeys(body: Uint8Array): ClientKey[] | string {
  let document: unknown
  try {
    document = JSON.parse(fromUtf8(body))
  } catch {
    return 'jwks_uri does not answer with JSON'
  }
  const keys = (document as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) return 'jwks_uri does not answer with a JWK set'
  if (keys.length > mostKeys) return `jwks_uri has ${keys.length} keys, more than ${mostKeys}`
  return keys.filter((key): key is ClientKey => typeof key?.kty === 'string').map(reduced)
}

function reduced(key: ClientKey): ClientKey {
  const { kid, alg, use, key_ops } = key
  const given = Object.entries({ kid, alg, use, key_ops }).filter(([, value]) => value !== undefined)
  return { ...keyMembers(key), ...Object.fromEntries(given) }
}
