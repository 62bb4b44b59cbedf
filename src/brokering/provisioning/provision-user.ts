// Resolves the user of an external sign-in: finds, creates or updates the user with one read and at most one write of the directory.

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
import { planProvisioning } from './plan-provisioning.ts'
import { didChange, isWrite, type ProvisioningPlan, provisioningFault } from './validate-plan.ts'

export interface ResolvedUser {
  person: Person
  isNew: boolean
  /** Only the changes whose action is not `unchanged`. */
  changes: FieldChange[]
}

/**
 * One hop to read, one to write if anything changes; more if the Subject must be told first or another request changes the directory at the same
 * time. Throws BrokeringError if the person may not sign in, or if the user cannot be created or updated: then D1 is unchanged.
 */
export async function resolveUser(
  context: RequestContext,
  provider: ExternalProvider,
  login: UpstreamLogin,
): Promise<ResolvedUser> {
  const account = { provider, login }
  try {
    const written = await writeUser<ProvisionedUser>(context, {
      plan: async () => changeOf(context, account, await planProvisioning(context, account)),
      onConflict: (change, conflict) => afterConflict(context, account, change, conflict),
      afterwards: 'sign-in',
    })
    if (written.outcome === 'overtaken') throw overtaken(written.conflict)
    if (written.outcome === 'refused') throw directoryFault(rejectedOf(written.change, written.conflict))
    return resolvedUserOf(written.change.plan)
  } catch (error) {
    if (!(error instanceof BrokeringError)) throw error
    const { issuer, subject, claims } = login
    throw error.withKnown({ issuer, subject, claims, ...error.known })
  }
}

/** A plan that D1 rejected, and D1's message. */
interface RejectedPlan {
  plan: ProvisioningPlan
  fault: string
}

interface ProvisionedUser extends UserChange {
  plan: ProvisioningPlan
  /** Set on the second attempt, which writes no display names: the complete plan, which D1 rejected. */
  rejected?: RejectedPlan
}

const rejectedOf = ({ plan, rejected }: ProvisionedUser, { fault }: Conflict): RejectedPlan =>
  rejected ?? { plan, fault }

function changeOf(context: RequestContext, account: ExternalIdentity, plan: ProvisioningPlan): ProvisionedUser {
  const { stored, row, groups, isLinked } = plan
  const { provider_id } = account.provider
  const { issuer, subject } = account.login
  const identity = { provider_id, issuer, subject, user_id: row.user_id, created_at: context.now }
  return {
    plan,
    stored,
    next: { row, groups },
    event: eventOf(account, plan),
    grantedBy: provider_id,
    statements: (db) => (isLinked ? [] : [insertExternalIdentity(db, identity)]),
  }
}

/** Returns undefined if the plan writes nothing, and so makes no audit event. */
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
 * A constraint error means that another request changed the user, took the same key, or deleted a group or tenant. Planning again from a new read
 * resolves it: of several first sign-ins of one person, one creates the user and the others find it (I23). Any other error may come from a
 * display name, and that must not block the sign-in (I21): the second attempt writes no names.
 */
function afterConflict(
  context: RequestContext,
  account: ExternalIdentity,
  change: ProvisionedUser,
  { constraint, fault }: Conflict,
): 'plan-again' | 'give-up' | ProvisionedUser {
  context.fault = `D1: ${fault}`
  if (constraint !== 'other') return 'plan-again'
  const { plan } = change
  const nameless = withoutNames(plan, fault)
  return nameless ? { ...changeOf(context, account, nameless), rejected: { plan, fault } } : 'give-up'
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
      reason: `The directory rejected it: ${fault}.`,
    }
  })
  const { name = null, given_name = null, family_name = null } = plan.stored?.row ?? {}
  // The Subject may have stored the names under this version already; a higher version replaces them.
  const row: UserRow = { ...plan.row, name, given_name, family_name, version: plan.row.version + 1 }
  const isChanged = plan.stored === undefined || changes.some(isWrite)
  return { ...plan, row: isChanged ? row : (plan.stored?.row ?? row), changes }
}

/** The cause after every attempt met a concurrent change. */
const overtaken = ({ fault }: Conflict): BrokeringError =>
  provisioningFault({
    check: 'overtaken',
    cause: `Another request changed the directory at the same time: ${fault}.`,
    fix: 'Sign in again.',
    outcome: 'failed',
  })

function directoryFault({ plan: { stored, changes }, fault }: RejectedPlan): BrokeringError {
  return provisioningFault({
    check: 'directory',
    cause: `The directory rejected the user: ${fault}.`,
    fix: 'Look for the request id in the log. Nothing was changed, so signing in again is safe.',
    outcome: 'failed',
    changes: changes.map((change) => (didChange(change) ? { ...change, action: 'failed' } : change)),
    known: stored ? { user_id: stored.row.user_id } : {},
  })
}

const resolvedUserOf = ({ row, groups, stored, changes }: ProvisioningPlan): ResolvedUser => ({
  person: personOfRecord({ row, groups }),
  isNew: stored === undefined,
  changes: changes.filter((change) => change.action !== 'unchanged'),
})
