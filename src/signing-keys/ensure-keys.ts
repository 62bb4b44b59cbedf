// Makes the first key of an issuer: the KeyRing creates it, then the configuration is read again.

import { serviceUnavailable } from '../model/oauth-errors.ts'
import type { RequestContext } from '../request/context.ts'
import type { SigningKeyRecord } from '../storage/configuration-reads.ts'
import { askKeyRing } from './key-ring/ask-key-ring.ts'

/** Returns the keys that the KeyRing has just written. Throws 503 if it fails or while no client is enabled. Two hops. */
export async function ensureKeys(context: RequestContext): Promise<SigningKeyRecord[]> {
  const result = await askKeyRing(context, (ring) => ring.ensure(context.now))
  if (result.outcome !== 'ready') {
    throw serviceUnavailable(`the key ring: ${result.outcome === 'unavailable' ? result.reason : result.outcome}`)
  }
  await context.configuration.refresh()
  return result.keys
}
