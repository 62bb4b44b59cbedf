// The public keys that others publish as a JWK set (RFC 7517 §5), fetched and kept for a while: those of clients and of external providers.
// A fetch belongs to the request that made it; what it leaves in memory is everybody's (no promise is shared between requests).

import type { AcceptedAlgorithm } from '../crypto/accepted-algorithms.ts'
import { importForeignKey, isPublicKey } from '../crypto/foreign-jwt.ts'
import { keyMembers } from '../crypto/jwk.ts'
import { fetchLimited, parseJsonBody } from './bounded-fetch.ts'

/** `kid` and the like are as the publisher wrote them: any type. `issuer`: Entra says whose tokens a key signs. */
export type RemoteKey = JsonWebKey & { kid?: string; issuer?: unknown }

export type RemoteKeys = { keys: RemoteKey[] } | { fault: string }

/** Whoever needs the keys now: a RequestContext. */
export interface Asker {
  /** Milliseconds since 1970. */
  now: number
  hops: number
  /** What went wrong on the way, for the operator. */
  fault: string | undefined
  issuer: { isLoopback: boolean }
}

export interface RemoteKeySource {
  memory: KeyMemory
  /** In the memory. */
  name: string
  uri: string
  internalHosts?: readonly string[]
  /** Milliseconds; 5000 unless less is left. */
  timeoutMs?: number
  /** Milliseconds that keys count after the last successful reading. */
  serveStaleFor: number
  /** A copy kept elsewhere. */
  copy?: { keys: RemoteKey[]; fetchedAt: number }
}

interface Fetched {
  keys: RemoteKey[] | undefined
  fetchedAt: number
  /** When somebody last went to ask. */
  askedAt: number
  /** That request is not back yet, or never came back. */
  isUnderWay: boolean
  failure: { fault: string; at: number } | undefined
}

/** The least recently used first. */
export type KeyMemory = Map<string, Fetched>

const minute = 60_000
const freshFor = 10 * minute
/** A newer set is asked for at most so often, whoever sends tokens that no key fits. */
const askAgainAfter = minute
const askAgainAfterFailure = 10_000
const mostKeys = 100
const mostRemembered = 100
const limits = { maxBytes: 256 * 1024, timeoutMs: 5000 }

/** From memory or the copy, else one fetch. */
export async function getRemoteKeys(source: RemoteKeySource, asker: Asker): Promise<RemoteKeys> {
  const known = recall(source)
  const { now } = asker
  if (known.keys && now - known.fetchedAt < freshFor) return { keys: known.keys }
  if (known.failure && now - known.failure.at < askAgainAfterFailure)
    return staleOr(source, known, known.failure.fault, now)
  if (isBeingFetched(known, now)) {
    // Old keys are good enough while another request is out for new ones.
    const old = staleOr(source, known, '', now)
    if ('keys' in old) return old
    await whatAnotherFetches(known, now)
    return staleOr(source, known, `${source.uri} has not answered yet`, now)
  }
  return staleOr(source, known, (await fetchKeys(source, known, asker)) ?? 'no keys', now)
}

/** Once `tried` do not fit. Undefined: nothing newer to be had now. */
export async function getNewerRemoteKeys(
  source: RemoteKeySource,
  tried: RemoteKey[],
  asker: Asker,
): Promise<RemoteKey[] | undefined> {
  const known = recall(source)
  if (known.keys === tried) {
    if (isBeingFetched(known, asker.now)) await whatAnotherFetches(known, asker.now)
    else if (asker.now - known.askedAt >= askAgainAfter) await fetchKeys(source, known, asker)
  }
  return known.keys === tried ? undefined : known.keys
}

function recall({ memory, name, copy }: RemoteKeySource): Fetched {
  const known = memory.get(name) ?? newEntry()
  memory.delete(name)
  memory.set(name, known)
  if (memory.size > mostRemembered) {
    const [oldest] = memory.keys()
    if (oldest !== undefined) memory.delete(oldest)
  }
  if (copy && copy.fetchedAt > known.fetchedAt) Object.assign(known, { keys: copy.keys, fetchedAt: copy.fetchedAt })
  return known
}

const newEntry = (): Fetched => ({
  keys: undefined,
  fetchedAt: 0,
  askedAt: 0,
  isUnderWay: false,
  failure: undefined,
})

/** A request whose caller left never comes back: it counts for as long as it may have taken. */
const isBeingFetched = ({ isUnderWay, askedAt }: Fetched, now: number): boolean =>
  isUnderWay && now - askedAt < limits.timeoutMs

const step = 50

async function whatAnotherFetches(known: Fetched, now: number): Promise<void> {
  const { askedAt } = known
  const patience = limits.timeoutMs - (now - askedAt)
  for (let waited = 0; known.isUnderWay && known.askedAt === askedAt && waited < patience; waited += step) {
    await scheduler.wait(step)
  }
}

function staleOr({ serveStaleFor }: RemoteKeySource, known: Fetched, fault: string, now: number): RemoteKeys {
  return known.keys && now - known.fetchedAt < serveStaleFor ? { keys: known.keys } : { fault }
}

/** Undefined: `known` has the new keys. */
async function fetchKeys(source: RemoteKeySource, known: Fetched, asker: Asker): Promise<string | undefined> {
  // Marked before the way out: whoever comes meanwhile does not ask as well.
  known.askedAt = asker.now
  known.isUnderWay = true
  const answer = await fetchKeySet(source, asker)
  known.isUnderWay = false
  if ('keys' in answer) {
    Object.assign(known, { keys: answer.keys, fetchedAt: asker.now, failure: undefined })
    return undefined
  }
  known.failure = { fault: answer.fault, at: asker.now }
  asker.fault = `jwks_uri: ${answer.fault}`
  return answer.fault
}

/** One fetch, nothing remembered. */
export async function fetchKeySet(
  {
    uri,
    internalHosts = [],
    timeoutMs = limits.timeoutMs,
  }: Pick<RemoteKeySource, 'uri' | 'internalHosts' | 'timeoutMs'>,
  asker: Pick<Asker, 'hops' | 'issuer'>,
): Promise<RemoteKeys> {
  asker.hops += 1
  const headers = { accept: 'application/jwk-set+json, application/json', 'user-agent': 'Countersign' }
  const bounds = { ...limits, timeoutMs, internalHosts, allowLoopback: asker.issuer.isLoopback }
  const answer = await fetchLimited(uri, bounds, { headers })
  if (answer.outcome === 'refused') return { fault: answer.reason }
  if (answer.status !== 200) return { fault: `${uri} answered with status ${answer.status}` }
  return parseKeySet(uri, answer.body)
}

/** Only public keys, and of them only what verification needs, so that a hundred large sets fit in memory. */
function parseKeySet(uri: string, body: Uint8Array): RemoteKeys {
  const document = parseJsonBody(body)
  if (!document) return { fault: `${uri} does not answer with a JSON object` }
  const { keys } = document
  if (!Array.isArray(keys)) return { fault: `${uri} does not answer with a JWK set` }
  if (keys.length > mostKeys) return { fault: `${uri} has ${keys.length} keys, more than ${mostKeys}` }
  return { keys: keys.filter(isRemoteKey).map(reduced) }
}

const isRemoteKey = (key: RemoteKey | null | undefined): key is RemoteKey =>
  typeof key?.kty === 'string' && isPublicKey(key)

function reduced(key: RemoteKey): RemoteKey {
  const { kid, alg, use, key_ops, issuer } = key
  const given = Object.entries({ kid, alg, use, key_ops, issuer }).filter(([, value]) => value !== undefined)
  return { ...keyMembers(key), ...Object.fromEntries(given) }
}

/** Imported once for each key that is in memory. */
const imported = new WeakMap<RemoteKey, Map<AcceptedAlgorithm, CryptoKey | undefined>>()

/** Returns undefined if the key is malformed, too weak, or made for something else. */
export async function importRemoteKey(jwk: RemoteKey, alg: AcceptedAlgorithm): Promise<CryptoKey | undefined> {
  const known = imported.get(jwk)
  if (known?.has(alg)) return known.get(alg)
  const key = await importForeignKey(jwk, alg)
  imported.set(jwk, new Map(known).set(alg, key))
  return key
}
