// The main path, as a client walks it.
import { beforeAll, expect, it } from 'vitest'
import {
  basic,
  browser,
  codeFor,
  issuer,
  operator,
  reach,
  redeem,
  refresh,
  secret,
  setUp,
  tokenRequest,
  tokensOf,
} from '../provider.ts'
import { claimsOf } from '../user-agent.ts'

beforeAll(setUp)

it('signs a person in, gives tokens, refreshes them and serves userinfo', async () => {
  const user = browser()
  const tokens = await redeem(await codeFor(user, { scope: 'openid profile email offline_access', nonce: 'n-1' }))
  expect(claimsOf(tokens.id_token)).toMatchObject({ iss: issuer, aud: 'web', sub: 'ada', nonce: 'n-1' })
  expect(claimsOf(tokens.access_token)).toMatchObject({
    client_id: 'web',
    scope: 'openid profile email offline_access',
  })

  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const userinfo = await reach(`${issuer}/connect/userinfo`, { headers })
  expect(await userinfo.json()).toMatchObject({ sub: 'ada', name: 'Ada Example', email: 'ada@example.test' })

  const next = await tokensOf(await refresh(tokens.refresh_token))
  expect(next.refresh_token).not.toBe(tokens.refresh_token)
  expect(claimsOf(next.id_token).nonce).toBeUndefined()
})

it('gives a client the rights of the user it is linked to', async () => {
  const tokens = await tokensOf(await tokenRequest({ grant_type: 'client_credentials' }, basic('m2m', secret)))
  expect(claimsOf(tokens.access_token)).toMatchObject({ sub: 'robot', client_id: 'm2m', scope: 'full_api_access' })
})

it('shows an operator why a request was refused', async () => {
  const response = await reach(
    `${issuer}/connect/authorize?client_id=web&redirect_uri=https://evil.test/&response_type=code`,
  )
  expect(response.status).toBe(400)
  const why = await operator('GET', `refusals/${response.headers.get('x-request-id')}`)
  expect(why).toMatchObject({ check: 'redirect_uri', expected: 'https://rp.test/cb', received: 'https://evil.test/' })
})

it('names the client in a refusal that came after its authentication', async () => {
  const response = await tokenRequest({ grant_type: 'client_credentials', scope: 'nothing' }, basic('m2m', secret))
  expect(response.status).toBe(400)
  const why = await operator('GET', `refusals/${response.headers.get('x-request-id')}`)
  expect(why).toMatchObject({ check: 'scope', client_id: 'm2m', received: 'nothing' })
})
