// The input of a change of an external provider: the fields of its record, a preset to begin with, and the client secret as plain text.

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
  /** At creation, supplies the fields that the input leaves out. */
  preset?: PresetName | undefined
  /** `null` means that the client has no secret at the provider. */
  client_secret?: string | null | undefined
  /** `null` means client_secret_basic with a secret, none without. */
  token_endpoint_auth_method?: ExternalProvider['token_endpoint_auth_method'] | null | undefined
  endpoints?: StatedEndpoints | undefined
  user_template?: Record<string, { claim?: string | undefined; default?: string | undefined }> | undefined
}
