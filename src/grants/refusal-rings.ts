// Refusals that administrators find by request id for 24 hours (DESIGN principle 6): one bounded ring per client, and one for requests
// without a known client.

import type { OAuthError } from '../model/errors.ts'
import { compact } from '../model/record.ts'
import type { Refusal } from '../model/refusal.ts'
import type { RequestContext } from '../request/context.ts'
import { askOneTime } from './one-time/ask-one-time.ts'

const shards = 16
const anonymousShard = 'refusals:strangers'

/** Stores the refusal, unless the rate limit of the caller's address is used up: then it is in the log only. */
export async function recordRefusal(context: RequestContext, endpoint: string, error: OAuthError): Promise<void> {
  if (!(await mayWrite(context))) return
  // Some checks do not know the client. Then the request does, once the client was authenticated or validated.
  const clientId = error.client_id ?? context.client?.client_id
  const client = clientId === undefined ? undefined : await findKnownClientId(context, clientId)
  const refusal: Refusal = {
    ...error.detail,
    request_id: context.requestId,
    at: context.now,
    endpoint,
    code: error.code,
    description: error.description,
    ...compact({ client_id: client }),
  }
  const shard = client ? shardOf(client) : anonymousShard
  await askOneTime(context, shard, (oneTime) => oneTime.recordRefusal(bounded(refusal), context.now))
}

/** Asks every shard at once, since a request id does not name its client. Returns undefined if none has the refusal. */
export async function findRefusal(context: RequestContext, requestId: string): Promise<Refusal | undefined> {
  const names = [anonymousShard, ...Array.from({ length: shards }, (_, index) => `refusals:${index}`)]
  const found = names.map((shard) =>
    askOneTime(context, shard, (oneTime) => oneTime.findRefusal(requestId, context.now)),
  )
  return (await Promise.all(found)).find((refusal) => refusal !== undefined)
}

async function findKnownClientId(context: RequestContext, clientId: string): Promise<string | undefined> {
  const client = await context.configuration.findClient(clientId)
  return client?.client_id
}

/** `client_id` may be unauthenticated here, so writes are limited per address (DESIGN principle 3). */
async function mayWrite(context: RequestContext): Promise<boolean> {
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key: `refusal:${context.address}` })
  return success
}

function shardOf(clientId: string): string {
  let hash = 0
  for (let at = 0; at < clientId.length; at += 1) hash = (hash * 31 + clientId.charCodeAt(at)) >>> 0
  return `refusals:${hash % shards}`
}

/** Characters of one text of a refusal. */
const maxTextLength = 2000

function bounded(refusal: Refusal): Refusal {
  const entries = Object.entries(refusal).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.slice(0, maxTextLength) : value,
  ])
  return Object.fromEntries(entries) as Refusal
}

/** Logs the refusal, and stores it after the response was sent. A refusal that cannot be stored is still in the log. */
export function noteRefusal(context: RequestContext, endpoint: string, error: OAuthError): void {
  context.log({ outcome: error.code, check: error.detail.check })
  const recorded = recordRefusal(context, endpoint, error).catch((fault: unknown) => {
    console.warn(
      JSON.stringify({
        level: 'warn',
        message: 'a refusal was not stored',
        request_id: context.requestId,
        fault: String(fault),
      }),
    )
  })
  context.waitUntil(recorded)
}
