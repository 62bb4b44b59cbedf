// The dry run of a sign-in: makes the same plan as a sign-in through an external provider, and returns it instead of writing it.

import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type FieldChange } from '../../model/login-attempt.ts'
import type { RequestContext } from '../../request/context.ts'
import { planProvisioning } from './plan-provisioning.ts'

export interface DryRun {
  outcome: 'signs_in' | 'creates' | 'refuses'
  /** The user who would sign in or be created; `null` if a refusal came before that was known. */
  user_id: string | null
  /** Why the sign-in would be refused; `null` otherwise. */
  cause: string | null
  /** What to change then; `null` otherwise. */
  fix: string | null
  changes: FieldChange[]
}

/** One hop; writes nothing. Rethrows an error that is not a BrokeringError, such as an outage of D1. */
export async function dryRun(
  context: RequestContext,
  provider: ExternalProvider,
  login: Pick<UpstreamLogin, 'issuer' | 'subject' | 'claims'>,
): Promise<DryRun> {
  try {
    const { stored, row, changes } = await planProvisioning(context, { provider, login })
    return { outcome: stored ? 'signs_in' : 'creates', user_id: row.user_id, cause: null, fix: null, changes }
  } catch (error) {
    if (!(error instanceof BrokeringError)) throw error
    const { message, fix, changes, known } = error
    return { outcome: 'refuses', user_id: known.user_id ?? null, cause: message, fix, changes: [...changes] }
  }
}
