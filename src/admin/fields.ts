// Schemas of fields that several resources share, with bounds that keep a value printable in a page, a log line and a token.
import * as z from 'zod/mini'
import type { TextRule } from '../model/user-rules.ts'
import * as rules from '../model/user-rules.ts'

/** A zod check from a function that returns the fault as a text. */
export const validatedBy = (faultOf: (text: string) => string | undefined): z.core.CheckFn<string> => {
  return (payload) => {
    const fault = faultOf(payload.value)
    if (fault) payload.issues.push({ code: 'custom', message: fault, input: payload.value })
  }
}

export const text = ({ longest, pattern, fault }: TextRule) =>
  z.string().check(z.maxLength(longest), z.regex(pattern, { error: fault }))

const filled = ({ longest, pattern, fault }: TextRule) =>
  z.string().check(z.minLength(1), z.maxLength(longest), z.regex(pattern, { error: fault }))

export const line = (longest: number) => filled(rules.line(longest))
export const identifier = (longest: number) => filled(rules.identifier(longest))

/** Whole seconds. */
export const seconds = (least: number, most: number) => z.int().check(z.minimum(least), z.maximum(most))

/** RFC 3339 on the wire, milliseconds inside. */
export const instant = z.iso.datetime({ offset: true, error: 'must be a time such as 2027-01-31T00:00:00Z' })

export const toInstant = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** A list without duplicates. Its order means nothing, so it is stored sorted. */
export const set = <Item extends z.ZodMiniType<string>>(item: Item, most: number) =>
  z.pipe(
    z.array(item).check(z.maxLength(most)),
    z.transform((items) => [...new Set(items)].sort()),
  )

/** Text by locale, as the consent page shows it: `{ "en": "Your profile", "nl": "Je profiel" }`. */
export const localised = (longest: number) =>
  z.record(z.string().check(z.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)), line(longest))
