// Maps the claims of an external provider to the fields of a user, with a reason for each field. Pure: provisioning writes the result, a dry run
// only shows it.

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
import { type FieldResult, validateField, validateUserId } from './claim-fields.ts'
import { type Claims, claimOf, invisibleFault, textOf } from './claim-values.ts'
import { type FieldValue, fieldValue, possibleTexts, type ValidateValue } from './field-value.ts'

export type MappingRules = Pick<ExternalProvider, 'user_template' | 'value_mappings' | 'identifying_claim'>

/** The fields that a user template can fill. `user_id` is not one of them: it is fixed when the user is created. */
export interface MappableUser extends Record<Exclude<PlainField, 'login_name'>, string | null> {
  login_name: string
  email_verified: boolean
  claims: Record<string, unknown>
}

export interface PlannedUser<User> {
  next: User
  changes: FieldChange[]
}

/** Display names. A sign-in succeeds without them if they cannot be stored (I21). */
const nameFields: readonly string[] = ['name', 'given_name', 'family_name']
export const isNameField = (field: string): boolean => nameFields.includes(field)

/** Fields that users may change here: a sign-in sets them if they are empty and never overwrites them (I20). */
const setOnce: readonly string[] = ['locale', 'zoneinfo']

/** Returns the user_id of a new user: from the template if it has one for user_id, otherwise the value of the identifying claim. */
export function plannedUserId(rules: MappingRules, claims: Claims): FieldValue<string> {
  const template = rules.user_template.user_id ?? { claim: rules.identifying_claim }
  // Users are found by user_id: a person who can write any address into their profile must not get the user_id of its owner.
  if (template.claim === 'email' && !isMailVerified(claims)) {
    return { outcome: 'fault', reason: 'The claim email is not verified (email_verified), so it cannot be a user_id.' }
  }
  const validate = validatorOfText(validateUserId)
  const value = fieldValue(template, mappingsOf(rules, 'user_id'), claims, validate)
  return value.outcome === 'value' ? value : { ...value, outcome: 'fault' }
}

/** Returns the tenants and login names that the claims and rules can lead to: the directory is queried for them before the user is planned. */
export function namesToLookUp(rules: MappingRules, claims: Claims): { tenants: string[]; loginNames: string[] } {
  const textsOf = (field: PlainField) => possibleTexts(rules.user_template[field], mappingsOf(rules, field), claims)
  return { tenants: textsOf('tenant_id'), loginNames: textsOf('login_name').map(normaliseLoginName) }
}

/** Plans every field of the user template. `base`: the stored user, or the blank row of a new user. `tenants`: the ids of the tenants that exist. */
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
  const validate = validatorOfText((text) => validateField(field, text, tenants))
  const result = fieldValue(template, mappingsOf(rules, field), claims, validate)
  const before = base[field]
  if (setOnce.includes(field) && before !== null) {
    changes.push(unchangedField(field, before, result))
    return
  }
  changes.push(changeOf(plan, field, before, result))
  if (result.outcome !== 'value') return
  next[field] = result.value
  if (field === 'email') planVerified(plan, template, result.isFromClaim)
}

/** `email_verified` is about a single address (OIDC Core §5.1). With a list of addresses it is ambiguous, so it does not count. */
const isMailVerified = (claims: Claims): boolean =>
  claimOf(claims, 'email_verified') === true && typeof claimOf(claims, 'email') === 'string'

/**
 * Sets `email_verified` for the planned address. An address counts as verified only if it comes from the provider's claim `email` and the
 * provider says that it verified it (OIDC Core §5.7). An address that does not change keeps its state.
 */
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
    reason: isVerified ? 'The provider says that it verified the claim email.' : 'The new address is not verified.',
  })
}

/** Plans a template field `claims.<name>`: a user's additional claim. It keeps the JSON type that the provider sends. */
function planClaim(plan: Plan, name: string, template: FieldTemplate): void {
  const { next, base, claims } = plan
  const validate: ValidateValue<unknown> = (claimed) => {
    const value = typeof claimed === 'string' ? claimed.normalize('NFC').trim() : claimed
    const fault = claimFault(name, value, next.claims)
    return fault === undefined ? { value } : { fault }
  }
  const result = fieldValue(template, [], claims, validate)
  const before = claimOf(base.claims, name) ?? null
  plan.changes.push(changeOf(plan, `claims.${name}`, before, result))
  if (result.outcome === 'value') next.claims = { ...next.claims, [name]: result.value }
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

/** Turns a validator of texts into one of claim values: numbers and booleans count as texts, objects do not. */
const validatorOfText =
  (validate: (text: string) => FieldResult): ValidateValue<string> =>
  (claimed) => {
    const text = textOf(claimed)
    return text === undefined ? { fault: 'must be a text' } : validate(text)
  }

function unchangedField(field: string, before: string, result: FieldValue<string>): FieldChange {
  if (result.outcome !== 'value' || result.value === before) {
    return { field, action: 'unchanged', before, after: before, reason: result.reason }
  }
  return { field, action: 'ignored', before, after: result.value, reason: 'Set once and never overwritten.' }
}

function changeOf({ isNew }: Plan, field: string, stored: unknown, result: FieldValue<unknown>): FieldChange {
  const { reason } = result
  const before = serialise(stored)
  if (result.outcome !== 'value') {
    return { field, action: isFailure(field, result) ? 'failed' : 'unchanged', before, after: before, reason }
  }
  const after = serialise(result.value)
  if (isNew) return { field, action: 'created', before: null, after, reason }
  const isSame = JSON.stringify(stored) === JSON.stringify(result.value)
  return { field, action: isSame ? 'unchanged' : 'updated', before, after, reason }
}

/** An unknown tenant fails the sign-in: keeping the old tenant would leave the user with the wrong rights. */
const isFailure = (field: string, { outcome }: FieldValue<unknown>): boolean =>
  outcome === 'fault' || (outcome === 'unmapped' && field === 'tenant_id')

const serialise = (value: unknown): string | null => (value === null ? null : (textOf(value) ?? JSON.stringify(value)))
