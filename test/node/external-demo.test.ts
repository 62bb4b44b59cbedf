// Signs in at the two instances that `npm run demo:external` starts, as its user would.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ExternalDemo, startExternalDemo } from '../../scripts/external/external.ts'
import { aBrowser, claimsOf, pkce, redirectOf } from './server.ts'

let demo: ExternalDemo
beforeAll(async () => {
  demo = await startExternalDemo()
})
afterAll(() => demo?.stop())

it('signs Dana of Contoso in as a new user with the groups that the mapping gives her', async () => {
  const { here, contoso, person } = demo
  const { code_verifier, code_challenge } = pkce()
  const redirect_uri = `${here.issuer}/playground/`
  const request = { client_id: 'playground', redirect_uri, response_type: 'code', scope: 'openid profile email' }
  const query = new URLSearchParams({ ...request, code_challenge, code_challenge_method: 'S256' })

  const user = aBrowser(here.issuer)
  const chooser = await user.open(`${here.issuer}/connect/authorize?${query}`)
  const there = aBrowser(contoso.issuer)
  const login = await there.open(redirectOf(await user.submit(chooser, { provider: 'contoso' })))
  // The playground is on the same origin, so the browser follows every redirect.
  const landed = new URL((await user.open(redirectOf(await there.submit(login, person)))).url)
  expect(landed.href.split('?')[0]).toBe(redirect_uri)
  const form = { grant_type: 'authorization_code', client_id: 'playground', redirect_uri, code_verifier }
  const body = new URLSearchParams({ ...form, code: landed.searchParams.get('code') ?? '' })
  const tokens = (await (await fetch(`${here.issuer}/connect/token`, { method: 'POST', body })).json()) as Record<
    string,
    string
  >
  expect(claimsOf(tokens.id_token ?? '').sub).toBeTruthy()
  const headers = { authorization: `Bearer ${here.secrets.OPERATOR_TOKEN}` }
  const users = (await (await fetch(`${here.issuer}/admin/api/users`, { headers })).json()) as {
    items: { name: string; email: string; groups: string[] }[]
  }
  expect(users.items).toHaveLength(1)
  expect(users.items[0]).toMatchObject({
    name: 'Dana Demo',
    email: 'dana@contoso.example',
    groups: ['guests', 'sales'],
  })
})
