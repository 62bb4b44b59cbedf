// Where the value of one field of a user comes from: a claim, a value mapping, or the template's default.

import type { FieldTemplate, ValueMapping } from '../../model/external-provider.ts'
import { quoted } from '../../model/untrusted-text.ts'
import { type Claims, claimOf, isMissing, textOf, valuesOf } from './claim-values.ts'

/**
 * Without a default there is no value when nothing was said (`none`), when no mapping fits what was said (`unmapped`), and when it cannot
 * be used (`fault`).
 */
export type FieldValue<Value> =
  | { outcome: 'value'; value: Value; reason: string; isFromClaim: boolean }
  | { outcome: 'none' | 'unmapped' | 'fault'; reason: string }

/** Values of one list that are looked at: to judge one costs time, and a provider may send thousands. */
const mostValues = 100

/** Brings one value of a claim into the form in which it is kept, or says what is wrong with it. */
export type ValidateText<Value> = (said: unknown) => { value: Value } | { fault: string }

export function fieldValue<Value>(
  template: FieldTemplate,
  mappings: readonly ValueMapping[],
  claims: Claims,
  judge: ValidateText<Value>,
): FieldValue<Value> {
  const { claim } = template
  if (claim === undefined) return defaultValue(template, 'none', 'the template names no claim', judge)
  const said = claimOf(claims, claim)
  if (isMissing(said)) return defaultValue(template, 'none', `the claim ${claim} did not come`, judge)
  const found = mappings.length > 0 ? mappedValue(claim, said, mappings, judge) : claimedValue(claim, said, judge)
  return found.outcome === 'value' ? found : defaultValue(template, found.outcome, found.reason, judge)
}

/** Every text that a field may take by these rules: what the directory is asked for before it is known which one it will be. */
export function possibleTexts(
  template: FieldTemplate | undefined,
  mappings: readonly ValueMapping[],
  claims: Claims,
): string[] {
  const said = template?.claim === undefined ? [] : valuesOf(claimOf(claims, template.claim)).slice(0, mostValues)
  const all = [...said.map(textOf), ...mappings.map(({ value }) => value), template?.default]
  return [...new Set(all.filter((text) => text !== undefined))]
}

/** With mappings only they give a value: of those that fit, the one with the lowest priority number. */
function mappedValue<Value>(
  claim: string,
  said: unknown,
  mappings: readonly ValueMapping[],
  judge: ValidateText<Value>,
): FieldValue<Value> {
  const texts = valuesOf(said).map(textOf)
  const byPriority = [...mappings].sort((a, b) => a.priority - b.priority)
  const mapping = byPriority.find(({ claim_value }) => texts.includes(claim_value))
  if (!mapping) return { outcome: 'unmapped', reason: `no value mapping fits ${told(said)} of the claim ${claim}` }
  const judged = judge(mapping.value)
  const rule = `${quoted(mapping.claim_value)} of the claim ${claim} is mapped to ${quoted(mapping.value)}`
  return 'fault' in judged
    ? { outcome: 'fault', reason: `${rule}, which ${judged.fault}` }
    : { outcome: 'value', value: judged.value, reason: sentence(rule), isFromClaim: true }
}

/** Of a list the first value that can be used. */
function claimedValue<Value>(claim: string, said: unknown, judge: ValidateText<Value>): FieldValue<Value> {
  const judged = valuesOf(said).slice(0, mostValues).map(judge)
  const usable = judged.find((each) => 'value' in each)
  if (usable) return { outcome: 'value', value: usable.value, reason: `From the claim ${claim}.`, isFromClaim: true }
  const [first] = judged
  const fault = first && 'fault' in first ? first.fault : 'is nothing'
  return { outcome: 'fault', reason: `${told(said)} of the claim ${claim} cannot be used: it ${fault}` }
}

function defaultValue<Value>(
  template: FieldTemplate,
  outcome: 'none' | 'unmapped' | 'fault',
  why: string,
  judge: ValidateText<Value>,
): FieldValue<Value> {
  if (template.default === undefined || template.default === '') return { outcome, reason: sentence(why) }
  const judged = judge(template.default)
  return 'fault' in judged
    ? { outcome: 'fault', reason: sentence(`the default ${quoted(template.default)} ${judged.fault}, and ${why}`) }
    : { outcome: 'value', value: judged.value, reason: `The default: ${why}.`, isFromClaim: false }
}

const told = (said: unknown): string => {
  const texts = valuesOf(said).map((value) => textOf(value))
  return texts.every((text) => text === undefined)
    ? 'an object'
    : texts
        .map((text) => quoted(text ?? 'an object'))
        .slice(0, 5)
        .join(', ')
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
