// Asking for the first key of an issuer: the KeyRing makes it, the configuration learns of it.

import { serviceUnavailable } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'
import type { SigningKeyRecord } from '../storage/configuration-reads.ts'
import { askKeyRing } from './key-ring/ask-key-ring.ts'

/** Two hops. The keys as the ring has just written them; throws 503 when it cannot, or while no client is enabled. */
export async function ensureKeys(context: RequestContext): Promise<SigningKeyRecord[]> {
  const answer = await askKeyRing(context, (ring) => ring.ensure(context.now))
  if (answer.outcome !== 'ready') {
    throw serviceUnavailable(`the key ring: ${answer.outcome === 'unavailable' ? answer.reason : answer.outcome}`)
  }
  await context.configuration.refresh()
  return answer.keys
}
