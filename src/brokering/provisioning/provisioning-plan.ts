// What a sign-in by a provider would make of the directory: who it is, and which fields and groups change. Reads once, writes nothing.

import { base64url, randomBytes, sha256 } from '../../crypto/encoding.ts'
import type { BrokeringError, FieldChange } from '../../model/login-attempt.ts'
import { normaliseLoginName } from '../../model/login-name.ts'
import { printable } from '../../model/untrusted-text.ts'
import { hop, type RequestContext } from '../../request/context.ts'
import { openDatabase } from '../../storage/database.ts'
import { type DirectoryResult, type DirectoryUser, queryDirectory } from '../../storage/external-identities.ts'
import { newUser } from '../../storage/new-user.ts'
import { nextVersion, type UserRecord, type UserRow } from '../../storage/users.ts'
import { namesToLookUp, plannedUserId, planUser } from './claim-mapping.ts'
import type { FieldValue } from './field-value.ts'
import { planGroups } from './group-mapping.ts'
import {
  type ExternalIdentity,
  type Identification,
  identify,
  type Match,
  matchUser,
  noMatchingUser,
} from './match-user.ts'
import { isWrite, type ProvisioningPlan, provisioningFault, validatePlan } from './plan-sign-in.ts'

/** One hop. Throws BrokeringError for who may not sign in, or cannot be created or updated. */
export async function planProvisioning(context: RequestContext, newcomer: ExternalIdentity): Promise<ProvisioningPlan> {
  const { provider, login } = newcomer
  const identification = identify(newcomer)
  const userId = plannedUserId(provider, login.claims)
  const spareId = await spareUserId(newcomer)
  const answer = await lookUp(context, newcomer, identification, userId, spareId)
  const match = matchUser(newcomer, identification, answer, mailWriters(context))
  if (match.outcome !== 'nobody') {
    return provider.provisioning_enabled ? planUpdate(context, newcomer, match, answer) : unchanged(newcomer, match)
  }
  if (!provider.provisioning_enabled) throw nobody(newcomer, identification, match)
  const isDefaultTaken = provider.user_template.user_id === undefined && match.rival !== undefined
  const id = isDefaultTaken && spareId !== undefined ? givenId(spareId) : userId
  return planCreation(context, newcomer, id, answer)
}

const mailWriters = ({ configuration }: RequestContext): ReadonlySet<string> =>
  new Set(configuration.externalProviders.filter((each) => each.user_template.email).map((each) => each.provider_id))

function nobody(newcomer: ExternalIdentity, identification: Identification, match: Match): BrokeringError {
  if ('refusal' in identification) return identification.refusal
  return noMatchingUser(newcomer, identification, match.outcome === 'nobody' ? match.rival : undefined)
}

/** Of a person whose `sub` is somebody else's user_id, because two issuers gave the same one (OIDC Core §5.7): the same at every sign-in. */
async function spareUserId({ provider, login }: ExternalIdentity): Promise<string | undefined> {
  if (provider.identifying_claim !== 'sub') return undefined
  const account = await sha256(JSON.stringify([provider.provider_id, login.issuer, login.subject]))
  return `${login.subject.slice(0, 200)}-${account.slice(0, 10)}`
}

const givenId = (value: string): FieldValue<string> => ({
  outcome: 'value',
  value,
  reason: 'The sub is the user_id of another person, so this one got a longer one.',
  isFromClaim: true,
})

function lookUp(
  context: RequestContext,
  { provider, login }: ExternalIdentity,
  identification: Identification,
  userId: FieldValue<string>,
  spareId: string | undefined,
): Promise<DirectoryResult> {
  const named = 'value' in identification ? identification : undefined
  const ids = [named?.value, userId.outcome === 'value' ? userId.value : undefined, spareId].filter(
    (id) => id !== undefined,
  )
  const { tenants, loginNames } = namesToLookUp(provider, login.claims)
  const question = {
    provider_id: provider.provider_id,
    issuer: login.issuer,
    subject: login.subject,
    user_ids: ids,
    login_names: [...ids.map(normaliseLoginName), ...loginNames],
    email: named?.isMail ? named.value : null,
    tenant_ids: tenants,
    group_ids: provider.group_mappings.map((mapping) => mapping.group_id),
  }
  return hop(context, 'D1', () => queryDirectory(openDatabase(context.env.DB.withSession('first-primary')), question))
}

type Found = Extract<Match, { user: DirectoryUser }>

const unchanged = (newcomer: ExternalIdentity, { outcome, user }: Found): ProvisioningPlan => ({
  stored: user,
  isLinked: outcome === 'linked',
  row: user.row,
  groups: byName(user.groups),
  changes: outcome === 'linked' ? [] : [linkOf(newcomer)],
})

function planUpdate(
  context: RequestContext,
  newcomer: ExternalIdentity,
  { outcome, user }: Found,
  answer: DirectoryResult,
): ProvisioningPlan {
  const { provider, login } = newcomer
  const { next, changes } = planUser(provider, login.claims, user.row, false, new Set(answer.tenants))
  const plan = withGroups(newcomer, next, user, answer, changes)
  const isChanged = plan.changes.some(isWrite)
  const row = { ...next, version: nextVersion(user.row.version, context.now), updated_at: context.now }
  const links = outcome === 'linked' ? [] : [linkOf(newcomer)]
  return validatePlan(newcomer, answer, {
    ...plan,
    isLinked: outcome === 'linked',
    row: isChanged ? row : user.row,
    changes: [...links, ...plan.changes],
  })
}

function planCreation(
  context: RequestContext,
  newcomer: ExternalIdentity,
  userId: FieldValue<string>,
  answer: DirectoryResult,
): ProvisioningPlan {
  const { provider, login } = newcomer
  if (userId.outcome !== 'value') {
    const change: FieldChange = { field: 'user_id', action: 'failed', before: null, after: null, reason: userId.reason }
    throw provisioningFault({
      check: 'user_id',
      cause: userId.reason,
      fix: `Let the template of ${provider.name} take user_id from a claim that everybody has.`,
      changes: [change],
    })
  }
  const fresh = newUser(userId.value, userId.value, base64url(randomBytes(16)), context.now)
  const { next, changes } = planUser(provider, login.claims, fresh, true, new Set(answer.tenants))
  const created: FieldChange[] = [
    { field: 'user_id', action: 'created', before: null, after: userId.value, reason: userId.reason },
    linkOf(newcomer),
  ]
  const plan = withGroups(newcomer, next, undefined, answer, [...created, ...changes])
  return validatePlan(newcomer, answer, plan)
}

const linkOf = ({ provider, login }: ExternalIdentity): FieldChange => ({
  field: 'link',
  action: 'created',
  before: null,
  after: `${printable(login.subject)} of ${login.issuer}`,
  reason: `First sign-in by ${provider.name}: from now on found by this account.`,
})

function withGroups(
  { provider, login }: ExternalIdentity,
  row: UserRow,
  stored: DirectoryUser | undefined,
  answer: DirectoryResult,
  changes: FieldChange[],
): ProvisioningPlan {
  const memberships = stored?.groups ?? []
  const { provider_id, group_mappings } = provider
  const { claims } = login
  const { tenant_id } = row
  const groups = planGroups({ provider_id, group_mappings, claims, tenant_id, known: answer.groups, memberships })
  const kept = memberships.filter((each) => !groups.withdrawn.includes(each.group_id))
  return {
    stored,
    isLinked: false,
    row,
    groups: byName([...kept, ...groups.granted]),
    changes: [...changes, ...groups.changes],
  }
}

const byName = (groups: UserRecord['groups']): UserRecord['groups'] =>
  groups.map(({ group_id, name }) => ({ group_id, name })).sort((a, b) => (a.name < b.name ? -1 : 1))
