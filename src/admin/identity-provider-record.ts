// The record an external provider becomes: defaults for a new one, and what a change makes of it.
import type { IdentityProvider, ProviderMetadata, UserTemplate } from '../protocol/identity-provider.ts'
import type { IdentityProviderBody } from './identity-provider-fields.ts'
import { merge } from './record.ts'

/** Without its secret, which is sealed first, and without what the provider itself says. */
export function mergeProvider(stored: IdentityProvider, body: IdentityProviderBody): IdentityProvider {
  const { client_secret, token_endpoint_auth_method, endpoints, user_template, ...fields } = body
  const next = merge<IdentityProvider>(stored, fields)
  if (user_template) next.user_template = user_template as UserTemplate
  if (endpoints) next.metadata = statedMetadata(endpoints)
  const hasSecret = client_secret === undefined ? next.sealed_client_secret !== null : client_secret !== null
  next.token_endpoint_auth_method = authMethod(stored, token_endpoint_auth_method, hasSecret)
  next.scopes = withOpenid(next.kind, next.scopes)
  return next
}

/** OIDC Core §3.1.2.1: without it there is no ID token. */
export const withOpenid = (kind: IdentityProvider['kind'], scopes: string[]): string[] =>
  kind === 'openid' ? ['openid', ...scopes.filter((scope) => scope !== 'openid')] : scopes

function authMethod(
  stored: IdentityProvider,
  given: IdentityProviderBody['token_endpoint_auth_method'],
  hasSecret: boolean,
): IdentityProvider['token_endpoint_auth_method'] {
  const isNew = stored.client_id === ''
  if (given) return given
  if (given === null || isNew) return hasSecret ? 'client_secret_basic' : 'none'
  return stored.token_endpoint_auth_method
}

/** Nothing names an issuer there: the origin of the authorization endpoint stands for it. */
function statedMetadata(endpoints: NonNullable<IdentityProviderBody['endpoints']>): ProviderMetadata {
  const { issuer, code_challenge_methods_supported, ...urls } = endpoints
  return {
    issuer: issuer ?? URL.parse(endpoints.authorization_endpoint)?.origin ?? endpoints.authorization_endpoint,
    ...urls,
    ...(code_challenge_methods_supported ? { code_challenge_methods_supported } : {}),
  }
}

export function newProvider(id: string, body: IdentityProviderBody, now: number): IdentityProvider {
  return {
    provider_id: id,
    name: id,
    kind: body.kind ?? 'openid',
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
    created_at: now,
    updated_at: now,
  }
}
