// The claims of our ID tokens (OIDC Core §2).
import { describe, expect, it } from 'vitest'
import { type IdTokenContent, idTokenClaims } from '../../../src/protocol/id-token/id-token-claims.ts'

const content = (changes: Partial<IdTokenContent> = {}): IdTokenContent => ({
  iss: 'https://id.test',
  sub: 'ada',
  aud: 'web',
  iat: 1000,
  exp: 1300,
  authentication: { authenticated_at: 999_500, acr: '1', amr: ['pwd'] },
  sid: 'sid-of-web',
  at_hash: 'hash',
  nonce: undefined,
  user: {},
  ...changes,
})

describe('an ID token', () => {
  it('states auth_time in whole seconds, and a nonce only if one was sent', () => {
    expect(idTokenClaims(content())).toEqual({
      iss: 'https://id.test',
      sub: 'ada',
      aud: 'web',
      iat: 1000,
      exp: 1300,
      auth_time: 999,
      acr: '1',
      amr: ['pwd'],
      sid: 'sid-of-web',
      at_hash: 'hash',
    })
    expect(idTokenClaims(content({ nonce: 'n' }))).toMatchObject({ nonce: 'n' })
  })

  it('omits auth_time when the external provider did not state it', () => {
    const authentication = { authenticated_at: 0, acr: '0', amr: [] }
    expect(idTokenClaims(content({ authentication }))).not.toHaveProperty('auth_time')
  })

  it('keeps a claim of the protocol when the user has one of the same name', () => {
    const user = Object.fromEntries(Object.keys(idTokenClaims(content({ nonce: 'n' }))).map((name) => [name, 'forged']))
    const claims = idTokenClaims(content({ nonce: 'n', user: { ...user, locale: 'nl' } }))
    expect(claims).toEqual({ ...idTokenClaims(content({ nonce: 'n' })), locale: 'nl' })
  })
})
