// Records of external providers, for tests that never send a request to one.
import { env } from 'cloudflare:workers'
import type { ExternalProvider } from '../../src/model/external-provider.ts'
import { openDatabase, runBatch } from '../../src/storage/database.ts'
import { saveExternalProvider } from '../../src/storage/external-providers.ts'
import { noon } from '../context.ts'

/** An enabled provider with metadata, but no template, mapping or secret. */
export function aProvider(overrides: Partial<ExternalProvider> = {}): ExternalProvider {
  return {
    provider_id: 'acme',
    name: 'Acme',
    kind: 'openid',
    enabled: true,
    metadata_endpoint: 'https://idp.test/.well-known/openid-configuration',
    metadata: {
      issuer: 'https://idp.test',
      authorization_endpoint: 'https://idp.test/authorize',
      token_endpoint: 'https://idp.test/token',
      jwks_uri: 'https://idp.test/jwks',
    },
    metadata_fetched_at: noon,
    metadata_fault: null,
    jwks: null,
    client_id: 'countersign',
    sealed_client_secret: null,
    token_endpoint_auth_method: 'none',
    scopes: ['openid', 'profile', 'email'],
    claims: ['sub', 'iss', 'name', 'email'],
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
    created_at: noon,
    updated_at: noon,
    ...overrides,
  }
}

/** Stores the provider in D1, where external identities and memberships refer to it. */
export async function storeProvider(provider: ExternalProvider): Promise<ExternalProvider> {
  const db = openDatabase(env.DB)
  await runBatch(db, [saveExternalProvider(db, provider)])
  return provider
}
