// Asks the KeyRing of the issuer.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { KeyRing } from './key-ring.ts'

/** One per issuer. */
export function askKeyRing<T>(context: RequestContext, question: (ring: Remote<KeyRing>) => Promise<T>): Promise<T> {
  return hop(context, 'KeyRing', () => question(stub(context.env.KEY_RING, context.issuer.url)))
}
