// The signing keys of an external provider: cached in this isolate, beginning with the copy in D1, which serves while the provider's JWKS is down.
import type { ExternalProvider } from '../../model/external-provider.ts'
import {
  type FetchContext,
  getNewerRemoteKeys,
  getRemoteKeys,
  type KeyMemory,
  type RemoteKey,
  type RemoteKeySource,
  type RemoteKeys,
} from '../../outbound/remote-jwks.ts'

/** Milliseconds. Bounded, so that a key that was withdrawn because it leaked is not accepted for ever. */
const serveStaleFor = 24 * 3_600_000

const memory: KeyMemory = new Map()

/** `timeoutMs` is the time that is left for a fetch. */
export async function getProviderKeys(
  context: FetchContext,
  provider: ExternalProvider,
  timeoutMs: number,
): Promise<RemoteKeys> {
  const source = sourceOf(provider, timeoutMs)
  return source ? getRemoteKeys(context, source) : { fault: 'the metadata names no jwks_uri' }
}

/** Fetches the keys again after none of `tried` fitted: at most once a minute for each provider (I12). Returns undefined if there are no newer keys. */
export async function getNewerProviderKeys(
  context: FetchContext,
  provider: ExternalProvider,
  tried: RemoteKey[],
  timeoutMs: number,
): Promise<RemoteKey[] | undefined> {
  const source = sourceOf(provider, timeoutMs)
  return source && getNewerRemoteKeys(context, source, tried)
}

function sourceOf(provider: ExternalProvider, timeoutMs: number): RemoteKeySource | undefined {
  const { provider_id, metadata, jwks, metadata_fetched_at, internal_hosts: internalHosts } = provider
  const uri = metadata?.jwks_uri
  if (uri === undefined) return undefined
  // The cache key contains what identifies the provider's keys: a provider that was created again, or has another address, starts with an empty cache.
  const name = `${provider_id} ${provider.created_at} ${uri}`
  const copy = jwks ? { copy: { keys: jwks.keys, fetchedAt: metadata_fetched_at } } : {}
  return { memory, name, uri, internalHosts, timeoutMs, serveStaleFor, ...copy }
}
