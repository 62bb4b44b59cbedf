// Fetches and caches the JWK sets (RFC 7517 §5) of clients and external providers.
// A fetch belongs to the request that started it: requests share the cached result, never a promise.

import type { AcceptedAlgorithm } from '../crypto/accepted-algorithms.ts'
import { importForeignKey, isPublicKey } from '../crypto/foreign-jwt.ts'
import { keyMembers } from '../crypto/jwk.ts'
import { fetchLimited, parseJsonBody } from './bounded-fetch.ts'

/** Members such as `kid` are untrusted and may have any type. `issuer`: Entra names the issuer whose tokens the key signs. */
export type RemoteKey = JsonWebKey & { kid?: string; issuer?: unknown }

export type RemoteKeys = { keys: RemoteKey[] } | { fault: string }

/** The part of RequestContext that a fetch needs. */
export interface FetchContext {
  /** Milliseconds since 1970. */
  now: number
  hops: number
  /** Set to the last fault, for the operator's log. */
  fault: string | undefined
  issuer: { isLoopback: boolean }
}

export interface RemoteKeySource {
  memory: KeyMemory
  /** Key of the set in `memory`. */
  name: string
  uri: string
  internalHosts?: readonly string[]
  /** Milliseconds; 5000 by default. */
  timeoutMs?: number
  /** Milliseconds after the last successful fetch during which the keys may be used. */
  serveStaleFor: number
  /** A stored copy of the set. */
  copy?: { keys: RemoteKey[]; fetchedAt: number }
}

/** All times are milliseconds since 1970. */
interface CachedKeys {
  keys: RemoteKey[] | undefined
  fetchedAt: number
  /** Start of the last fetch. */
  startedAt: number
  /** The last fetch has not ended; if its caller disconnected, it never will. */
  isFetching: boolean
  failure: { fault: string; at: number } | undefined
}

/** The least recently used first. */
export type KeyMemory = Map<string, CachedKeys>

const minute = 60_000
const freshFor = 10 * minute
/** Limits how often tokens that no key fits can cause a fetch. */
const refetchAfter = minute
const refetchAfterFailure = 10_000
const maxKeys = 100
const maxCachedSets = 100
const limits = { maxBytes: 256 * 1024, timeoutMs: 5000 }

/** Returns the keys from memory or the stored copy, or fetches them. At most one hop. */
export async function getRemoteKeys(context: FetchContext, source: RemoteKeySource): Promise<RemoteKeys> {
  const known = findCached(source)
  const { now } = context
  if (known.keys && now - known.fetchedAt < freshFor) return { keys: known.keys }
  if (known.failure && now - known.failure.at < refetchAfterFailure)
    return usableOr(source, known, known.failure.fault, now)
  if (isBeingFetched(known, now)) {
    // Old keys are used while another request fetches new ones.
    const old = usableOr(source, known, '', now)
    if ('keys' in old) return old
    await waitForOtherFetch(known, now)
    return usableOr(source, known, `${source.uri} has not answered yet`, now)
  }
  return usableOr(source, known, (await fetchKeys(context, source, known)) ?? 'no keys', now)
}

/**
 * Refetches the JWK set after a signature did not verify with `tried`. Returns undefined if there is no newer set now: it is fetched at most
 * once per minute.
 */
export async function getNewerRemoteKeys(
  context: FetchContext,
  source: RemoteKeySource,
  tried: RemoteKey[],
): Promise<RemoteKey[] | undefined> {
  const known = findCached(source)
  if (known.keys === tried) {
    if (isBeingFetched(known, context.now)) await waitForOtherFetch(known, context.now)
    else if (context.now - known.startedAt >= refetchAfter) await fetchKeys(context, source, known)
  }
  return known.keys === tried ? undefined : known.keys
}

function findCached({ memory, name, copy }: RemoteKeySource): CachedKeys {
  const known = memory.get(name) ?? newEntry()
  memory.delete(name)
  memory.set(name, known)
  if (memory.size > maxCachedSets) {
    const [oldest] = memory.keys()
    if (oldest !== undefined) memory.delete(oldest)
  }
  if (copy && copy.fetchedAt > known.fetchedAt) Object.assign(known, { keys: copy.keys, fetchedAt: copy.fetchedAt })
  return known
}

const newEntry = (): CachedKeys => ({
  keys: undefined,
  fetchedAt: 0,
  startedAt: 0,
  isFetching: false,
  failure: undefined,
})

/** A fetch whose caller disconnected never ends, so it counts only until its timeout. */
const isBeingFetched = ({ isFetching, startedAt }: CachedKeys, now: number): boolean =>
  isFetching && now - startedAt < limits.timeoutMs

/** Milliseconds. */
const pollInterval = 50

async function waitForOtherFetch(known: CachedKeys, now: number): Promise<void> {
  const { startedAt } = known
  const timeLeft = limits.timeoutMs - (now - startedAt)
  for (let waited = 0; known.isFetching && known.startedAt === startedAt && waited < timeLeft; waited += pollInterval) {
    await scheduler.wait(pollInterval)
  }
}

function usableOr({ serveStaleFor }: RemoteKeySource, known: CachedKeys, fault: string, now: number): RemoteKeys {
  return known.keys && now - known.fetchedAt < serveStaleFor ? { keys: known.keys } : { fault }
}

/** Returns undefined if `known` has the new keys now, else the fault. */
async function fetchKeys(
  context: FetchContext,
  source: RemoteKeySource,
  known: CachedKeys,
): Promise<string | undefined> {
  // Mark before the fetch, so that other requests do not fetch as well.
  known.startedAt = context.now
  known.isFetching = true
  const answer = await fetchKeySet(context, source)
  known.isFetching = false
  if ('keys' in answer) {
    Object.assign(known, { keys: answer.keys, fetchedAt: context.now, failure: undefined })
    return undefined
  }
  known.failure = { fault: answer.fault, at: context.now }
  context.fault = `jwks_uri: ${answer.fault}`
  return answer.fault
}

/** Fetches once; caches nothing. One hop. */
export async function fetchKeySet(
  context: Pick<FetchContext, 'hops' | 'issuer'>,
  {
    uri,
    internalHosts = [],
    timeoutMs = limits.timeoutMs,
  }: Pick<RemoteKeySource, 'uri' | 'internalHosts' | 'timeoutMs'>,
): Promise<RemoteKeys> {
  context.hops += 1
  const headers = { accept: 'application/jwk-set+json, application/json', 'user-agent': 'Countersign' }
  const bounds = { ...limits, timeoutMs, internalHosts, allowLoopback: context.issuer.isLoopback }
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
  if (keys.length > maxKeys) return { fault: `${uri} has ${keys.length} keys, more than ${maxKeys}` }
  return { keys: keys.filter(isRemoteKey).map(onlyNeededMembers) }
}

const isRemoteKey = (key: RemoteKey | null | undefined): key is RemoteKey =>
  typeof key?.kty === 'string' && isPublicKey(key)

function onlyNeededMembers(key: RemoteKey): RemoteKey {
  const { kid, alg, use, key_ops, issuer } = key
  const given = Object.entries({ kid, alg, use, key_ops, issuer }).filter(([, value]) => value !== undefined)
  return { ...keyMembers(key), ...Object.fromEntries(given) }
}

/** Each key in memory is imported once. */
const imported = new WeakMap<RemoteKey, Map<AcceptedAlgorithm, CryptoKey | undefined>>()

/** Returns undefined if the key is malformed, too weak, or made for something else. */
export async function importRemoteKey(jwk: RemoteKey, alg: AcceptedAlgorithm): Promise<CryptoKey | undefined> {
  const known = imported.get(jwk)
  if (known?.has(alg)) return known.get(alg)
  const key = await importForeignKey(jwk, alg)
  imported.set(jwk, new Map(known).set(alg, key))
  return key
}
