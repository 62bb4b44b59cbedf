// The public keys a client signs its assertions with: registered with it, or fetched from its jwks_uri (RFC 7591 §2) and kept for a while.

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

/** By jwks_uri. */
const memory: KeyMemory = new Map()

const sourceOf = (uri: string): RemoteKeySource => ({ memory, name: uri, uri, serveStaleFor: hour })

/** From the client's record or from memory, else one fetch. */
export async function getClientKeys(context: RequestContext, client: Client): Promise<RemoteKeys> {
  if (client.jwks) return { keys: client.jwks.keys.slice(0, mostKeys) }
  if (client.jwks_uri === null) return { fault: 'the client has no keys' }
  return getRemoteKeys(context, sourceOf(client.jwks_uri))
}

/** Once `tried` do not fit. Undefined: nothing newer to be had now. */
export async function getNewerClientKeys(
  context: RequestContext,
  client: Client,
  tried: RemoteKey[],
): Promise<RemoteKey[] | undefined> {
  if (client.jwks || client.jwks_uri === null) return undefined
  return getNewerRemoteKeys(context, sourceOf(client.jwks_uri), tried)
}
