// Which groups a provider gives and takes: by its rules and the claims, within the user's tenant. Pure.

import type { GroupMapping } from '../../model/external-provider.ts'
import type { KnownGroup, Membership } from '../../model/group.ts'
import type { FieldChange } from '../../model/login-attempt.ts'
import { quoted } from '../../model/untrusted-text.ts'
import { type Claims, claimHasValue, claimOf, isMissing } from './claim-values.ts'

export interface GroupMappingInput {
  provider_id: string
  group_mappings: readonly GroupMapping[]
  claims: Claims
  /** The user's, after this sign-in. */
  tenant_id: string | null
  /** Those of the groups named by the rules that exist. */
  known: readonly KnownGroup[]
  memberships: readonly Membership[]
}

export interface PlannedGroups {
  granted: KnownGroup[]
  /** Ids. */
  withdrawn: string[]
  changes: FieldChange[]
}

/** What becomes of one group. */
type Verdict = Omit<FieldChange, 'field'>

export function planGroups(question: GroupMappingInput): PlannedGroups {
  const planned: PlannedGroups = { granted: [], withdrawn: [], changes: [] }
  const own = question.memberships.filter((each) => each.granted_by === question.provider_id)
  const ids = new Set([...question.group_mappings, ...own].map((each) => each.group_id))
  for (const groupId of ids) {
    const verdict = validateGroup(question, groupId)
    planned.changes.push({ field: `group:${groupId}`, ...verdict })
    const group = question.known.find((each) => each.group_id === groupId)
    if (verdict.action === 'granted' && group) planned.granted.push(group)
    if (verdict.action === 'withdrawn') planned.withdrawn.push(groupId)
  }
  return planned
}

function validateGroup(question: GroupMappingInput, groupId: string): Verdict {
  const membership = question.memberships.find((each) => each.group_id === groupId)
  const earned = earnedBy(question, groupId)
  const obstacle = earned.isEarned ? obstacleTo(question, groupId) : undefined
  if (earned.isEarned && obstacle === undefined) {
    return { action: membership ? 'unchanged' : 'granted', reason: earned.reason }
  }
  const reason = obstacle ?? earned.reason
  if (membership?.granted_by === question.provider_id) return { action: 'withdrawn', reason }
  if (obstacle !== undefined) return { action: 'ignored', reason }
  const giver = membership && (membership.granted_by ?? 'an operator')
  return { action: 'unchanged', reason: giver === undefined ? reason : `${reason} It was granted by ${giver}.` }
}

/** One rule of several is enough. */
function earnedBy(question: GroupMappingInput, groupId: string): { isEarned: boolean; reason: string } {
  const { group_mappings, claims } = question
  const rules = group_mappings.filter((each) => each.group_id === groupId)
  const rule = rules.find(({ when }) => !when || claimHasValue(claims, when.claim, when.value))
  if (rule) {
    const reason = rule.when
      ? `The claim ${rule.when.claim} says ${quoted(rule.when.value)}.`
      : 'Everybody of this provider has it.'
    return { isEarned: true, reason }
  }
  const wanted = rules.flatMap(({ when }) => (when ? [unmet(claims, when)] : []))
  return { isEarned: false, reason: wanted.join(' ') || 'No rule of the provider grants it any more.' }
}

function unmet(claims: Claims, { claim, value }: { claim: string; value: string }): string {
  if (!isMissing(claimOf(claims, claim))) return `The claim ${claim} does not say ${quoted(value)}.`
  // OIDC Core §5.6.2; Entra does it for people with more groups than a token may hold.
  const elsewhere = claimOf(claims, '_claim_names')
  const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim)
  return isElsewhere
    ? `The claim ${claim} is too long for a token, so the provider keeps it elsewhere: let it send fewer groups.`
    : `The claim ${claim} did not come.`
}

function obstacleTo({ known, tenant_id }: GroupMappingInput, groupId: string): string | undefined {
  const group = known.find((each) => each.group_id === groupId)
  if (!group) return 'There is no such group.'
  if (group.tenant_id === null || group.tenant_id === tenant_id) return undefined
  return `The group belongs to the tenant ${group.tenant_id}, the user to ${tenant_id ?? 'none'}.`
}
