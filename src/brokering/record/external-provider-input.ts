// What a change of an external provider may state: the fields of its record, a preset to begin with, and the client secret in the clear.

import type { ExternalProvider } from '../../model/external-provider.ts'
import type { PresetName } from './presets.ts'

/** Endpoints of a provider of kind `oauth2`, which publishes no metadata. */
export interface StatedEndpoints {
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  issuer?: string | undefined
  code_challenge_methods_supported?: string[] | undefined
}

type Stated =
  | 'provider_id'
  | 'token_endpoint_auth_method'
  | 'user_template'
  | 'sealed_client_secret'
  | 'metadata'
  | 'metadata_fetched_at'
  | 'metadata_fault'
  | 'jwks'
  | 'created_at'
  | 'updated_at'

/** A field that is left out keeps its value. */
export interface ExternalProviderInput extends Partial<Omit<ExternalProvider, Stated>> {
  /** At creation: states what the input leaves out. */
  preset?: PresetName | undefined
  /** Null: the provider knows this client without one. */
  client_secret?: string | null | undefined
  /** Null: basic with a secret, none without. */
  token_endpoint_auth_method?: ExternalProvider['token_endpoint_auth_method'] | null | undefined
  endpoints?: StatedEndpoints | undefined
  user_template?: Record<string, { claim?: string | undefined; default?: string | undefined }> | undefined
}
