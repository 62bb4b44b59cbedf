// What a sign-in by a provider would do, field by field, and why: the plan that a sign-in carries out, shown instead.

import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type FieldChange } from '../../model/login-attempt.ts'
import type { RequestContext } from '../../request/context.ts'
import { planProvisioning } from './provisioning-plan.ts'

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
