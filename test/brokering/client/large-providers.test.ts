// The shapes of Entra and Google as they document them: several tenants behind one issuer template, groups as ids, mail without a word on it.
import type { JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readProviderMetadata } from '../../../src/brokering/record/read-metadata.ts'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider, refusalOf, signInAt } from './upstream-record.ts'

let upstream: FakeUpstream
afterEach(() => vi.restoreAllMocks())

/** As the operator's interface keeps it: only what was read. */
async function readRecord(overrides: Partial<ExternalProvider> = {}): Promise<ExternalProvider> {
  const { metadata_endpoint } = upstream
  const read = await readProviderMetadata(aContext(), { metadata_endpoint, internal_hosts: [] })
  if ('fault' in read) throw new Error(read.fault)
  return aProvider(upstream, { ...read, metadata_fetched_at: noon, ...overrides })
}

describe('Entra', () => {
  const [ours, theirs] = ['0b6f5c1e-7a35-4a52-9d0e-6f4f6a2f9c11', '5a3d2f77-1c44-4c0b-8f6e-0d9e8c7b6a55']
  const base = 'https://login.microsoftonline.com'
  const issuerOf = (tenant: string) => `${base}/${tenant}/v2.0`

  beforeEach(async () => {
    upstream = await anUpstream({
      host: 'login.microsoftonline.com',
      alg: 'RS256',
      now: () => noon,
      client_id: '8f1c6a90-3f0e-4f6a-9d58-2b0a4c7e1d22',
      token_endpoint_auth_method: 'client_secret_post',
      metadata: {
        issuer: issuerOf('{tenantid}'),
        authorization_endpoint: `${base}/organizations/oauth2/v2.0/authorize`,
        token_endpoint: `${base}/organizations/oauth2/v2.0/token`,
        jwks_uri: `${base}/organizations/discovery/v2.0/keys`,
        userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
        end_session_endpoint: `${base}/organizations/oauth2/v2.0/logout`,
        pushed_authorization_request_endpoint: undefined,
        authorization_response_iss_parameter_supported: undefined,
        code_challenge_methods_supported: undefined,
        response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
        response_modes_supported: ['query', 'fragment', 'form_post'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
        scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
        claims_supported: [
          'sub',
          'iss',
          'aud',
          'exp',
          'iat',
          'auth_time',
          'nonce',
          'preferred_username',
          'name',
          'tid',
        ],
        tenant_region_scope: null,
        cloud_instance_name: 'microsoftonline.com',
      },
      user: {
        sub: 'N3lV0kQ2Jt8zXbA5mYf1cRqWdE7uHs4PiGoTnKjLvMw',
        iss: issuerOf(ours),
        tid: ours,
        oid: 'c1d2e3f4-0000-4444-8888-123456789abc',
        ver: '2.0',
        name: 'Ada Example',
        preferred_username: 'ada@example.test',
        email: 'ada@example.test',
        groups: ['6d5c4b3a-aaaa-4bbb-8ccc-1d2e3f4a5b6c', 'f0e1d2c3-dddd-4eee-9fff-a1b2c3d4e5f6'],
        auth_time: undefined,
        azp: undefined,
        at_hash: undefined,
      },
    })
    upstream.metadata_endpoint = `${base}/organizations/v2.0/.well-known/openid-configuration`
  })

  const method = { token_endpoint_auth_method: 'client_secret_post' as const }

  it('signs in people of the listed tenants only, with their groups', async () => {
    const provider = await readRecord({ ...method, valid_issuers: [issuerOf(ours)] })
    const login = await signInAt(upstream, provider)
    expect(login).toMatchObject({ issuer: issuerOf(ours), claims: { tid: ours, email: 'ada@example.test' } })
    expect(login.claims.groups).toHaveLength(2)
    expect(login.claims, 'it says nothing about the address').not.toHaveProperty('email_verified')
    expect(login).not.toHaveProperty('authenticated_at')
    expect(upstream.authorizations[0]?.has('code_challenge'), 'it knows PKCE without saying so').toBe(true)

    Object.assign(upstream.user, { iss: issuerOf(theirs), tid: theirs })
    const error = await refusalOf(signInAt(upstream, provider))
    expect(error).toMatchObject({ check: 'issuer' })
    expect(error.message).toContain(issuerOf(theirs))
  })

  it('with all issuers allowed signs in any tenant, but none whose tid says otherwise', async () => {
    const provider = await readRecord({ ...method, allow_all_issuers: true })
    for (const tenant of [ours, theirs]) {
      Object.assign(upstream.user, { iss: issuerOf(tenant), tid: tenant })
      expect(await signInAt(upstream, provider)).toMatchObject({ issuer: issuerOf(tenant) })
    }
    upstream.user.tid = ours
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({ check: 'issuer' })
    Object.assign(upstream.user, { iss: 'https://evil.test/v2.0', tid: ours })
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({ check: 'issuer' })
  })

  it('has keys that sign for one tenant only', async () => {
    const [key] = upstream.keys
    if (!key) throw new Error('no key')
    const published: Record<string, unknown> & JWK = { ...key.jwk, alg: undefined, issuer: issuerOf('{tenantid}') }
    key.jwk = published
    expect(await signInAt(upstream, await readRecord({ ...method, allow_all_issuers: true }))).toHaveProperty('subject')
    published.issuer = issuerOf(theirs)
    const provider = await readRecord({ ...method, allow_all_issuers: true })
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({ check: 'signature' })
  })

  it('is asked with its token endpoint as audience of an assertion, which is all it knows', async () => {
    const provider = await readRecord({ token_endpoint_auth_method: 'private_key_jwt', allow_all_issuers: true })
    const seen: Record<string, unknown>[] = []
    const sign = async (claims: Record<string, unknown>) => {
      seen.push(claims)
      return 'a.b.c'
    }
    await refusalOf(signInAt(upstream, provider, { sign }))
    expect(seen).toMatchObject([{ aud: `${base}/organizations/oauth2/v2.0/token` }])
  })
})

describe('Google', () => {
  beforeEach(async () => {
    upstream = await anUpstream({
      host: 'accounts.google.com',
      alg: 'RS256',
      now: () => noon,
      client_id: '1234567890-abc.apps.googleusercontent.com',
      metadata: {
        authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
        // Everything else stands on hosts of its own.
        token_endpoint: 'https://oauth2.googleapis.com/token',
        jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
        userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
        revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
        device_authorization_endpoint: 'https://oauth2.googleapis.com/device/code',
        end_session_endpoint: undefined,
        pushed_authorization_request_endpoint: undefined,
        authorization_response_iss_parameter_supported: true,
        response_types_supported: ['code', 'token', 'id_token', 'code token', 'none'],
        id_token_signing_alg_values_supported: ['RS256'],
        token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
        code_challenge_methods_supported: ['plain', 'S256'],
        claims_supported: [
          'aud',
          'email',
          'email_verified',
          'exp',
          'family_name',
          'given_name',
          'iat',
          'iss',
          'name',
          'picture',
          'sub',
        ],
      },
      user: {
        sub: '110169484474386276334',
        azp: '1234567890-abc.apps.googleusercontent.com',
        hd: 'example.test',
        email: 'ada@example.test',
        email_verified: true,
        auth_time: undefined,
      },
    })
  })

  it('signs people in, with the domain of their organisation', async () => {
    const login = await signInAt(upstream, await readRecord())
    expect(login).toMatchObject({
      issuer: 'https://accounts.google.com',
      subject: '110169484474386276334',
      claims: { hd: 'example.test', email_verified: true },
    })
  })

  it('adds parameters of its own to the answer, which nobody minds', async () => {
    const answer = (parameters: URLSearchParams) => {
      parameters.set('scope', 'email openid')
      parameters.set('authuser', '0')
      parameters.set('hd', 'example.test')
      parameters.set('prompt', 'none')
    }
    expect(await signInAt(upstream, await readRecord(), { answer })).toHaveProperty('subject')
  })
})
