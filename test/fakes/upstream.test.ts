import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pkce } from '../user-agent.ts'
import { anUpstream, type FakeUpstream } from './upstream.ts'

const redirect_uri = 'https://id.test/external/acme/callback'
let upstream: FakeUpstream

beforeEach(async () => {
  upstream = await anUpstream({ token_endpoint_auth_method: 'client_secret_post' })
})
afterEach(() => vi.restoreAllMocks())

const { code_verifier, code_challenge } = pkce()

function authorizationUrl(): string {
  const query = new URLSearchParams({ client_id: 'countersign', redirect_uri, response_type: 'code', scope: 'openid' })
  query.set('state', 'a-state')
  query.set('code_challenge', code_challenge)
  return `${upstream.metadata.authorization_endpoint}?${query}`
}

const redeem = (code: string | null, over: Record<string, string> = {}): Promise<Response> =>
  fetch(String(upstream.metadata.token_endpoint), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: code ?? '',
      redirect_uri,
      code_verifier,
      client_id: upstream.client_id,
      client_secret: upstream.client_secret,
      ...over,
    }),
  })

describe('the fake provider', () => {
  it('redeems each code once, for the right client, verifier and redirect_uri', async () => {
    const code = () => upstream.approve(authorizationUrl()).searchParams.get('code')
    const first = code()
    expect((await redeem(first)).status).toBe(200)
    expect((await redeem(first)).status).toBe(400)
    expect((await redeem(code(), { client_secret: 'wrong' })).status).toBe(401)
    expect((await redeem(code(), { code_verifier: 'x'.repeat(43) })).status).toBe(400)
    expect((await redeem(code(), { redirect_uri: 'https://id.test/other' })).status).toBe(400)
    expect(upstream.requests.token).toBe(5)
  })

  it('is the only reachable host', async () => {
    expect((await fetch(upstream.metadata_endpoint)).status).toBe(200)
    await expect(fetch('https://elsewhere.test/')).rejects.toThrow('no host elsewhere.test')
  })
})
