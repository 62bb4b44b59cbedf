// Single use of values that belong to no user: the `jti` of client assertions and of logout tokens.

import { sha256 } from '../crypto/encoding.ts'
import type { RequestContext } from '../request/context.ts'
import { askOneTime } from './one-time/ask-one-time.ts'

const shards = 16

/**
 * Returns true on the first use of `value`, false afterwards. `value` must include the issuer of the identifier. `expiresAt` (milliseconds)
 * must not vary between uses. One hop, which marks the value as used.
 */
export async function isFirstUse(context: RequestContext, value: string[], expiresAt: number): Promise<boolean> {
  const key = await sha256(JSON.stringify(value))
  const shard = key.charCodeAt(0) % shards
  return askOneTime(context, `use:${shard}`, (oneTime) => oneTime.use(key, expiresAt, context.now))
}
