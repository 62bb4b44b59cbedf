// The consent that one person gave to one client.

/** Each scope and each claim name with the time of the answer, in milliseconds. */
export interface Consent {
  /** `created_at` of the client it was given to. */
  client_since: number
  given_at: number
  scopes: Record<string, number>
  claims: Record<string, number>
}
