// PKCE at the authorization endpoint (RFC 7636, RFC 9700 §2.1.1; SECURITY-CASES A09 to A11).
import { beforeAll, describe, expect, it } from 'vitest'
import { authorizeUrl, codeFor, issuer, operator, redirectOf, redirectUri, setUp } from '../provider.ts'
import { pkce } from '../user-agent.ts'
import { browser, expectBack, expectCode, reach } from '../watched.ts'

const user = browser()
const { code_challenge, code_verifier } = pkce()
const challenge = { code_challenge, code_challenge_method: 'S256' }

beforeAll(async () => {
  await setUp()
  await codeFor(user)
})

const spa = (parameters: Record<string, string | undefined>) =>
  authorizeUrl({ client_id: 'spa', redirect_uri: 'https://spa.test/', ...parameters })

it('A09 a public client without code_challenge is refused before anybody signs in', async () => {
  for (const visitor of [browser(), user]) {
    const target = redirectOf(await visitor.open(spa({})))
    expect(target.origin).toBe('https://spa.test')
    expect(target.searchParams.get('error')).toBe('invalid_request')
    expect(target.searchParams.get('error_description')).toContain('code_challenge')
    expect([target.searchParams.get('state'), target.searchParams.get('iss')]).toEqual(['a-state', issuer])
    expect(target.searchParams.has('code')).toBe(false)
  }
})

describe.each([
  ['a public client', spa, 'https://spa.test/'],
  ['a confidential client that need not', authorizeUrl, redirectUri],
])('%s', (_, url, target) => {
  it.each<[string, Record<string, string | undefined>]>([
    ['A10 plain', { code_challenge, code_challenge_method: 'plain' }],
    ['A10 plain, with a verifier', { code_challenge: code_verifier, code_challenge_method: 'plain' }],
    ['A10 no method', { code_challenge }],
    ['A10 an empty method', { code_challenge, code_challenge_method: '' }],
    ['A10 S512', { code_challenge, code_challenge_method: 'S512' }],
    ['A10 s256', { code_challenge, code_challenge_method: 's256' }],
    ['A10 S256 and no challenge', { code_challenge_method: 'S256' }],
    ['A10 S256 and an empty challenge', { code_challenge: '', code_challenge_method: 'S256' }],
    ['A11 42 characters', { ...challenge, code_challenge: code_challenge.slice(1) }],
    ['A11 129 characters', { ...challenge, code_challenge: 'a'.repeat(129) }],
    ['A11 padding', { ...challenge, code_challenge: `${code_challenge}=` }],
    ['A11 not base64url', { ...challenge, code_challenge: `+${code_challenge.slice(1)}` }],
    ['A11 a blank', { ...challenge, code_challenge: ` ${code_challenge}` }],
    ['A11 a line break', { ...challenge, code_challenge: `${code_challenge}\n` }],
  ])('%s is refused', async (_case, parameters) => {
    const location = redirectOf(await user.open(url(parameters)))
    expect(location.href.startsWith(`${target}?`)).toBe(true)
    expect(location.searchParams.get('error')).toBe('invalid_request')
    expect(location.searchParams.get('error_description')).toMatch(/code_challenge/)
    expect(location.searchParams.has('code')).toBe(false)
  })

  it('with an S256 challenge gets its code', async () => {
    expectCode(await user.open(url(challenge)))
  })
})

it('A09 a confidential client must as well where its setting says so', async () => {
  await operator('PUT', 'clients/web2', { require_pkce: true })
  expectBack(await user.fetch(authorizeUrl({ client_id: 'web2' })), 'invalid_request')
  expectCode(await user.open(authorizeUrl({ client_id: 'web2', ...challenge })))
})

it('A10 discovery names S256 and nothing else', async () => {
  const metadata = await (await reach(`${issuer}/.well-known/openid-configuration`)).json<Record<string, unknown>>()
  expect(metadata.code_challenge_methods_supported).toEqual(['S256'])
})
