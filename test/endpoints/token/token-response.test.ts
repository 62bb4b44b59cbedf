// The token response (RFC 6749 §5.1): one shared phase issues it for every grant type.
import { beforeAll, expect, it } from 'vitest'
import { basic, browser, codeFor, redeem, redirectUri, refresh, secret, setUp, tokenRequest } from '../../provider.ts'

const user = browser()
beforeAll(async () => {
  await setUp()
  await codeFor(user)
})

const code = (scope: string) => codeFor(user, { scope })

it.each([
  [
    'a code with openid and offline_access: all three tokens',
    async () =>
      tokenRequest({
        grant_type: 'authorization_code',
        code: await code('openid offline_access'),
        redirect_uri: redirectUri,
      }),
    ['access_token', 'token_type', 'expires_in', 'scope', 'id_token', 'refresh_token'],
  ],
  [
    'a code with openid: no refresh token',
    async () =>
      tokenRequest({ grant_type: 'authorization_code', code: await code('openid'), redirect_uri: redirectUri }),
    ['access_token', 'token_type', 'expires_in', 'scope', 'id_token'],
  ],
  [
    'a refresh token of a sign-in with openid: all three tokens',
    async () => refresh((await redeem(await code('openid offline_access'))).refresh_token),
    ['access_token', 'token_type', 'expires_in', 'scope', 'id_token', 'refresh_token'],
  ],
  [
    'client_credentials: an access token alone (§4.4.3)',
    async () => tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret)),
    ['access_token', 'token_type', 'expires_in', 'scope'],
  ],
])('gives for %s, not to be cached', async (_, request, members) => {
  const response = await request()
  const body = await response.json<Record<string, unknown>>()
  expect(Object.keys(body)).toEqual(members)
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number), scope: expect.any(String) })
  expect(response.headers.get('cache-control')).toBe('no-store')
})
