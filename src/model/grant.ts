// A grant: what one person allowed one client, from the code to the last refresh token.

export interface Grant {
  /** Also the id of the interaction it came from: an interaction is finished once. 16 random bytes, base64url. */
  id: string
  client_id: string
  /** `created_at` of the client. A client that was deleted and created again under its id is another client. */
  client_since: number
  /** Internal id of the session; clients see only a `sid` derived from it. */
  session_id: string
  scope: string[]
  redirect_uri: string
  code_challenge?: string
  nonce?: string
  /** Claims requested by the `claims` parameter, by destination. */
  userinfo_claims: string[]
  id_token_claims: string[]
  /** Milliseconds. */
  authenticated_at: number
  acr: string
  amr: string[]
  idp: string
  created_at: number
}
