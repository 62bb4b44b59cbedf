import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Client } from '../../../src/model/client.ts'
import type { OAuthError } from '../../../src/model/errors.ts'
import {
  type ValidatedAuthorizationRequest,
  validateAuthorizationRequest,
} from '../../../src/protocol/authorization-request/authorization-request.ts'
import type { ProviderView } from '../../../src/protocol/authorization-request/known.ts'
import { aClient } from '../../context.ts'
import { pkce } from '../../user-agent.ts'
import { hostileText, longTexts, millisecondsOfAsync, outcomeOfAsync } from '../hostile.ts'

const redirectUri = 'https://rp.test/cb'
const aProvider = (client: Client): ProviderView => ({
  findClient: async () => client,
  isEnabledScope: (scope) => ['openid', 'profile', 'email', 'offline_access', 'full_api_access'].includes(scope),
  requestableClaims: () => new Set(['email']),
  isUsableIdp: (idp) => idp === 'corp',
  verifyIdToken: async () => undefined,
})
const plain = { client_id: 'web', redirect_uri: redirectUri, response_type: 'code', scope: 'openid', state: 's' }

const withSecret: Partial<Client> = { require_pkce: false, token_endpoint_auth_method: 'client_secret_basic' }

async function parse(
  changes: Record<string, string | undefined> = {},
  overrides: Partial<Client> = {},
): Promise<ValidatedAuthorizationRequest> {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...plain, ...changes })) if (value) parameters.set(name, value)
  const provider = aProvider(aClient({ ...withSecret, ...overrides }))
  return (await validateAuthorizationRequest(parameters, provider)).request
}

async function refusal(...given: Parameters<typeof parse>): Promise<OAuthError> {
  const outcome = await outcomeOfAsync(() => parse(...given))
  if ('value' in outcome) throw new Error('accepted')
  return outcome.refusal
}

it('returns the requested parameters and adds no others', async () => {
  expect(await parse()).toEqual({
    client_id: 'web',
    redirect_uri: redirectUri,
    response_mode: 'query',
    state: 's',
    scope: ['openid'],
    prompt: [],
  })
  expect(
    await parse({
      nonce: 'n',
      prompt: 'login consent',
      max_age: '0',
      login_hint: 'ada',
      ui_locales: 'nl  en',
      acr_values: '1 2',
      response_mode: 'form_post',
      claims: '{"userinfo":{"email":null}}',
    }),
  ).toMatchObject({
    nonce: 'n',
    prompt: ['login', 'consent'],
    max_age: 0,
    login_hint: 'ada',
    ui_locales: ['nl', 'en'],
    acr_values: ['1', '2'],
    response_mode: 'form_post',
    claims: { userinfo: ['email'], id_token: [] },
  })
})

it('A25 ignores parameters it does not know', async () => {
  expect(await parse({ foo: 'bar', __proto__x: '1', constructor: 'x' })).toEqual(await parse())
})

describe('an error that is shown as a page, never redirected (RFC 6749 §4.1.2.1)', () => {
  it.each<[string, Record<string, string | undefined>, Partial<Client>]>([
    ['A02 another redirect_uri', { redirect_uri: 'https://evil.test/cb' }, {}],
    ['A02 no redirect_uri', { redirect_uri: undefined }, {}],
    ['A02 no redirect_uri, though there is only one', { redirect_uri: undefined, scope: undefined }, {}],
    ['a client without redirect URIs', {}, { redirect_uris: [] }],
    ['a client without the grant type authorization_code', {}, { grant_types: ['client_credentials'] }],
    ['A22 a request object instead of a redirect_uri', { redirect_uri: undefined, request: 'e30.e30.' }, {}],
    [
      'A12 another redirect_uri and every other fault',
      { redirect_uri: 'https://evil.test/', response_type: 'token', prompt: 'x' },
      {},
    ],
  ])('%s', async (_, changes, overrides) => {
    expect((await refusal(changes, overrides)).redirect).toBeUndefined()
  })
})

describe('an error that is sent to the client', () => {
  it.each<[string, string, string, Record<string, string | undefined>]>([
    ['A12 no response_type', 'invalid_request', 'response_type', { response_type: undefined }],
    ['A12 token', 'unsupported_response_type', 'response_type', { response_type: 'token' }],
    ['A12 id_token', 'unsupported_response_type', 'response_type', { response_type: 'id_token' }],
    ['A12 code token', 'unsupported_response_type', 'response_type', { response_type: 'code token' }],
    ['A12 code id_token', 'unsupported_response_type', 'response_type', { response_type: 'code id_token' }],
    ['A12 none', 'unsupported_response_type', 'response_type', { response_type: 'none' }],
    ['A12 another spelling', 'unsupported_response_type', 'response_type', { response_type: 'Code' }],
    ['fragment', 'invalid_request', 'response_mode', { response_mode: 'fragment' }],
    ['web_message', 'invalid_request', 'response_mode', { response_mode: 'web_message' }],
    ['query.jwt', 'invalid_request', 'response_mode', { response_mode: 'query.jwt' }],
    ['A17 prompt=none login', 'invalid_request', 'prompt', { prompt: 'none login' }],
    ['A17 an unknown prompt', 'invalid_request', 'prompt', { prompt: 'create' }],
    ['A17 a prompt of another spelling', 'invalid_request', 'prompt', { prompt: 'Login' }],
    ['A19 max_age=-1', 'invalid_request', 'max_age', { max_age: '-1' }],
    ['A19 max_age=abc', 'invalid_request', 'max_age', { max_age: 'abc' }],
    ['A19 max_age=1.5', 'invalid_request', 'max_age', { max_age: '1.5' }],
    ['A19 max_age=1e99', 'invalid_request', 'max_age', { max_age: '1e99' }],
    ['A19 max_age=+1', 'invalid_request', 'max_age', { max_age: '+1' }],
    ['A19 max_age=0x10', 'invalid_request', 'max_age', { max_age: '0x10' }],
    ['A19 max_age of 11 digits', 'invalid_request', 'max_age', { max_age: '99999999999' }],
    ['A22 request', 'request_not_supported', 'request', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
    ['A23 request_uri', 'request_uri_not_supported', 'request_uri', { request_uri: 'http://127.0.0.1:9/' }],
    ['registration', 'registration_not_supported', 'registration', { registration: '{}' }],
    ['A26 a quotation mark in scope', 'invalid_scope', 'scope', { scope: 'openid "' }],
    ['A26 no scope', 'invalid_scope', 'scope', { scope: undefined }],
    ['A26 no available scope', 'invalid_scope', 'scope', { scope: 'nope' }],
    ['A27 claims=[]', 'invalid_request', 'claims', { claims: '[]' }],
    ['A10 plain', 'invalid_request', 'pkce', { code_challenge: pkce().code_challenge, code_challenge_method: 'plain' }],
  ])('%s: %s', async (_, code, check, changes) => {
    const error = await refusal(changes)
    expect(error.code).toBe(code)
    expect(error.detail.check).toBe(check)
    expect(error.redirect).toEqual({ redirect_uri: redirectUri, response_mode: 'query', state: 's' })
  })

  it('uses the requested response mode', async () => {
    expect((await refusal({ response_mode: 'form_post', prompt: 'x' })).redirect?.response_mode).toBe('form_post')
  })

  it('has no state if the request had none', async () => {
    expect((await refusal({ state: undefined, prompt: 'x' })).redirect?.state).toBeUndefined()
  })

  it.each<[string, Partial<Client>]>([
    ['a client with require_pkce', { require_pkce: true }],
    ['a public client, even without require_pkce,', { token_endpoint_auth_method: 'none' }],
    ['a client without any credential', { token_endpoint_auth_method: null, secrets: [] }],
  ])('A09 %s must send a code_challenge', async (_, overrides) => {
    const error = await refusal({}, overrides)
    expect(error.code).toBe('invalid_request')
    expect(error.detail.check).toBe('pkce')
  })
})

describe('any untrusted parameters', () => {
  const name = fc.constantFrom(
    ...['redirect_uri', 'response_type', 'response_mode', 'scope', 'state', 'nonce', 'prompt', 'max_age', 'claims'],
    ...[
      'code_challenge',
      'code_challenge_method',
      'request',
      'request_uri',
      'registration',
      'login_hint',
      'ui_locales',
    ],
  )
  const value = fc.oneof(hostileText, fc.constantFrom('code', 'S256', 'openid', 'none', 'form_post', redirectUri))

  it('throw only OAuthError, and lead only to a registered redirect_uri', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 6 }), async (changes) => {
        const sent = { ...plain, ...changes }
        const outcome = await outcomeOfAsync(() => parse(changes))
        if ('value' in outcome) {
          expect(outcome.value.redirect_uri).toBe(redirectUri)
          expect(outcome.value.state ?? '').toBe(sent.state)
        } else if (outcome.refusal.redirect) {
          expect(outcome.refusal.redirect.redirect_uri).toBe(redirectUri)
          expect(outcome.refusal.redirect.state ?? '').toBe(sent.state)
        } else {
          expect(sent.redirect_uri).not.toBe(redirectUri)
        }
      }),
    )
  })

  it.each(longTexts.map((text) => [text.slice(0, 20), text]))(
    'F07 are validated in 5 ms with 50 KB of %j in any of them',
    async (_, text) => {
      for (const each of ['redirect_uri', 'scope', 'prompt', 'max_age', 'claims', 'ui_locales', 'code_challenge']) {
        expect(await millisecondsOfAsync(() => outcomeOfAsync(() => parse({ [each]: text }))), each).toBeLessThan(5)
      }
    },
  )
})
