// The keys an external provider signs with: in this isolate's memory, started from the copy in D1, which serves on while its JWKS is down.
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

/** Milliseconds: a key that was withdrawn because it leaked must not count for ever. */
const serveStaleFor = 24 * 3_600_000

const memory: KeyMemory = new Map()

/** `timeoutMs`: what is left for a fetch. */
export async function getProviderKeys(
  context: FetchContext,
  provider: ExternalProvider,
  timeoutMs: number,
): Promise<RemoteKeys> {
  const source = sourceOf(provider, timeoutMs)
  return source ? getRemoteKeys(context, source) : { fault: 'the metadata names no jwks_uri' }
}

/** Once `tried` do not fit: at most one fetch a minute for each provider (I12). Undefined: nothing newer to be had now. */
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
  // A provider that is made anew, or that points elsewhere now, begins with nothing of what was.
  const name = `${provider_id} ${provider.created_at} ${uri}`
  const copy = jwks ? { copy: { keys: jwks.keys, fetchedAt: metadata_fetched_at } } : {}
  return { memory, name, uri, internalHosts, timeoutMs, serveStaleFor, ...copy }
}
