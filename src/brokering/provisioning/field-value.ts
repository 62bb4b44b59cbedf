// Finds the value of one field of a user: from a claim, a value mapping, or the template's default.

import type { FieldTemplate, ValueMapping } from '../../model/external-provider.ts'
import { quoted } from '../../model/untrusted-text.ts'
import { type Claims, claimOf, isMissing, textOf, valuesOf } from './claim-values.ts'

/**
 * `none`: the provider did not send the claim. `unmapped`: no value mapping fits the claim. `fault`: the value fails validation. In these three
 * cases the template has no default that could be used instead. `isFromClaim` is false for a default.
 */
export type FieldValue<Value> =
  | { outcome: 'value'; value: Value; reason: string; isFromClaim: boolean }
  | { outcome: 'none' | 'unmapped' | 'fault'; reason: string }

/** How many values of a list are validated (F07): each costs time, and a provider may send thousands. */
const mostValues = 100

/** Returns one value of a claim in the form in which it is stored, or what is wrong with it. */
export type ValidateValue<Value> = (claimed: unknown) => { value: Value } | { fault: string }

/** Pure. `mappings`: those of this field only. */
export function fieldValue<Value>(
  template: FieldTemplate,
  mappings: readonly ValueMapping[],
  claims: Claims,
  validate: ValidateValue<Value>,
): FieldValue<Value> {
  const { claim } = template
  if (claim === undefined) return defaultValue(template, 'none', 'the template names no claim', validate)
  const claimed = claimOf(claims, claim)
  if (isMissing(claimed)) return defaultValue(template, 'none', `the claim ${claim} was not sent`, validate)
  const result =
    mappings.length > 0 ? mappedValue(claim, claimed, mappings, validate) : claimedValue(claim, claimed, validate)
  return result.outcome === 'value' ? result : defaultValue(template, result.outcome, result.reason, validate)
}

/** Returns every text that a field can take by these rules, so that one query of the directory covers all of them. */
export function possibleTexts(
  template: FieldTemplate | undefined,
  mappings: readonly ValueMapping[],
  claims: Claims,
): string[] {
  const claimed = template?.claim === undefined ? [] : valuesOf(claimOf(claims, template.claim)).slice(0, mostValues)
  const all = [...claimed.map(textOf), ...mappings.map(({ value }) => value), template?.default]
  return [...new Set(all.filter((text) => text !== undefined))]
}

/** If a field has mappings, only they give it a value: of those that fit, the one with the lowest priority number. */
function mappedValue<Value>(
  claim: string,
  claimed: unknown,
  mappings: readonly ValueMapping[],
  validate: ValidateValue<Value>,
): FieldValue<Value> {
  const texts = valuesOf(claimed).map(textOf)
  const byPriority = [...mappings].sort((a, b) => a.priority - b.priority)
  const mapping = byPriority.find(({ claim_value }) => texts.includes(claim_value))
  if (!mapping)
    return { outcome: 'unmapped', reason: `no value mapping fits ${quotedValues(claimed)} of the claim ${claim}` }
  const validated = validate(mapping.value)
  const rule = `${quoted(mapping.claim_value)} of the claim ${claim} is mapped to ${quoted(mapping.value)}`
  return 'fault' in validated
    ? { outcome: 'fault', reason: `${rule}, which ${validated.fault}` }
    : { outcome: 'value', value: validated.value, reason: sentence(rule), isFromClaim: true }
}

/** Takes the first valid value of a list. */
function claimedValue<Value>(claim: string, claimed: unknown, validate: ValidateValue<Value>): FieldValue<Value> {
  const validated = valuesOf(claimed).slice(0, mostValues).map(validate)
  const usable = validated.find((each) => 'value' in each)
  if (usable) return { outcome: 'value', value: usable.value, reason: `From the claim ${claim}.`, isFromClaim: true }
  const [first] = validated
  const fault = first && 'fault' in first ? first.fault : 'is nothing'
  return { outcome: 'fault', reason: `${quotedValues(claimed)} of the claim ${claim} cannot be used: it ${fault}` }
}

function defaultValue<Value>(
  template: FieldTemplate,
  outcome: 'none' | 'unmapped' | 'fault',
  why: string,
  validate: ValidateValue<Value>,
): FieldValue<Value> {
  if (template.default === undefined || template.default === '') return { outcome, reason: sentence(why) }
  const validated = validate(template.default)
  return 'fault' in validated
    ? { outcome: 'fault', reason: sentence(`the default ${quoted(template.default)} ${validated.fault}, and ${why}`) }
    : { outcome: 'value', value: validated.value, reason: `The default: ${why}.`, isFromClaim: false }
}

/** Quotes at most five values for a reason. */
const quotedValues = (claimed: unknown): string => {
  const texts = valuesOf(claimed).map((value) => textOf(value))
  return texts.every((text) => text === undefined)
    ? 'an object'
    : texts
        .map((text) => quoted(text ?? 'an object'))
        .slice(0, 5)
        .join(', ')
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
