// What a claim of a provider says, as text that rules compare and fields take. Claims are somebody else's text: nothing about them is sure.

export type Claims = Record<string, unknown>

/** Own members only: a claim named `constructor` is absent, not a function. */
export const claimOf = (claims: Claims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined

/** Nothing was said: absent, null, blank, or a list of nothing. */
export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.every(isMissing))

/** A claim is one value or a list of values; a list within the list is none. */
export const valuesOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value])

/** Texts as they are, numbers and booleans as JSON writes them; objects and null have no text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'boolean' || Number.isFinite(value) ? String(value) : undefined
}

/** Whether a claim equals a text, or is an array that contains it. */
export const claimHasValue = (claims: Claims, name: string, text: string): boolean =>
  valuesOf(claimOf(claims, name)).some((value) => textOf(value) === text)

/** Zero width joiners are letters' business in Persian and in Indic scripts; other invisible characters make one name look like another. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u
const joiners = /[\u200c\u200d]/g

export function invisibleFault(text: string): string | undefined {
  return invisible.test(text.replaceAll(joiners, '')) ? 'must have no control or invisible characters' : undefined
}

/**
 * What is wrong with a text that shall say who somebody is (SECURITY-CASES I18): it is compared as it stands, so it must have one spelling.
 * Case is kept: `Admin` is not `admin`.
 */
export function identityFault(text: string): string | undefined {
  if (text.length === 0 || text !== text.trim()) return 'must not be empty or have blanks around'
  if (text.length > 255) return 'must have at most 255 characters'
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return 'must have no control or invisible characters'
  return text === text.normalize('NFKC') ? undefined : 'must have no characters that are a variant of others (NFKC)'
}

const mailAddress = /^[^\s@]+@[^\s@]+$/

/** As identityFault; exactly one @, and no second spelling of its host by a trailing dot. */
export function mailFault(text: string): string | undefined {
  const fault = identityFault(text)
  if (fault) return fault
  if (text.length > 254 || !mailAddress.test(text)) return 'must be an e-mail address'
  return text.endsWith('.') ? 'must not end in a dot' : undefined
}
