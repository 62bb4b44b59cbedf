// The record of an external provider: defaults for a new one, and the merge of a change.

import type { ExternalProvider, ProviderMetadata, UserTemplate } from '../../model/external-provider.ts'
import { compact, merge } from '../../model/record.ts'
import type { ExternalProviderInput } from './external-provider-input.ts'
import { presets } from './presets.ts'

/** Merges everything except the secret, which is sealed first, and the metadata that the provider publishes. */
export function mergeProvider(stored: ExternalProvider, body: ExternalProviderInput): ExternalProvider {
  const { preset, client_secret, token_endpoint_auth_method, endpoints, user_template, ...fields } = body
  const next = merge<ExternalProvider>(stored, fields)
  if (user_template) next.user_template = user_template as UserTemplate
  if (endpoints) next.metadata = statedMetadata(endpoints)
  next.token_endpoint_auth_method = authMethod(stored, body)
  next.scopes = withOpenid(next.kind, next.scopes)
  next.claims = union(next.claims, usedClaims(next))
  return next
}

/** OIDC Core §3.1.2.1: without the scope openid there is no ID token. */
const withOpenid = (kind: ExternalProvider['kind'], scopes: string[]): string[] =>
  kind === 'openid' ? ['openid', ...scopes.filter((scope) => scope !== 'openid')] : scopes

function authMethod(
  stored: ExternalProvider,
  { client_secret, token_endpoint_auth_method: given }: ExternalProviderInput,
): ExternalProvider['token_endpoint_auth_method'] {
  if (given) return given
  const hadSecret = stored.sealed_client_secret !== null
  const hasSecret = client_secret === undefined ? hadSecret : client_secret !== null
  const isFirstSecret = hasSecret && !hadSecret && stored.token_endpoint_auth_method === 'none'
  if (given === undefined && !isFirstSecret) return stored.token_endpoint_auth_method
  return hasSecret ? 'client_secret_basic' : 'none'
}

/** No document names an issuer for kind `oauth2`, so the origin of the authorization endpoint is used. */
function statedMetadata(endpoints: NonNullable<ExternalProviderInput['endpoints']>): ProviderMetadata {
  const { issuer, code_challenge_methods_supported, ...urls } = endpoints
  return {
    issuer: issuer ?? URL.parse(endpoints.authorization_endpoint)?.origin ?? endpoints.authorization_endpoint,
    ...urls,
    ...compact({ code_challenge_methods_supported }),
  }
}

/** Claims that the rules name. Providers send more claims than they list, so these count as known. */
function usedClaims({ identifying_claim, user_template, group_mappings }: ExternalProvider): string[] {
  const ofTemplate = Object.values(user_template).flatMap((template) => template?.claim ?? [])
  const ofGroups = group_mappings.flatMap((mapping) => mapping.when?.claim ?? [])
  return [identifying_claim, ...ofTemplate, ...ofGroups]
}

export const union = (some: string[], others: string[]): string[] => [...new Set([...some, ...others])].sort()

/** The usual scopes, as far as the provider supports them. */
export function defaultScopes({ scopes_supported }: ProviderMetadata): string[] {
  return ['openid', 'profile', 'email'].filter(
    (scope) => scope === 'openid' || scopes_supported?.includes(scope) !== false,
  )
}

export function newProvider(id: string, body: ExternalProviderInput, now: number): ExternalProvider {
  return {
    provider_id: id,
    name: id,
    kind: 'openid',
    enabled: true,
    metadata_endpoint: null,
    metadata: null,
    metadata_fetched_at: 0,
    metadata_fault: null,
    jwks: null,
    client_id: '',
    sealed_client_secret: null,
    token_endpoint_auth_method: 'none',
    scopes: [],
    claims: [],
    identifying_claim: 'sub',
    link_existing_users: true,
    prompt: null,
    response_mode: null,
    allow_all_issuers: false,
    valid_issuers: [],
    domains: [],
    internal_hosts: [],
    provisioning_enabled: false,
    user_template: {},
    value_mappings: [],
    group_mappings: [],
    sign_in_text: null,
    sign_in_icon: null,
    sign_out_text: null,
    sign_out_icon: null,
    position: 0,
    ...(body.preset ? presets[body.preset] : {}),
    created_at: now,
    updated_at: now,
  }
}
