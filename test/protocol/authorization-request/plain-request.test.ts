import fc from 'fast-check'
import { expect, it } from 'vitest'
import { validateAuthorizationRequest } from '../../../src/protocol/authorization-request/authorization-request.ts'
import type { ProviderView } from '../../../src/protocol/authorization-request/known.ts'
import { plainParameters } from '../../../src/protocol/authorization-request/plain-request.ts'
import { aClient } from '../../context.ts'

const redirect_uri = 'https://rp.test/cb'
const provider: ProviderView = {
  findClient: async () => aClient({ require_pkce: false, token_endpoint_auth_method: 'client_secret_basic' }),
  isEnabledScope: () => true,
  requestableClaims: () => new Set(),
  isUsableIdp: () => false,
  verifyIdToken: async () => undefined,
}
const parse = async (parameters: URLSearchParams) => (await validateAuthorizationRequest(parameters, provider)).parsed

const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !text.includes(' '))
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((each) => each.join(' '))
const name = fc.constantFrom('email', 'sub', 'acr', '__proto__', 'constructor')
const entry = fc.constantFrom(null, { essential: true }, { value: 'ada' }, { essential: true, values: ['1', '2'] })
const member = fc.dictionary(name, entry)
const claims = fc.record({ userinfo: member, id_token: member }, { requiredKeys: [] })

it('plainParameters returns parameters that parse to the same request', async () => {
  const optional = fc.record(
    {
      response_mode: fc.constantFrom('query', 'form_post'),
      state: fc.string({ unit: 'grapheme', minLength: 1 }),
      nonce: word,
      max_age: fc.nat().map(String),
      prompt: fc.constantFrom('none', 'login', 'login consent'),
      ...{ login_hint: word, ui_locales: words, acr_values: words, idp: word, domain_hint: word },
      code_challenge: fc.constant('a'.repeat(43)),
      claims: claims.map((each) => JSON.stringify(each)),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(optional, async (given) => {
      const parameters = new URLSearchParams({
        ...{ client_id: 'web', redirect_uri, response_type: 'code', scope: 'openid nope', ...given },
        ...(given.code_challenge ? { code_challenge_method: 'S256' } : {}),
      })
      const outcome = await parse(parameters).catch(() => undefined)
      if (outcome) expect(await parse(plainParameters(outcome))).toEqual(outcome)
    }),
  )
})
