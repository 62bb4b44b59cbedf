// The record of a user that tokens need: read from the directory at sign-in, stored by the user's Subject.

export interface Person {
  user_id: string
  /** Subject identifier (OIDC Core §8): fixed at creation, at most 255 printable ASCII characters. */
  sub: string
  /** Address of the user's Subject: 16 random bytes, base64url. */
  subject_ref: string
  /** Grows with every change of the record. The higher version wins. */
  version: number
  enabled: boolean
  /** Milliseconds. Sessions and grants that began before are dead (password changed, signed out everywhere). */
  not_before: number
  tenant_id: string | null
  /** Every claim that the directory has of the user, by claim name. Unset claims are absent. */
  claims: Record<string, unknown>
}
