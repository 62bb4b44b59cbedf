// Servers without ID tokens, in the shapes of GitHub and Facebook as they document them.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider, refusalOf, signInAt } from './upstream-record.ts'

let upstream: FakeUpstream
let provider: ExternalProvider
const seen: Request[] = []

beforeEach(async () => {
  upstream = await anUpstream({ now: () => noon, token_endpoint_auth_method: 'client_secret_post' })
  const { issuer } = upstream
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    code_challenge_methods_supported: ['S256'],
  }
  upstream.metadata = metadata
  provider = await aProvider(upstream, {
    kind: 'oauth2',
    metadata,
    metadata_endpoint: null,
    scopes: ['read:user'],
    token_endpoint_auth_method: 'client_secret_post',
  })
  seen.length = 0
  claimHasValue({ login: 'ada', id: 583231, name: 'Ada', email: null })
})
afterEach(() => vi.restoreAllMocks())

function claimHasValue(document: unknown, status = 200): void {
  upstream.faults.userinfo = (request) => {
    seen.push(request)
    return Response.json(document, { status })
  }
}

describe('kind oauth2', () => {
  it('tells who somebody is by the API, with the number as subject', async () => {
    const context = aContext()
    const login = await signInAt(upstream, provider, { context })
    expect(login).toEqual({
      issuer: 'https://idp.test',
      subject: '583231',
      claims: { login: 'ada', id: 583231, name: 'Ada', email: null, iss: 'https://idp.test', sub: '583231' },
    })
    expect(context.hops).toBe(2)
    const [asked] = upstream.authorizations
    expect(asked?.get('scope')).toBe('read:user')
    expect(asked?.has('nonce')).toBe(false)
    expect(asked?.has('code_challenge')).toBe(true)
  })

  it('asks for JSON, with a User-Agent and the token in the header (GitHub refuses others)', async () => {
    await signInAt(upstream, provider)
    expect(upstream.tokenRequests[0]?.headers.get('accept')).toBe('application/json')
    expect(seen[0]?.headers.get('user-agent')).toBe('Countersign')
    expect(seen[0]?.headers.get('authorization')).toMatch(/^Bearer [\w-]{32}$/)
    expect(seen[0]?.url).toBe('https://idp.test/userinfo')
  })

  it('never takes the document’s word on its issuer', async () => {
    claimHasValue({ sub: 'ada', iss: 'https://accounts.google.com' })
    expect(await signInAt(upstream, provider)).toMatchObject({
      issuer: 'https://idp.test',
      subject: 'ada',
      claims: { iss: 'https://idp.test' },
    })
  })

  it.each([
    ['no id', { login: 'ada' }],
    ['an empty id', { id: '' }],
    ['an id that is an object', { id: { a: 1 } }],
    ['an id that is no whole number', { id: 1.5 }],
    ['an id that no number can hold', { id: 2 ** 60 }],
    ['an id of 256 characters', { id: 'x'.repeat(256) }],
  ])('refuses a document with %s', async (_, document) => {
    claimHasValue(document)
    const error = await refusalOf(signInAt(upstream, provider))
    expect(error).toMatchObject({ step: 'userinfo', check: 'subject', publicCause: 'invalid_answer' })
  })

  it('refuses errors in the forms of such servers', async () => {
    upstream.faults.token = () =>
      Response.json({ error: 'bad_verification_code', error_description: 'The code is incorrect or expired.' })
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({
      step: 'token',
      message: expect.stringContaining('"bad_verification_code": "The code is incorrect or expired."'),
    })
    delete upstream.faults.token
    claimHasValue({ error: { message: 'Invalid OAuth access token.', type: 'OAuthException', code: 190 } }, 400)
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({
      step: 'userinfo',
      check: 'userinfo_endpoint',
      message: expect.stringContaining('Invalid OAuth access token.'),
    })
    claimHasValue({ message: 'Bad credentials' }, 401)
    expect((await refusalOf(signInAt(upstream, provider))).message).toContain('Bad credentials')
  })

  it('refuses a token that is not a bearer token', async () => {
    upstream.faults.token = () => Response.json({ access_token: 'a', token_type: 'mac' })
    expect(await refusalOf(signInAt(upstream, provider))).toMatchObject({ step: 'userinfo' })
    expect(seen).toHaveLength(0)
  })
})
