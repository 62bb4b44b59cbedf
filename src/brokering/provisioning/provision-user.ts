// Who an external sign-in is here: found, created or brought up to date, in one read and at most one write of the directory.

import { type UserChange, writeUser } from '../../directory/write-user.ts'
import type { ExternalProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type FieldChange } from '../../model/login-attempt.ts'
import type { Person } from '../../model/person.ts'
import type { Conflict } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import { insertExternalIdentity } from '../../storage/external-identities.ts'
import { personOfRecord, type UserRow } from '../../storage/users.ts'
import { isNameField } from './claim-mapping.ts'
import type { ExternalIdentity } from './match-user.ts'
import { didChange, isWrite, type ProvisioningPlan, provisioningFault } from './plan-sign-in.ts'
import { planProvisioning } from './provisioning-plan.ts'

export interface ResolvedUser {
  person: Person
  isNew: boolean
  /** Without the fields that stay as they are. */
  changes: FieldChange[]
}

/** Throws BrokeringError for who may not sign in here, and when the user cannot be created or updated: then nothing was written. */
export async function resolveUser(
  context: RequestContext,
  provider: ExternalProvider,
  login: UpstreamLogin,
): Promise<ResolvedUser> {
  const newcomer = { provider, login }
  try {
    const written = await writeUser<ProvisionedUser>(context, {
      plan: async () => changeOf(context, newcomer, await planProvisioning(context, newcomer)),
      onConflict: (change, conflict) => decide(context, newcomer, change, conflict),
      afterwards: 'sign-in',
    })
    if (written.outcome === 'overtaken') throw overtaken(written.conflict)
    if (written.outcome === 'refused') throw notTaken(refusedOf(written.change, written.conflict))
    return arrivalOf(written.change.plan)
  } catch (error) {
    if (!(error instanceof BrokeringError)) throw error
    const { issuer, subject, claims } = login
    throw error.withKnown({ issuer, subject, claims, ...error.known })
  }
}

interface Refused {
  plan: ProvisioningPlan
  fault: string
}

interface ProvisionedUser extends UserChange {
  plan: ProvisioningPlan
  /** The whole plan, which D1 did not take; this change is what remains of it. */
  refused?: Refused
}

const refusedOf = ({ plan, refused }: ProvisionedUser, { fault }: Conflict): Refused => refused ?? { plan, fault }

function changeOf(context: RequestContext, newcomer: ExternalIdentity, plan: ProvisioningPlan): ProvisionedUser {
  const { stored, row, groups, isLinked } = plan
  const { provider_id } = newcomer.provider
  const { issuer, subject } = newcomer.login
  const identity = { provider_id, issuer, subject, user_id: row.user_id, created_at: context.now }
  return {
    plan,
    stored,
    next: { row, groups },
    event: eventOf(newcomer, plan),
    grantedBy: provider_id,
    statements: (db) => (isLinked ? [] : [insertExternalIdentity(db, identity)]),
  }
}

/** Undefined: nothing is to be written. */
function eventOf({ provider, login }: ExternalIdentity, plan: ProvisioningPlan): UserChange['event'] {
  const action = actionOf(plan)
  if (!action) return undefined
  const { issuer, subject } = login
  const fields = plan.changes.filter(isWrite).map((change) => change.field)
  return {
    actor: `provider:${provider.provider_id}`,
    action,
    detail: { fields, ...(plan.isLinked ? {} : { issuer, subject }) },
  }
}

function actionOf({ stored, isLinked, changes }: ProvisioningPlan): string | undefined {
  if (!stored) return 'user.create'
  if (changes.some(isWrite)) return 'user.update'
  return isLinked ? undefined : 'user.link'
}

/**
 * Another version of the user, another user under the same key, a group or tenant that is gone: reading again tells which, so of several first
 * sign-ins of one person the others find the user (I23). A display name that cannot be stored must not block the sign-in (I21).
 */
function decide(
  context: RequestContext,
  newcomer: ExternalIdentity,
  change: ProvisionedUser,
  { constraint, fault }: Conflict,
): 'plan-again' | 'give-up' | ProvisionedUser {
  context.fault = `D1: ${fault}`
  if (constraint !== 'other') return 'plan-again'
  const { plan } = change
  const nameless = withoutNames(plan, fault)
  return nameless ? { ...changeOf(context, newcomer, nameless), refused: { plan, fault } } : 'give-up'
}

/** Returns undefined if the plan writes no name. */
function withoutNames(plan: ProvisioningPlan, fault: string): ProvisioningPlan | undefined {
  const isName = (change: FieldChange) => isWrite(change) && isNameField(change.field)
  if (!plan.changes.some(isName)) return undefined
  const changes = plan.changes.map((change): FieldChange => {
    if (!isName(change)) return change
    return {
      ...change,
      action: 'failed',
      after: change.before ?? null,
      reason: `The directory did not take it: ${fault}.`,
    }
  })
  const { name = null, given_name = null, family_name = null } = plan.stored?.row ?? {}
  // The Subject may have been told of the names under this version.
  const row: UserRow = { ...plan.row, name, given_name, family_name, version: plan.row.version + 1 }
  const isChanged = plan.stored === undefined || changes.some(isWrite)
  return { ...plan, row: isChanged ? row : (plan.stored?.row ?? row), changes }
}

const overtaken = ({ fault }: Conflict): BrokeringError =>
  provisioningFault({
    check: 'overtaken',
    cause: `Somebody else changed the directory at the same moment: ${fault}.`,
    fix: 'Sign in again.',
    outcome: 'failed',
  })

function notTaken({ plan: { stored, changes }, fault }: Refused): BrokeringError {
  return provisioningFault({
    check: 'directory',
    cause: `The directory did not take the user: ${fault}.`,
    fix: 'Look for the fault in the log by the request id; nothing was changed, so signing in again is safe.',
    outcome: 'failed',
    changes: changes.map((change) => (didChange(change) ? { ...change, action: 'failed' } : change)),
    known: stored ? { user_id: stored.row.user_id } : {},
  })
}

const arrivalOf = ({ row, groups, stored, changes }: ProvisioningPlan): ResolvedUser => ({
  person: personOfRecord({ row, groups }),
  isNew: stored === undefined,
  changes: changes.filter((change) => change.action !== 'unchanged'),
})
