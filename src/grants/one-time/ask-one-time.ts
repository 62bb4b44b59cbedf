// Asks a shard of OneTime.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { OneTime } from './one-time.ts'

/** `shard`: `use:3`, `revoked:7`, `refusals:strangers`, … */
export function askOneTime<T>(
  context: RequestContext,
  shard: string,
  question: (oneTime: Remote<OneTime>) => Promise<T>,
): Promise<T> {
  return hop(context, 'OneTime', () => question(stub(context.env.ONE_TIME, shard)))
}
