// What the claims of a provider make of a user, field by field, each with its reason. Pure: provisioning writes the plan, a dry run shows it.

import { directoryClaimFaults } from '../../model/directory-claims.ts'
import {
  type ExternalProvider,
  type FieldTemplate,
  type PlainField,
  plainFields,
  type TemplateField,
} from '../../model/external-provider.ts'
import type { FieldChange } from '../../model/login-attempt.ts'
import { normaliseLoginName } from '../../model/login-name.ts'
import { validateField, validateUserId } from './claim-fields.ts'
import { type Claims, claimOf, invisibleFault, textOf } from './claim-values.ts'
import { type FieldValue, fieldValue, possibleTexts, type ValidateText } from './field-value.ts'

export type MappingRules = Pick<ExternalProvider, 'user_template' | 'value_mappings' | 'identifying_claim'>

/** The fields that a template fills; `user_id` is fixed at creation. */
export interface MappableUser extends Record<Exclude<PlainField, 'login_name'>, string | null> {
  login_name: string
  email_verified: boolean
  claims: Record<string, unknown>
}

export interface PlannedUser<User> {
  next: User
  changes: FieldChange[]
}

/** A sign-in goes on without them. */
const nameFields: readonly string[] = ['name', 'given_name', 'family_name']
export const isNameField = (field: string): boolean => nameFields.includes(field)

/** What people may change here for themselves: taken once, never overwritten. */
const setOnce: readonly string[] = ['locale', 'zoneinfo']

/** The id of a new user: as the template says, otherwise the value of the identifying claim. */
export function plannedUserId(rules: MappingRules, claims: Claims): FieldValue<string> {
  const template = rules.user_template.user_id ?? { claim: rules.identifying_claim }
  // People are found by user_id: whoever may write any address into their profile must not take somebody else's.
  if (template.claim === 'email' && !isMailVerified(claims)) {
    return { outcome: 'fault', reason: 'The claim email is not verified (email_verified), so it cannot be a user_id.' }
  }
  const judge = texts(validateUserId)
  const value = fieldValue(template, mappingsOf(rules, 'user_id'), claims, judge)
  return value.outcome === 'value' ? value : { ...value, outcome: 'fault' }
}

/** What the directory must be asked before a user can be planned: which tenants exist, and whose the login names are. */
export function namesToLookUp(rules: MappingRules, claims: Claims): { tenants: string[]; loginNames: string[] } {
  const textsOf = (field: PlainField) => possibleTexts(rules.user_template[field], mappingsOf(rules, field), claims)
  return { tenants: textsOf('tenant_id'), loginNames: textsOf('login_name').map(normaliseLoginName) }
}

/** `base`: the stored user, or the row that a new one begins as. */
export function planUser<User extends MappableUser>(
  rules: MappingRules,
  claims: Claims,
  base: User,
  isNew: boolean,
  tenants: ReadonlySet<string>,
): PlannedUser<User> {
  const plan: Plan = { rules, claims, base, isNew, tenants, next: { ...base }, changes: [] }
  for (const field of plainFields) {
    const template = rules.user_template[field]
    if (template) planField(plan, field, template)
  }
  for (const field of Object.keys(rules.user_template).sort()) {
    const template = rules.user_template[field as TemplateField]
    if (field.startsWith('claims.') && template) planClaim(plan, field.slice('claims.'.length), template)
  }
  return { next: { ...base, ...plan.next }, changes: plan.changes }
}

interface Plan extends PlannedUser<MappableUser> {
  rules: MappingRules
  claims: Claims
  base: MappableUser
  isNew: boolean
  tenants: ReadonlySet<string>
}

function planField(plan: Plan, field: PlainField, template: FieldTemplate): void {
  const { rules, claims, base, next, tenants, changes } = plan
  const judge = texts((text) => validateField(field, text, tenants))
  const found = fieldValue(template, mappingsOf(rules, field), claims, judge)
  const before = base[field]
  if (setOnce.includes(field) && before !== null) {
    changes.push(keptAsItIs(field, before, found))
    return
  }
  changes.push(changeOf(plan, field, before, found))
  if (found.outcome !== 'value') return
  next[field] = found.value
  if (field === 'email') planVerified(plan, template, found.isFromClaim)
}

/** OIDC Core §5.1: of one address. Which one of a list it would be about, nobody can tell. */
const isMailVerified = (claims: Claims): boolean =>
  claimOf(claims, 'email_verified') === true && typeof claimOf(claims, 'email') === 'string'

/** OIDC Core §5.7: only the provider's own word about its own `email` counts; an address that stays is as verified as it was. */
function planVerified(plan: Plan, template: FieldTemplate, isFromClaim: boolean): void {
  const { base, next, claims, changes } = plan
  const isVerified = isFromClaim && template.claim === 'email' && isMailVerified(claims)
  const isSame = next.email === base.email
  next.email_verified = isVerified || (isSame && base.email_verified)
  if (next.email_verified === base.email_verified) return
  changes.push({
    field: 'email_verified',
    action: plan.isNew ? 'created' : 'updated',
    before: String(base.email_verified),
    after: String(next.email_verified),
    reason: isVerified ? 'The provider says that it verified the claim email.' : 'Nobody verified the new address.',
  })
}

/** A claim of the directory without a field of its own: keeps the type that the provider gives it. */
function planClaim(plan: Plan, name: string, template: FieldTemplate): void {
  const { next, base, claims } = plan
  const judge: ValidateText<unknown> = (said) => {
    const value = typeof said === 'string' ? said.normalize('NFC').trim() : said
    const fault = claimFault(name, value, next.claims)
    return fault === undefined ? { value } : { fault }
  }
  const found = fieldValue(template, [], claims, judge)
  const before = claimOf(base.claims, name) ?? null
  plan.changes.push(changeOf(plan, `claims.${name}`, before, found))
  if (found.outcome === 'value') next.claims = { ...next.claims, [name]: found.value }
}

function claimFault(name: string, value: unknown, others: Claims): string | undefined {
  const text = textOf(value)
  if (text === undefined) return 'must be a text, a number or a boolean'
  if (text.length > 1000) return 'must have at most 1000 characters'
  const faults = directoryClaimFaults({ ...others, [name]: value })
  return invisibleFault(text) ?? faults[name] ?? faults['.']
}

const mappingsOf = (rules: MappingRules, field: string) =>
  rules.value_mappings.filter((mapping) => mapping.field === field)

const texts =
  (judge: (text: string) => { value: string } | { fault: string }): ValidateText<string> =>
  (said) => {
    const text = textOf(said)
    return text === undefined ? { fault: 'must be a text' } : judge(text)
  }

function keptAsItIs(field: string, before: string, found: FieldValue<string>): FieldChange {
  if (found.outcome !== 'value' || found.value === before) {
    return { field, action: 'unchanged', before, after: before, reason: found.reason }
  }
  return { field, action: 'ignored', before, after: found.value, reason: 'Set once and never overwritten.' }
}

function changeOf({ isNew }: Plan, field: string, stored: unknown, found: FieldValue<unknown>): FieldChange {
  const { reason } = found
  const before = shown(stored)
  if (found.outcome !== 'value') {
    return { field, action: isFailure(field, found) ? 'failed' : 'unchanged', before, after: before, reason }
  }
  const after = shown(found.value)
  if (isNew) return { field, action: 'created', before: null, after, reason }
  const isSame = JSON.stringify(stored) === JSON.stringify(found.value)
  return { field, action: isSame ? 'unchanged' : 'updated', before, after, reason }
}

/** Nobody is left in a tenant, or in none, because the one that was named is not known here. */
const isFailure = (field: string, { outcome }: FieldValue<unknown>): boolean =>
  outcome === 'fault' || (outcome === 'unmapped' && field === 'tenant_id')

const shown = (value: unknown): string | null => (value === null ? null : (textOf(value) ?? JSON.stringify(value)))
