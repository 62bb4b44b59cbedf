// An external provider that people sign in with: an OpenID Provider (OIDC Core, OIDC Discovery), or an OAuth 2.0 server that
// identifies the person by an API of its own (`oauth2`: GitHub, Facebook). Countersign is its client.

/** Whether a text is a provider's id, which is part of URLs, cookies and claims. `local` is reserved for sessions by password. */
export const providerIdPattern = '(?!local$)[a-z0-9][a-z0-9._-]{0,49}'
const providerId = new RegExp(`^${providerIdPattern}$`)
export const isProviderId = (text: string): boolean => providerId.test(text)

export type ProviderKind = 'openid' | 'oauth2'

/** RFC 7591 §2, by which this client authenticates at the provider's token endpoint. `none`: a public client, by PKCE alone. */
export const upstreamAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
export type UpstreamAuthMethod = (typeof upstreamAuthMethods)[number]

/** The members of a provider's metadata that are used (OIDC Discovery §3, RFC 8414 §2). For kind `oauth2` the administrator states them. */
export interface ProviderMetadata {
  /** Byte for byte as in its tokens. May contain Entra's `{tenantid}`. For kind `oauth2` its origin, since no document states an issuer. */
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  jwks_uri?: string
  userinfo_endpoint?: string
  end_session_endpoint?: string
  pushed_authorization_request_endpoint?: string
  require_pushed_authorization_requests?: boolean
  authorization_response_iss_parameter_supported?: boolean
  code_challenge_methods_supported?: string[]
  id_token_signing_alg_values_supported?: string[]
  token_endpoint_auth_methods_supported?: string[]
  response_modes_supported?: string[]
  scopes_supported?: string[]
  claims_supported?: string[]
  prompt_values_supported?: string[]
  backchannel_logout_supported?: boolean
}

/** Fields of a user that a template fills at every sign-in. */
export const plainFields = [
  'login_name',
  'tenant_id',
  'name',
  'given_name',
  'family_name',
  'email',
  'gender',
  'locale',
  'zoneinfo',
] as const
export type PlainField = (typeof plainFields)[number]

/** With `user_id`, which is set only when a user is created. `claims.NAME` is a claim without a field of its own. */
export const templateFields = ['user_id', ...plainFields] as const
export type TemplateField = (typeof templateFields)[number] | `claims.${string}`

/** A field takes the value of `claim`, or `default` when the claim is missing, of the wrong form, or not mapped. */
export interface FieldTemplate {
  claim?: string
  default?: string
}
export type UserTemplate = Partial<Record<TemplateField, FieldTemplate>>

/** Fields whose values are known ones: a claim's value may have to be translated. */
export const mappedFields = ['tenant_id', 'user_id', 'gender', 'locale', 'zoneinfo'] as const
export type MappedField = (typeof mappedFields)[number]

/** When the claim of the field's template equals `claim_value`, or is an array that contains it, the field becomes `value`. */
export interface ValueMapping {
  field: MappedField
  claim_value: string
  value: string
  /** If several match, the lowest number wins. */
  priority: number
}

/** `when` absent: every user of the provider has the group. The same group may be mapped several times: one is enough. */
export interface GroupMapping {
  group_id: string
  /** The claim equals the value, or is an array that contains it. */
  when?: { claim: string; value: string }
}

export interface ExternalProvider {
  /** Part of URLs, of `acr_values=idp:ID` and of the `idp` of sessions: no spaces, never changed. */
  provider_id: string
  name: string
  kind: ProviderKind
  enabled: boolean
  /** `null` for kind `oauth2`. */
  metadata_endpoint: string | null
  /** As last read, or as stated for kind `oauth2`; `null` if it was never read. */
  metadata: ProviderMetadata | null
  /** Milliseconds; 0 means that it was never read. */
  metadata_fetched_at: number
  /** The reason why the last reading failed; `null` means that it did not fail. */
  metadata_fault: string | null
  /** The signing keys as last read by the reload task, for an isolate that starts while the provider is down. */
  jwks: { keys: JsonWebKey[] } | null
  client_id: string
  /** Sealed under WRAP_KEY (purpose `provider-secret`). */
  sealed_client_secret: string | null
  token_endpoint_auth_method: UpstreamAuthMethod
  /** The requested scopes; for kind `openid` always with `openid`. */
  scopes: string[]
  /** Names that can be mapped. */
  claims: string[]
  identifying_claim: string
  /**
   * Whether the identifying claim may link a first sign-in to an existing user. False for providers where anyone can have an account: there an
   * administrator links identities, or a new user is created.
   */
  link_existing_users: boolean
  prompt: 'consent' | 'login' | 'select_account' | null
  response_mode: 'query' | 'form_post' | null
  /** Accepts any tenant of an issuer with `{tenantid}`. It never means that the issuer is not checked. */
  allow_all_issuers: boolean
  /** Further issuers, byte for byte. */
  valid_issuers: string[]
  /** Mail domains of the people who sign in with this provider, lower case. */
  domains: string[]
  /** Hosts in an internal network that may be fetched. */
  internal_hosts: string[]
  provisioning_enabled: boolean
  user_template: UserTemplate
  value_mappings: ValueMapping[]
  group_mappings: GroupMapping[]
  sign_in_text: string | null
  /** `data:` URL of an image, or `null`. */
  sign_in_icon: string | null
  sign_out_text: string | null
  sign_out_icon: string | null
  /** Order among the buttons, then by name. */
  position: number
  created_at: number
  updated_at: number
}

/** The verified result of a sign-in by an external provider. */
export interface UpstreamLogin {
  /** The `iss` of the ID token; for kind `oauth2` the issuer of the metadata. */
  issuer: string
  /** The `sub`; for kind `oauth2` the value of the claim that is mapped to it. */
  subject: string
  /** The claims of the ID token, and of userinfo those that it lacks; including `iss` and `sub`. */
  claims: Record<string, unknown>
  /** Milliseconds. Absent if the provider does not state it. */
  authenticated_at?: number
  acr?: string
  amr?: string[]
  /** The provider's session (OIDC Back-Channel Logout §2.1). */
  sid?: string
  /** The id_token_hint of a sign-out there (OIDC RP-Initiated Logout §2). */
  id_token?: string
}
