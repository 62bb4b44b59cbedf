// Calls the KeyRing object of the issuer.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { KeyRing } from './key-ring.ts'

/** There is one object per issuer. One hop. */
export function askKeyRing<T>(context: RequestContext, call: (ring: Remote<KeyRing>) => Promise<T>): Promise<T> {
  return hop(context, 'KeyRing', () => call(stub(context.env.KEY_RING, context.issuer.url)))
}
