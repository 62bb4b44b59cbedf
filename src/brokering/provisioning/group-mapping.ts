// Decides which groups an external provider grants and withdraws: by its group mappings and the claims, within the user's tenant. Pure.

import type { GroupMapping } from '../../model/external-provider.ts'
import type { KnownGroup, Membership } from '../../model/group.ts'
import type { FieldChange } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import { type Claims, claimHasValue, claimOf, isMissing } from './claim-values.ts'

export interface GroupMappingInput {
  provider_id: string
  group_mappings: readonly GroupMapping[]
  claims: Claims
  /** The user's tenant after this sign-in; `null` if none. */
  tenant_id: string | null
  /** The groups of the mappings that exist. */
  known: readonly KnownGroup[]
  memberships: readonly Membership[]
}

export interface PlannedGroups {
  granted: KnownGroup[]
  /** group_ids. */
  withdrawn: string[]
  changes: FieldChange[]
}

/** What the sign-in does to one group. */
type GroupChange = Omit<FieldChange, 'field'>

/** Plans every group of the mappings, and every group that this provider granted before. Never withdraws what others granted (I22). */
export function planGroups(input: GroupMappingInput): PlannedGroups {
  const planned: PlannedGroups = { granted: [], withdrawn: [], changes: [] }
  const own = input.memberships.filter((each) => each.granted_by === input.provider_id)
  const ids = new Set([...input.group_mappings, ...own].map((each) => each.group_id))
  for (const groupId of ids) {
    const change = planGroup(input, groupId)
    planned.changes.push({ field: `group:${groupId}`, ...change })
    const group = input.known.find((each) => each.group_id === groupId)
    if (change.action === 'granted' && group) planned.granted.push(group)
    if (change.action === 'withdrawn') planned.withdrawn.push(groupId)
  }
  return planned
}

function planGroup(input: GroupMappingInput, groupId: string): GroupChange {
  const membership = input.memberships.find((each) => each.group_id === groupId)
  const eligible = eligibility(input, groupId)
  const obstacle = eligible.isEligible ? obstacleOf(input, groupId) : undefined
  if (eligible.isEligible && obstacle === undefined) {
    return { action: membership ? 'unchanged' : 'granted', reason: eligible.reason }
  }
  const reason = obstacle ?? eligible.reason
  if (membership?.granted_by === input.provider_id) return { action: 'withdrawn', reason }
  if (obstacle !== undefined) return { action: 'ignored', reason }
  const grantor = membership && (membership.granted_by ?? 'an administrator')
  return { action: 'unchanged', reason: grantor === undefined ? reason : `${reason} It was granted by ${grantor}.` }
}

/** Whether a mapping of the group applies: one of several is enough. */
function eligibility(input: GroupMappingInput, groupId: string): { isEligible: boolean; reason: string } {
  const { group_mappings, claims } = input
  const rules = group_mappings.filter((each) => each.group_id === groupId)
  const rule = rules.find(({ when }) => !when || claimHasValue(claims, when.claim, when.value))
  if (rule) {
    const reason = rule.when
      ? `The claim ${rule.when.claim} has the value ${quoted(rule.when.value)}.`
      : 'Every user of this provider gets it.'
    return { isEligible: true, reason }
  }
  const missing = rules.flatMap(({ when }) => (when ? [unmet(claims, when)] : []))
  return { isEligible: false, reason: missing.join(' ') || 'No group mapping of the provider grants it any more.' }
}

function unmet(claims: Claims, { claim, value }: { claim: string; value: string }): string {
  if (!isMissing(claimOf(claims, claim))) return `The claim ${claim} does not have the value ${quoted(value)}.`
  // Aggregated and distributed claims (OIDC Core §5.6.2): Entra names `groups` there if a user has more groups than fit a token.
  const claimNames = claimOf(claims, '_claim_names')
  const isNamed = typeof claimNames === 'object' && claimNames !== null && Object.hasOwn(claimNames, claim)
  return isNamed
    ? `The claim ${claim} is too long for a token, so the provider does not send it: let it send fewer groups.`
    : `The claim ${claim} was not sent.`
}

function obstacleOf({ known, tenant_id }: GroupMappingInput, groupId: string): string | undefined {
  const group = known.find((each) => each.group_id === groupId)
  if (!group) return 'The group does not exist.'
  if (group.tenant_id === null || group.tenant_id === tenant_id) return undefined
  return `The group belongs to the tenant ${group.tenant_id}, the user to ${tenant_id ?? 'none'}.`
}
