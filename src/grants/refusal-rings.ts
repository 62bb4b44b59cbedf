// Refusals an operator can look up by request id for 24 hours (DESIGN principle 6), in rings bounded per client and one for strangers.

import type { OAuthError } from '../model/errors.ts'
import type { Refusal } from '../model/refusal.ts'
import type { RequestContext } from '../request/context.ts'
import { askOneTime } from './one-time/ask-one-time.ts'

const shards = 16
const strangers = 'refusals:strangers'

/** After the answer, and never at the price of it: a refusal that cannot be kept is still in the log. */
export async function recordRefusal(context: RequestContext, endpoint: string, error: OAuthError): Promise<void> {
  if (!(await mayWrite(context))) return
  // Not every rule knows the client that asked; the request does.
  const named = error.client_id ?? context.client?.client_id
  const client = named === undefined ? undefined : await knownClient(context, named)
  const refusal: Refusal = {
    ...error.detail,
    request_id: context.requestId,
    at: context.now,
    endpoint,
    code: error.code,
    description: error.description,
    ...(client ? { client_id: client } : {}),
  }
  const shard = client ? shardOf(client) : strangers
  await askOneTime(context, shard, (oneTime) => oneTime.recordRefusal(bounded(refusal), context.now))
}

/** Asks every ring: the request id does not say whose it was. */
export async function findRefusal(context: RequestContext, requestId: string): Promise<Refusal | undefined> {
  const rings = [strangers, ...Array.from({ length: shards }, (_, index) => `refusals:${index}`)]
  const answers = rings.map((ring) =>
    askOneTime(context, ring, (oneTime) => oneTime.findRefusal(requestId, context.now) as Promise<Refusal | undefined>),
  )
  return (await Promise.all(answers)).find((refusal) => refusal !== undefined)
}

async function knownClient(context: RequestContext, clientId: string): Promise<string | undefined> {
  const client = await context.configuration.findClient(clientId)
  return client?.client_id
}

/** No row without a rate limit (DESIGN principle 3): whoever names a client need not be it. */
async function mayWrite(context: RequestContext): Promise<boolean> {
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key: `refusal:${context.address}` })
  return success
}

function shardOf(clientId: string): string {
  let hash = 0
  for (let at = 0; at < clientId.length; at += 1) hash = (hash * 31 + clientId.charCodeAt(at)) >>> 0
  return `refusals:${hash % shards}`
}

const longest = 2000

function bounded(refusal: Refusal): Refusal {
  const entries = Object.entries(refusal).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.slice(0, longest) : value,
  ])
  return Object.fromEntries(entries) as Refusal
}

/** Behind the answer. */
export function noteRefusal(context: RequestContext, endpoint: string, error: OAuthError): void {
  context.log({ outcome: error.code, check: error.detail.check })
  const recorded = recordRefusal(context, endpoint, error).catch((fault: unknown) => {
    console.warn(
      JSON.stringify({
        level: 'warn',
        message: 'a refusal was not kept',
        request_id: context.requestId,
        fault: String(fault),
      }),
    )
  })
  context.waitUntil(recorded)
}
