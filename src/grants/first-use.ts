// What may be used once and belongs to no person: `jti` of client assertions and of logout tokens.

import { sha256 } from '../crypto/encoding.ts'
import type { RequestContext } from '../request/context.ts'
import { askOneTime } from './one-time/ask-one-time.ts'

const shards = 16

/** `what` names it, whoever it is of included; `expiresAt` in milliseconds, the same at every use. One hop, which marks it. */
export async function isFirstUse(context: RequestContext, what: string[], expiresAt: number): Promise<boolean> {
  const key = await sha256(JSON.stringify(what))
  const shard = key.charCodeAt(0) % shards
  return askOneTime(context, `use:${shard}`, (oneTime) => oneTime.use(key, expiresAt, context.now))
}
