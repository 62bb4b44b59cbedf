// Plans a sign-in through an external provider: which user it is, and which fields and groups change. Reads once, writes nothing.

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
import { isWrite, type ProvisioningPlan, provisioningFault, validatePlan } from './validate-plan.ts'

/** One hop. Throws BrokeringError if the person may not sign in, or if the user cannot be created or updated. */
export async function planProvisioning(context: RequestContext, account: ExternalIdentity): Promise<ProvisioningPlan> {
  const { provider, login } = account
  const identification = identify(account)
  const userId = plannedUserId(provider, login.claims)
  const fallbackId = await fallbackUserId(account)
  const directory = await readDirectory(context, account, identification, userId, fallbackId)
  const match = matchUser(account, identification, directory, mailWriters(context))
  if (match.outcome !== 'none') {
    return provider.provisioning_enabled ? planUpdate(context, account, match, directory) : unchanged(account, match)
  }
  if (!provider.provisioning_enabled) throw unmatched(account, identification, match)
  const isDefaultTaken = provider.user_template.user_id === undefined && match.conflictingUser !== undefined
  const id = isDefaultTaken && fallbackId !== undefined ? fallbackValue(fallbackId) : userId
  return planCreation(context, account, id, directory)
}

/** Ids of the providers whose template fills `email`. */
const mailWriters = ({ configuration }: RequestContext): ReadonlySet<string> =>
  new Set(configuration.externalProviders.filter((each) => each.user_template.email).map((each) => each.provider_id))

function unmatched(account: ExternalIdentity, identification: Identification, match: Match): BrokeringError {
  if ('refusal' in identification) return identification.refusal
  return noMatchingUser(account, identification, match.outcome === 'none' ? match.conflictingUser : undefined)
}

/**
 * Returns the fallback user_id if another issuer's user already has this `sub` as user_id (OIDC Core §5.7). It is deterministic, so every attempt
 * finds it again. Returns undefined if the identifying claim is not `sub`.
 */
async function fallbackUserId({ provider, login }: ExternalIdentity): Promise<string | undefined> {
  if (provider.identifying_claim !== 'sub') return undefined
  const digest = await sha256(JSON.stringify([provider.provider_id, login.issuer, login.subject]))
  return `${login.subject.slice(0, 200)}-${digest.slice(0, 10)}`
}

const fallbackValue = (value: string): FieldValue<string> => ({
  outcome: 'value',
  value,
  reason: 'The sub is the user_id of another user, so this user gets a longer one.',
  isFromClaim: true,
})

/** `fallbackId`: see fallbackUserId. */
function readDirectory(
  context: RequestContext,
  { provider, login }: ExternalIdentity,
  identification: Identification,
  userId: FieldValue<string>,
  fallbackId: string | undefined,
): Promise<DirectoryResult> {
  const identified = 'value' in identification ? identification : undefined
  const ids = [identified?.value, userId.outcome === 'value' ? userId.value : undefined, fallbackId].filter(
    (id) => id !== undefined,
  )
  const { tenants, loginNames } = namesToLookUp(provider, login.claims)
  const query = {
    provider_id: provider.provider_id,
    issuer: login.issuer,
    subject: login.subject,
    user_ids: ids,
    login_names: [...ids.map(normaliseLoginName), ...loginNames],
    email: identified?.isMail ? identified.value : null,
    tenant_ids: tenants,
    group_ids: provider.group_mappings.map((mapping) => mapping.group_id),
  }
  return hop(context, 'D1', () => queryDirectory(openDatabase(context.env.DB.withSession('first-primary')), query))
}

type MatchedUser = Extract<Match, { user: DirectoryUser }>

const unchanged = (account: ExternalIdentity, { outcome, user }: MatchedUser): ProvisioningPlan => ({
  stored: user,
  isLinked: outcome === 'linked',
  row: user.row,
  groups: byName(user.groups),
  changes: outcome === 'linked' ? [] : [linkOf(account)],
})

function planUpdate(
  context: RequestContext,
  account: ExternalIdentity,
  { outcome, user }: MatchedUser,
  directory: DirectoryResult,
): ProvisioningPlan {
  const { provider, login } = account
  const { next, changes } = planUser(provider, login.claims, user.row, false, new Set(directory.tenants))
  const plan = withGroups(account, next, user, directory, changes)
  const isChanged = plan.changes.some(isWrite)
  const row = { ...next, version: nextVersion(user.row.version, context.now), updated_at: context.now }
  const links = outcome === 'linked' ? [] : [linkOf(account)]
  return validatePlan(account, directory, {
    ...plan,
    isLinked: outcome === 'linked',
    row: isChanged ? row : user.row,
    changes: [...links, ...plan.changes],
  })
}

function planCreation(
  context: RequestContext,
  account: ExternalIdentity,
  userId: FieldValue<string>,
  directory: DirectoryResult,
): ProvisioningPlan {
  const { provider, login } = account
  if (userId.outcome !== 'value') {
    const change: FieldChange = { field: 'user_id', action: 'failed', before: null, after: null, reason: userId.reason }
    throw provisioningFault({
      check: 'user_id',
      cause: userId.reason,
      fix: `Let the user template of ${provider.name} take user_id from a claim that every user has.`,
      changes: [change],
    })
  }
  const blank = newUser(userId.value, userId.value, base64url(randomBytes(16)), context.now)
  const { next, changes } = planUser(provider, login.claims, blank, true, new Set(directory.tenants))
  const created: FieldChange[] = [
    { field: 'user_id', action: 'created', before: null, after: userId.value, reason: userId.reason },
    linkOf(account),
  ]
  const plan = withGroups(account, next, undefined, directory, [...created, ...changes])
  return validatePlan(account, directory, plan)
}

const linkOf = ({ provider, login }: ExternalIdentity): FieldChange => ({
  field: 'link',
  action: 'created',
  before: null,
  after: `${printable(login.subject)} of ${login.issuer}`,
  reason: `First sign-in through ${provider.name}: later sign-ins find the user by this account.`,
})

function withGroups(
  { provider, login }: ExternalIdentity,
  row: UserRow,
  stored: DirectoryUser | undefined,
  directory: DirectoryResult,
  changes: FieldChange[],
): ProvisioningPlan {
  const memberships = stored?.groups ?? []
  const { provider_id, group_mappings } = provider
  const { claims } = login
  const { tenant_id } = row
  const groups = planGroups({ provider_id, group_mappings, claims, tenant_id, known: directory.groups, memberships })
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
