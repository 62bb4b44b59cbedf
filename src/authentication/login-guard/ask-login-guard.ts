// Asks a shard of LoginGuard.
import { hop, type RequestContext } from '../../request/context.ts'
import { type Remote, stub } from '../../request/remote-object.ts'
import type { LoginGuard } from './login-guard.ts'

/** `shard`: 0 … 255, by HMAC of the login name. */
export function askLoginGuard<T>(
  context: RequestContext,
  shard: number,
  question: (guard: Remote<LoginGuard>) => Promise<T>,
): Promise<T> {
  return hop(context, 'LoginGuard', () => question(stub(context.env.LOGIN_GUARD, `guard:${shard}`)))
}
