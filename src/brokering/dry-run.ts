// What a sign-in by a provider would do, field by field, and why: the plan that a sign-in carries out, shown instead.
import type { RequestContext } from '../context.ts'
import type { IdentityProvider, UpstreamLogin } from '../protocol/identity-provider.ts'
import { BrokeringError, type FieldChange } from '../protocol/login-attempt.ts'
import { planArrival } from './arrival-plan.ts'

export interface DryRun {
  outcome: 'signs_in' | 'creates' | 'refuses'
  /** Who it is, as far as that is known. */
  user_id: string | null
  /** Of a refusal. */
  cause: string | null
  fix: string | null
  changes: FieldChange[]
}

/** Reads once and writes nothing. */
export async function dryRun(
  context: RequestContext,
  provider: IdentityProvider,
  login: Pick<UpstreamLogin, 'issuer' | 'subject' | 'claims'>,
): Promise<DryRun> {
  try {
    const { stored, row, changes } = await planArrival(context, { provider, login })
    return { outcome: stored ? 'signs_in' : 'creates', user_id: row.user_id, cause: null, fix: null, changes }
  } catch (error) {
    if (!(error instanceof BrokeringError)) throw error
    const { message, fix, changes, known } = error
    return { outcome: 'refuses', user_id: known.user_id ?? null, cause: message, fix, changes }
  }
}
