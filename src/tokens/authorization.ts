// What a grant type decides about one token request. The shared phase (issue-tokens.ts) turns it into tokens.

import type { Client } from '../model/client.ts'
import type { Grant } from '../model/grant.ts'
import type { Person } from '../model/person.ts'

export interface Authorization {
  client: Client
  /** Subject identifier (OIDC Core §8) of the user whose rights the tokens carry. */
  sub: string
  /** What the access token is for: what was granted, or less (RFC 6749 §6). */
  scope: string[]
  /** The access token's id (RFC 9068 §2.2), from token-id.ts. */
  jti: string
  /** Time of issue, in seconds. A repeated refresh states the time of the first one. */
  iat: number
  /** Absent when no user signed in (RFC 6749 §4.4). Then there is no ID token. */
  sign_in?: SignIn
  /** The sealed token, as the client will present it. */
  refresh_token?: string | undefined
}

/** The user who signed in, and the grant to the client. */
export interface SignIn {
  user: Person
  grant: Grant
  /** Only when a code is redeemed (OIDC Core §12.2). */
  nonce?: string | undefined
}
