// Calls a shard of OneTime.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { OneTime } from './one-time.ts'

/** One hop. `shard` is the name of the object: `use:3`, `revoked:7`, `refusals:strangers`, … */
export function askOneTime<T>(
  context: RequestContext,
  shard: string,
  call: (oneTime: Remote<OneTime>) => Promise<T>,
): Promise<T> {
  return hop(context, 'OneTime', () => call(stub(context.env.ONE_TIME, shard)))
}
