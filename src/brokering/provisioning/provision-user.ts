// Who an external sign-in is here: found, created or brought up to date, in one read and at most one write of the directory.

import { askSubject } from '../../grants/subject/ask-subject.ts'
import type { IdentityProvider, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError, type FieldChange } from '../../model/login-attempt.ts'
import type { Person } from '../../model/person.ts'
import { hop, innermost, type RequestContext } from '../../request/context.ts'
import { recordAuditEvent } from '../../storage/audit-events.ts'
import { recordChange } from '../../storage/changes.ts'
import { type Database, openDatabase, runBatch, type Statement } from '../../storage/database.ts'
import { insertExternalIdentity } from '../../storage/external-identities.ts'
import { grantGroups, insertUser, personOf, type UserRow, updateUser, withdrawGroups } from '../../storage/users.ts'
import { isNameField } from './claim-mapping.ts'
import type { Newcomer } from './match-user.ts'
import { type ArrivalPlan, didChange, isWrite, provisioningFault } from './plan-sign-in.ts'
import { planArrival } from './provisioning-plan.ts'

export interface Arrival {
  person: Person
  isNew: boolean
  /** Without the fields that stay as they are. */
  changes: FieldChange[]
}

/** When another writer comes between, once more from the start: of several first sign-ins of one person, the others find the user (I23). */
const attempts = 2

/** Throws BrokeringError for who may not sign in here, and when the user cannot be created or updated: then nothing was written. */
export async function resolveUser(
  context: RequestContext,
  provider: IdentityProvider,
  login: UpstreamLogin,
): Promise<Arrival> {
  const newcomer = { provider, login }
  try {
    let fault = ''
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const plan = await planArrival(context, newcomer)
      const outcome = await carryOut(context, newcomer, plan)
      if (outcome.outcome === 'arrived') return outcome.arrival
      fault = outcome.fault
    }
    throw provisioningFault(
      'overtaken',
      `Somebody else changed the directory at the same moment: ${fault}.`,
      'Sign in again.',
      [],
      'failed',
    )
  } catch (error) {
    if (error instanceof BrokeringError) {
      const { issuer, subject, claims } = login
      error.known = { issuer, subject, claims, ...error.known }
    }
    throw error
  }
}

type Outcome = { outcome: 'arrived'; arrival: Arrival } | { outcome: 'overtaken'; fault: string }

async function carryOut(context: RequestContext, newcomer: Newcomer, plan: ArrivalPlan): Promise<Outcome> {
  // Rights are taken first where they are used, then in the directory (DESIGN §3).
  if (takesAway(plan)) await askSubject(context, plan.row.subject_ref, (subject) => subject.update(personOfPlan(plan)))
  const written = await write(context, newcomer, plan)
  if (written.outcome === 'overtaken') return written
  if (written.outcome === 'written') return { outcome: 'arrived', arrival: arrivalOf(plan) }

  const nameless = withoutNames(plan, written.fault)
  const again = nameless ? await write(context, newcomer, nameless) : written
  if (again.outcome === 'overtaken') return again
  if (nameless && again.outcome === 'written') return { outcome: 'arrived', arrival: arrivalOf(nameless) }
  throw notTaken(plan, written.fault)
}

function notTaken({ stored, changes }: ArrivalPlan, fault: string): BrokeringError {
  const error = provisioningFault(
    'directory',
    `The directory did not take the user: ${fault}.`,
    'Look for the fault in the log by the request id; nothing was changed, so signing in again is safe.',
    changes.map((change) => (didChange(change) ? { ...change, action: 'failed' } : change)),
    'failed',
  )
  if (stored) error.known = { user_id: stored.row.user_id }
  return error
}

const personOfPlan = ({ row, groupNames }: ArrivalPlan): Person => personOf(row, [...groupNames].sort())

const arrivalOf = (plan: ArrivalPlan): Arrival => ({
  person: personOfPlan(plan),
  isNew: plan.stored === undefined,
  changes: plan.changes.filter((change) => change.action !== 'unchanged'),
})

const takesAway = ({ stored, row, withdrawn }: ArrivalPlan): boolean =>
  stored !== undefined && (withdrawn.length > 0 || stored.row.tenant_id !== row.tenant_id)

/** A name is not worth a sign-in (I21). Undefined: no name was to be written. */
function withoutNames(plan: ArrivalPlan, fault: string): ArrivalPlan | undefined {
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

type Written = { outcome: 'written' } | { outcome: 'overtaken'; fault: string } | { outcome: 'failed'; fault: string }

/** All or nothing, in one hop; none when there is nothing to write. */
async function write(context: RequestContext, newcomer: Newcomer, plan: ArrivalPlan): Promise<Written> {
  const action = actionOf(plan)
  if (!action) return { outcome: 'written' }
  const db = openDatabase(context.env.DB.withSession('first-primary'))
  const statements = [
    ...statementsOf(context, db, newcomer, plan),
    recordAuditEvent(db, auditEvent(context, newcomer, plan, action)),
  ]
  return hop(context, 'D1', async () => {
    try {
      await runBatch(db, statements)
      context.log.action = action
      context.log.target = plan.row.user_id
      return { outcome: 'written' }
    } catch (error) {
      const fault = innermost(error)
      // Not a word of SQLite: D1 itself did not answer, and a second question would wait as long.
      if (!fault.includes('SQLITE_')) throw error
      context.log.fault = `D1: ${fault}`
      return { outcome: isOvertaken(fault) ? 'overtaken' : 'failed', fault }
    }
  })
}

/** Another version of the user, another user under the same key, a group or tenant that went: reading again tells which. */
const isOvertaken = (fault: string): boolean =>
  ['NOT NULL constraint failed: users.version', 'UNIQUE constraint failed', 'FOREIGN KEY constraint failed'].some(
    (constraint) => fault.includes(constraint),
  )

/** Undefined: nothing is to be written. */
function actionOf({ stored, isLinked, changes }: ArrivalPlan): string | undefined {
  if (!stored) return 'user.create'
  if (changes.some(isWrite)) return 'user.update'
  return isLinked ? undefined : 'user.link'
}

function statementsOf(context: RequestContext, db: Database, newcomer: Newcomer, plan: ArrivalPlan): Statement[] {
  const { stored, row, granted, withdrawn, isLinked, changes } = plan
  const { provider_id } = newcomer.provider
  const { issuer, subject } = newcomer.login
  const { user_id } = row
  const identity = { provider_id, issuer, subject, user_id, created_at: context.now }
  const isTenantChanged = stored && stored.row.tenant_id !== row.tenant_id
  return [
    ...(isTenantChanged ? [recordChange(db, { kind: 'linked-clients', user_id }, context.now)] : []),
    ...(stored ? [] : [insertUser(db, row)]),
    ...(stored && changes.some(isWrite) ? [updateUser(db, row, stored.row.version)] : []),
    ...(isLinked ? [] : [insertExternalIdentity(db, identity)]),
    ...(withdrawn.length > 0 ? [withdrawGroups(db, user_id, withdrawn, provider_id)] : []),
    ...(granted.length > 0 ? [grantGroups(db, user_id, granted, provider_id)] : []),
  ]
}

function auditEvent(context: RequestContext, { provider, login }: Newcomer, plan: ArrivalPlan, action: string) {
  const { issuer, subject } = login
  const fields = plan.changes.filter(isWrite).map((change) => change.field)
  return {
    at: context.now,
    actor: `provider:${provider.provider_id}`,
    action,
    target: plan.row.user_id,
    request_id: context.requestId,
    detail: { fields, ...(plan.isLinked ? {} : { issuer, subject }) },
  }
}
