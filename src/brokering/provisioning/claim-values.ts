// Reads claims of an external provider as texts that rules compare and fields store. Claims are untrusted: any JSON value may come.

export type Claims = Record<string, unknown>

/** Reads own members only: a claim named `constructor` is absent, not a function. */
export const claimOf = (claims: Claims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined

/** Whether a claim has no value: absent, null, blank, or a list without a value. */
export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.every(isMissing))

/** A claim is one value or a list of values. A list within the list is not flattened, and has no text. */
export const valuesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value])

/** Returns a text as it is, a number or boolean as in JSON, and undefined for an object, a list and null. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'boolean' || Number.isFinite(value) ? String(value) : undefined
}

/** Whether a claim equals a text, or is an array that contains it. */
export const claimHasValue = (claims: Claims, name: string, text: string): boolean =>
  valuesOf(claimOf(claims, name)).some((value) => textOf(value) === text)

/** Zero width joiners are allowed: Persian and Indic scripts need them. Other invisible characters make one name look like another. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u
const joiners = /[\u200c\u200d]/g

export function invisibleFault(text: string): string | undefined {
  return invisible.test(text.replaceAll(joiners, '')) ? 'must have no control or invisible characters' : undefined
}

/**
 * Returns what is wrong with the text of an identifying claim (SECURITY-CASES I18). It is compared exactly, so it must have only one spelling.
 * Case counts: `Admin` is not `admin`.
 */
export function identityFault(text: string): string | undefined {
  if (text.length === 0 || text !== text.trim()) return 'must not be empty or have blanks at its ends'
  if (text.length > 255) return 'must have at most 255 characters'
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return 'must have no control or invisible characters'
  return text === text.normalize('NFKC') ? undefined : 'must have no characters that are variants of others (NFKC)'
}

const mailAddress = /^[^\s@]+@[^\s@]+$/

/** As identityFault. Also requires exactly one @ and refuses a trailing dot, which would be a second spelling of the host. */
export function mailFault(text: string): string | undefined {
  const fault = identityFault(text)
  if (fault) return fault
  if (text.length > 254 || !mailAddress.test(text)) return 'must be an e-mail address'
  return text.endsWith('.') ? 'must not end in a dot' : undefined
}
