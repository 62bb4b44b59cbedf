// The public keys that verify a client's assertions: those of its record, or those of its jwks_uri (RFC 7591 §2), which are cached.

import type { Client } from '../../model/client.ts'
import {
  getNewerRemoteKeys,
  getRemoteKeys,
  type KeyMemory,
  type RemoteKey,
  type RemoteKeySource,
  type RemoteKeys,
} from '../../outbound/remote-jwks.ts'
import type { RequestContext } from '../../request/context.ts'

const mostKeys = 100
const hour = 3_600_000

/** The cached key sets, by jwks_uri. */
const memory: KeyMemory = new Map()

const sourceOf = (uri: string): RemoteKeySource => ({ memory, name: uri, uri, serveStaleFor: hour })

/** One fetch, unless the keys are in the client's record or cached. Returns a fault if the client has no keys or they cannot be fetched. */
export async function getClientKeys(context: RequestContext, client: Client): Promise<RemoteKeys> {
  if (client.jwks) return { keys: client.jwks.keys.slice(0, mostKeys) }
  if (client.jwks_uri === null) return { fault: 'the client has no keys' }
  return getRemoteKeys(context, sourceOf(client.jwks_uri))
}

/** Fetches the JWKS again after no key in `tried` verified the signature. Returns undefined if no newer set is available now. */
export async function getNewerClientKeys(
  context: RequestContext,
  client: Client,
  tried: RemoteKey[],
): Promise<RemoteKey[] | undefined> {
  if (client.jwks || client.jwks_uri === null) return undefined
  return getNewerRemoteKeys(context, sourceOf(client.jwks_uri), tried)
}
