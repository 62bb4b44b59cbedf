// Lists in parameters: values between spaces (RFC 6749 §3.3, OIDC Core §3.1.2.1).

/** At most twenty; further ones are dropped. */
export const spaceSeparated = (text: string | null): string[] | undefined =>
  text?.split(' ').filter(Boolean).slice(0, 20)
