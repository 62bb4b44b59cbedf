// A client: members with RFC 7591 §2 names where they exist, and IAM's settings.

import type { AcceptedAlgorithm } from '../crypto/accepted-algorithms.ts'
import type { SigningAlgorithm } from '../crypto/signing-algorithms.ts'
import type { GrantType } from './grant-type.ts'

export interface ClientSecret {
  /** SHA-256 of the secret, base64url. */
  hash: string
  label: string
  /** Milliseconds since 1970; `null` means that the secret never expires. */
  expires_at: number | null
}

/** The user that a client_credentials token represents. */
export interface LinkedUser {
  user_id: string
  sub: string
  enabled: boolean
  tenant_id: string | null
}

export interface Client {
  client_id: string
  client_name: string
  enabled: boolean
  /** A name in clients/authentication/methods.ts. `null` means any method for which the client has secrets or keys, and `none` if it has neither. */
  token_endpoint_auth_method: string | null
  /** `null` means any accepted algorithm that fits the key. */
  token_endpoint_auth_signing_alg: AcceptedAlgorithm | null
  jwks: { keys: JsonWebKey[] } | null
  jwks_uri: string | null
  grant_types: GrantType[]
  redirect_uris: string[]
  post_logout_redirect_uris: string[]
  /** Further origins that may call token, userinfo and revocation from a browser. */
  client_origins: string[]
  secrets: ClientSecret[]
  /** Scopes the client may request, besides full_api_access and offline_access, which have their own flags. */
  scopes: string[]
  /** The client may request full_api_access. */
  api_access: boolean
  /** The client may request offline_access, and so refresh tokens. */
  offline_access: boolean
  require_pkce: boolean
  require_consent: boolean
  linked_user: LinkedUser | null
  id_token_signed_response_alg: SigningAlgorithm | null
  /** Lifetimes in seconds. `null` means the issuer's setting. */
  access_token_lifetime: number | null
  id_token_lifetime: number | null
  code_lifetime: number | null
  refresh_token_sliding_lifetime: number | null
  refresh_token_absolute_lifetime: number | null
  refresh_token_rotation: boolean
  /** Seconds within which a rotated token may be retried. `null` means 60 for confidential clients and 10 for public ones. */
  refresh_token_grace: number | null
  client_uri: string | null
  logo_uri: string | null
  policy_uri: string | null
  tos_uri: string | null
  /** Milliseconds. Distinguishes the client from a deleted one with the same id. */
  created_at: number
}

/** RFC 6749 §2.1: a client that cannot keep a credential. */
export function isPublicClient(client: Client): boolean {
  if (client.token_endpoint_auth_method) return client.token_endpoint_auth_method === 'none'
  return client.secrets.length === 0 && !client.jwks && !client.jwks_uri
}
