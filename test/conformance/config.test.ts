// The config certification plan of the OpenID Foundation. Its one module reads the discovery document (Discovery §3, RFC 8414 §2).
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Provider } from '../node/server.ts'
import { checkKeys, type Json, type Key } from './checks.ts'
import { read, startSuite } from './suite.ts'

const words = (text: string) => new Set(text.split(/\s+/))

/** Members known to the suite that this provider may publish, by type. The suite warns about any other. */
const flags = words(`claims_parameter_supported request_parameter_supported request_uri_parameter_supported
  require_request_uri_registration require_signed_request_object require_pushed_authorization_requests
  authorization_response_iss_parameter_supported tls_client_certificate_bound_access_tokens frontchannel_logout_supported
  frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported`)
const addresses =
  words(`issuer authorization_endpoint token_endpoint userinfo_endpoint registration_endpoint introspection_endpoint
  revocation_endpoint end_session_endpoint pushed_authorization_request_endpoint device_authorization_endpoint
  backchannel_authentication_endpoint jwks_uri check_session_iframe service_documentation op_policy_uri op_tos_uri`)
const lists =
  words(`scopes_supported response_types_supported response_modes_supported grant_types_supported acr_values_supported
  subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
  id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported userinfo_encryption_alg_values_supported
  userinfo_encryption_enc_values_supported request_object_signing_alg_values_supported token_endpoint_auth_methods_supported
  token_endpoint_auth_signing_alg_values_supported introspection_endpoint_auth_methods_supported
  introspection_endpoint_auth_signing_alg_values_supported revocation_endpoint_auth_methods_supported
  revocation_endpoint_auth_signing_alg_values_supported introspection_signing_alg_values_supported
  authorization_signing_alg_values_supported dpop_signing_alg_values_supported authorization_details_types_supported
  display_values_supported prompt_values_supported claim_types_supported claims_supported claims_locales_supported
  ui_locales_supported code_challenge_methods_supported`)

describe.each(['https://id.suite.test', 'https://id.suite.test/with/path'])(
  'oidcc-config-certification-test-plan at %s',
  (issuer) => {
    let provider: Provider
    beforeAll(async () => {
      provider = await startSuite(issuer)
    })
    afterAll(() => provider?.stop())

    it('oidcc-discovery-endpoint-verification', async () => {
      const metadata = await read(provider, `${issuer}/.well-known/openid-configuration`)
      expect(metadata.issuer).toBe(issuer)
      for (const [name, value] of Object.entries(metadata)) expectType(name, value)
      checkOffer(metadata)
      checkLocales(metadata)
      const { keys } = await read(provider, metadata.jwks_uri)
      checkKeys(keys as Key[])
    })
  },
)

/** The type of a member. A list without elements must be omitted (Discovery §4.2). */
function expectType(name: string, value: unknown): void {
  if (flags.has(name)) expect(value, name).toBeTypeOf('boolean')
  else if (addresses.has(name) || name.endsWith('_endpoint')) expectAddress(name, value)
  else {
    expect(lists, 'a member that the suite knows').toContain(name)
    expect(value, name).toSatisfy(
      (list) => Array.isArray(list) && list.length > 0 && list.every((each) => typeof each === 'string' && each !== ''),
    )
    expect(new Set(value as string[]).size, `${name}: each once`).toBe((value as string[]).length)
  }
}

function expectAddress(name: string, value: unknown): void {
  expect(addresses, 'a member that the suite knows').toContain(name)
  const { protocol, search, hash, username, password } = new URL(String(value))
  expect({ protocol, search, hash, username, password }, name).toEqual({
    protocol: 'https:',
    search: '',
    hash: '',
    username: '',
    password: '',
  })
}

function checkOffer(metadata: Json): void {
  for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri']) {
    expect(metadata).toHaveProperty(name)
  }
  expect(metadata.response_types_supported).toContain('code')
  expect(metadata.response_modes_supported ?? ['query']).toEqual(expect.arrayContaining(['query', 'form_post']))
  expect(['public', 'pairwise']).toEqual(expect.arrayContaining(metadata.subject_types_supported as string[]))
  expect(metadata.id_token_signing_alg_values_supported).toContain('RS256')
  expect(metadata.grant_types_supported).toContain('authorization_code')
  expect(metadata.request_object_signing_alg_values_supported ?? ['RS256']).toContain('RS256')
  expect(metadata.claims_supported).toContain('sub')
  expect(metadata.scopes_supported).toContain('openid')
  for (const scope of metadata.scopes_supported as string[]) expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
}

/** Locales are BCP 47 tags in canonical case. */
function checkLocales({ ui_locales_supported = [], claims_locales_supported = [] }: Json): void {
  for (const locale of [ui_locales_supported, claims_locales_supported].flat()) {
    expect(Intl.getCanonicalLocales(locale as string)).toEqual([locale])
  }
}
