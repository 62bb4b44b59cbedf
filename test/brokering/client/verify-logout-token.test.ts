import { generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { verifyLogoutToken } from '../../../src/brokering/client/verify-logout-token.ts'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider } from './upstream-record.ts'

const seconds = noon / 1000
const event = 'http://schemas.openid.net/event/backchannel-logout'
let upstream: FakeUpstream
let provider: ExternalProvider

beforeEach(async () => {
  upstream = await anUpstream({ now: () => noon })
  provider = await aProvider(upstream)
})
afterEach(() => vi.restoreAllMocks())

const verify = async (claims: Record<string, unknown>) =>
  verifyLogoutToken(aContext(), provider, await upstream.logoutToken(claims))

describe('a logout token (OIDC Back-Channel Logout §2.6)', () => {
  it('names a session, a person, or both', async () => {
    expect(await verify({ sub: 'ada', sid: 's1', jti: 'one' })).toEqual({
      issuer: 'https://idp.test',
      sub: 'ada',
      sid: 's1',
      jti: 'one',
      iat: seconds,
    })
    expect(await verify({ sid: 's1' })).not.toHaveProperty('sub')
    expect(await verify({ sub: 'ada' })).not.toHaveProperty('sid')
  })

  it('of an older provider has no exp; a provider may put more into the event', async () => {
    expect(await verify({ sub: 'ada', exp: undefined })).toHaveProperty('jti')
    expect(await verify({ sub: 'ada', events: { [event]: { reason: 'x' }, 'https://idp.test/e': {} } })).toHaveProperty(
      'jti',
    )
  })

  const refused: [string, Record<string, unknown>, RegExp][] = [
    ['a nonce', { nonce: 'n' }, /nonce/],
    ['an empty nonce', { nonce: '' }, /nonce/],
    ['no events', { events: undefined }, /not a logout token/],
    ['another event', { events: { 'https://idp.test/e': {} } }, /not a logout token/],
    ['the event as a text', { events: { [event]: 'x' } }, /not a logout token/],
    ['events as a text', { events: event }, /not a logout token/],
    ['no jti', { jti: undefined }, /jti/],
    ['neither sub nor sid', { sub: undefined }, /neither sub nor sid/],
    ['an empty sub', { sub: '' }, /sub/],
    ['a sid that is a number', { sid: 7 }, /sid/],
    ['another issuer', { iss: 'https://evil.test' }, /issuer/],
    ['another audience', { aud: 'another' }, /another/],
    ['no iat', { iat: undefined }, /iat/],
    ['an iat an hour old', { iat: seconds - 3600 }, /iat/],
    ['an exp that has passed', { exp: seconds - 61 }, /exp/],
    ['an exp that is a text', { exp: 'never' }, /exp/],
  ]
  it.each(refused)('with %s is refused', async (_, claims, sentence) => {
    expect(await verify({ sub: 'ada', ...claims })).toEqual({ fault: expect.stringMatching(sentence) })
  })

  it('is refused when the provider did not sign it, and an ID token is none', async () => {
    const idToken = await upstream.signIdToken({
      iss: upstream.issuer,
      aud: upstream.client_id,
      sub: 'ada',
      jti: 'j',
      iat: seconds,
      exp: seconds + 60,
      nonce: 'n',
    })
    expect(await verifyLogoutToken(aContext(), provider, idToken)).toHaveProperty('fault')
    upstream.tamper.key = (await generateKeyPair('ES256')).privateKey
    expect(await verify({ sub: 'ada' })).toEqual({ fault: expect.stringMatching(/not signed/) })
    upstream.tamper = { alg: 'none' }
    expect(await verify({ sub: 'ada' })).toHaveProperty('fault')
    expect(await verifyLogoutToken(aContext(), provider, 'x')).toHaveProperty('fault')
  })

  it('is refused for a provider of kind oauth2', async () => {
    provider.kind = 'oauth2'
    expect(await verify({ sub: 'ada' })).toHaveProperty('fault')
  })
})
