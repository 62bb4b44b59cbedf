// What the fields of a user may hold, whoever writes them: an operator (admin/user-fields.ts) or a provider's claims (claim-fields.ts).

export interface TextRule {
  longest: number
  pattern: RegExp
  /** What is wrong with a text that does not match. */
  fault: string
}

/** One line: a line break in a name could forge a line of a log (SECURITY-CASES D13). */
export const line = (longest: number): TextRule => ({
  longest,
  pattern: /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u,
  fault: 'must have no control characters',
})

/** A key of ours: what stands in a URL, a claim and a log. */
export const identifier = (longest: number): TextRule => ({
  longest,
  pattern: /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/,
  fault: 'must be printable ASCII without blanks around',
})

export const userRules = {
  user_id: identifier(255),
  name: line(200),
  given_name: line(200),
  family_name: line(200),
  email: { longest: 254, pattern: /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u, fault: 'must be an e-mail address' },
  gender: line(50),
  /** RFC 5646 */
  locale: {
    longest: 35,
    pattern: /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/,
    fault: 'must be a language tag such as en or nl-BE',
  },
  /** IANA time zone name */
  zoneinfo: {
    longest: 64,
    pattern: /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/,
    fault: 'must be a time zone such as Europe/Amsterdam',
  },
} as const satisfies Record<string, TextRule>

/** Returns the fault of a text, or undefined if it has none. */
export function textFault({ longest, pattern, fault }: TextRule, text: string): string | undefined {
  if (text.length === 0) return 'must not be empty'
  if (text.length > longest) return `must have at most ${longest} characters`
  return pattern.test(text) ? undefined : fault
}
