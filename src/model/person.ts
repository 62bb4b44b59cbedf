// What tokens need to know of a person: read from the directory at sign-in, kept by the person's Subject.

export interface Person {
  user_id: string
  /** Subject identifier (OIDC Core §8): fixed at creation, at most 255 printable ASCII characters. */
  sub: string
  /** Address of the person's Subject: 16 random bytes, base64url. */
  subject_ref: string
  /** Grows with every change of the record; the higher one wins. */
  version: number
  enabled: boolean
  /** Milliseconds: sessions and grants that began before are dead (password changed, signed out everywhere). */
  not_before: number
  tenant_id: string | null
  /** Every claim the directory has of the person, by claim name; unset ones are absent. */
  claims: Record<string, unknown>
}
