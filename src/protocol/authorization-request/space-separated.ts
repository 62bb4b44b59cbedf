// Parameters that are lists of values separated by spaces (RFC 6749 §3.3, OIDC Core §3.1.2.1).

/** The first twenty values; further ones are dropped. Returns undefined for an absent parameter. */
export const spaceSeparated = (text: string | null): string[] | undefined =>
  text?.split(' ').filter(Boolean).slice(0, 20)
