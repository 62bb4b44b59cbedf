import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startUpstreamLogin } from '../../../src/brokering/client/sign-in.ts'
import { utf8 } from '../../../src/crypto/encoding.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream, type UpstreamOptions } from '../../fakes/upstream.ts'
import { aProvider, redirect_uri, refusalOf, signInAt } from './upstream-record.ts'

let upstream: FakeUpstream

const aFake = async (options: UpstreamOptions = {}): Promise<FakeUpstream> => {
  upstream = await anUpstream({ now: () => noon, ...options })
  return upstream
}
beforeEach(() => aFake())
afterEach(() => vi.restoreAllMocks())

function membersOf(parameters: URLSearchParams): Record<string, string> {
  const members: Record<string, string> = {}
  parameters.forEach((value, name) => {
    members[name] = value
  })
  return members
}

const refuse = async () => Promise.reject(new Error('nothing to sign'))

describe('the way to a provider', () => {
  const urlOf = async (overrides = {}, request = {}) => {
    const provider = await aProvider(upstream, overrides)
    const asked = { provider, redirect_uri, state: 'a state', secret: utf8('s'.repeat(32)), ...request }
    return new URL(await startUpstreamLogin(aContext(), asked, refuse))
  }

  it('carries everything that was asked, with PKCE and a nonce', async () => {
    const { origin, pathname, searchParams } = await urlOf(
      { prompt: 'consent', response_mode: 'form_post' },
      { max_age: 0, login_hint: 'ada@example.test', acr_values: ['high', 'low'], ui_locales: ['nl', 'en'] },
    )
    expect(origin + pathname).toBe('https://idp.test/authorize')
    const { nonce, code_challenge, ...rest } = membersOf(searchParams)
    expect(rest).toEqual({
      client_id: 'countersign',
      redirect_uri,
      response_type: 'code',
      scope: 'openid profile email',
      state: 'a state',
      response_mode: 'form_post',
      prompt: 'consent',
      max_age: '0',
      login_hint: 'ada@example.test',
      acr_values: 'high low',
      ui_locales: 'nl en',
      code_challenge_method: 'S256',
    })
    expect(nonce).toMatch(/^[\w-]{43}$/)
    expect(code_challenge).toMatch(/^[\w-]{43}$/)
    expect(nonce).not.toBe(code_challenge)
  })

  it('leaves out what was not asked', async () => {
    const { searchParams } = await urlOf({}, { prompt: [], acr_values: [] })
    for (const name of ['prompt', 'max_age', 'login_hint', 'acr_values', 'ui_locales', 'response_mode']) {
      expect(searchParams.has(name), name).toBe(false)
    }
  })

  it('keeps the query of the endpoint (RFC 6749 §3.1)', async () => {
    upstream.metadata.authorization_endpoint = 'https://idp.test/authorize?p=b2c_1_signin'
    expect((await urlOf()).searchParams.get('p')).toBe('b2c_1_signin')
  })

  it('has no PKCE only where the provider states methods without S256 and there is a secret', async () => {
    const challenged = async (methods: string[] | undefined, method = 'client_secret_post') => {
      upstream.metadata.code_challenge_methods_supported = methods
      return (await urlOf({ token_endpoint_auth_method: method })).searchParams.has('code_challenge')
    }
    expect(await challenged(['S256'])).toBe(true)
    expect(await challenged(undefined)).toBe(true)
    expect(await challenged(['plain'])).toBe(false)
    expect(await challenged([], 'none')).toBe(true)
  })

  it('differs in nonce and challenge for each secret', async () => {
    const one = (await urlOf()).searchParams
    const two = (await urlOf({}, { secret: utf8('t'.repeat(32)) })).searchParams
    for (const name of ['nonce', 'code_challenge']) expect(one.get(name)).not.toBe(two.get(name))
  })

  it('is refused while the metadata was never read', async () => {
    const error = await refusalOf(urlOf({ metadata: null, metadata_fault: 'no answer' }))
    expect(error).toMatchObject({ step: 'start', check: 'metadata', publicCause: 'unreachable', outcome: 'failed' })
    expect(error.message).toContain('no answer')
  })
})

describe('pushed authorization requests (RFC 9126)', () => {
  beforeEach(() => aFake({ metadata: { require_pushed_authorization_requests: true } }))

  it('are pushed where they must be, and nothing but their name goes by the browser', async () => {
    const provider = await aProvider(upstream)
    const context = aContext()
    const request = { provider, redirect_uri, state: 'a state', secret: utf8('s'.repeat(32)) }
    const url = new URL(await startUpstreamLogin(context, request, refuse))
    expect(url.search).toMatch(/^\?client_id=countersign&request_uri=urn[^&]+$/)
    expect(upstream.requests.par).toBe(1)
    expect(context.hops).toBe(1)
    expect(await signInAt(upstream, provider)).toMatchObject({ subject: 'ada-upstream' })
  })

  it('end at the start when the provider refuses them', async () => {
    upstream.client_secret = 'another'
    const error = await refusalOf(signInAt(upstream, await aProvider(upstream, { sealed_client_secret: null })))
    expect(error).toMatchObject({ step: 'start', check: 'client_secret' })
    const refused = Response.json({ error: 'invalid_request', error_description: 'bad redirect_uri' }, { status: 400 })
    upstream.faults.par = () => refused
    expect(await refusalOf(signInAt(upstream, await aProvider(upstream)))).toMatchObject({
      step: 'start',
      check: 'pushed_authorization_request_endpoint',
      message: 'The provider refused the pushed request with status 400: "invalid_request": "bad redirect_uri".',
    })
  })
})

describe('the way back', () => {
  it('ends with verified claims', async () => {
    upstream.user = { sub: 'ada', name: 'Ada', acr: 'high', amr: ['pwd', 'otp'], sid: 'their-session' }
    const context = aContext()
    const login = await signInAt(upstream, await aProvider(upstream), { context })
    expect(login).toMatchObject({
      issuer: 'https://idp.test',
      subject: 'ada',
      claims: { iss: 'https://idp.test', sub: 'ada', name: 'Ada' },
      authenticated_at: noon,
      acr: 'high',
      amr: ['pwd', 'otp'],
      sid: 'their-session',
    })
    expect(login.id_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(upstream.requests).toEqual({ metadata: 0, par: 0, token: 1, jwks: 1, userinfo: 0 })
    expect(context.hops).toBe(2)
  })

  it('costs one round trip once the keys are known', async () => {
    const provider = await aProvider(upstream)
    await signInAt(upstream, provider)
    const context = aContext()
    await signInAt(upstream, provider, { context })
    expect(context.hops).toBe(1)
  })

  it('spends a code once', async () => {
    const provider = await aProvider(upstream)
    let code = ''
    await signInAt(upstream, provider, { answer: (parameters) => (code = parameters.get('code') ?? '') })
    const again = signInAt(upstream, provider, { answer: (parameters) => parameters.set('code', code) })
    expect(await refusalOf(again)).toMatchObject({ step: 'token', check: 'token_endpoint' })
  })

  it.each(['client_secret_basic', 'client_secret_post', 'none'] as const)('authenticates by %s', async (method) => {
    await aFake({ token_endpoint_auth_method: method })
    const secret = method === 'none' ? { sealed_client_secret: null } : {}
    const provider = await aProvider(upstream, { token_endpoint_auth_method: method, ...secret })
    expect(await signInAt(upstream, provider)).toMatchObject({ subject: 'ada-upstream' })
    expect(upstream.tokenRequests[0]?.headers.get('accept')).toBe('application/json')
  })

  it('authenticates by private_key_jwt', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), kid: 'ours', alg: 'ES256' }
    await aFake({ token_endpoint_auth_method: 'private_key_jwt', clientKeys: async () => ({ keys: [jwk] }) })
    const provider = await aProvider(upstream, { token_endpoint_auth_method: 'private_key_jwt' })
    const seen: Record<string, unknown>[] = []
    const sign = (claims: Record<string, unknown>) => {
      seen.push(claims)
      return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'ours' }).sign(privateKey)
    }
    expect(await signInAt(upstream, provider, { sign })).toMatchObject({ subject: 'ada-upstream' })
    expect(seen[0]).toMatchObject({ iss: 'countersign', sub: 'countersign', aud: 'https://idp.test' })
    expect(Number(seen[0]?.exp) - Number(seen[0]?.iat)).toBe(60)
  })

  it('tells an operator of wrong credentials in plain words', async () => {
    const sealed_client_secret = await aContext().issuer.keyWrapper.seal('provider-secret', utf8('wrong'))
    const error = await refusalOf(signInAt(upstream, await aProvider(upstream, { sealed_client_secret })))
    expect(error).toMatchObject({ step: 'token', check: 'token_endpoint', outcome: 'failed' })
    expect(error.message).toBe('The token endpoint answered with status 401: "invalid_client": "wrong credentials".')
    expect(error.fix).toContain('client id and secret')
  })
})

describe('userinfo (OIDC Core §5.3)', () => {
  const mapped = { provisioning_enabled: true, user_template: { 'claims.department': { claim: 'department' } } }

  it('is asked only for a needed claim that the ID token lacks', async () => {
    upstream.userinfo = { department: 'Sales', name: 'Another' }
    await signInAt(upstream, await aProvider(upstream))
    expect(upstream.requests.userinfo).toBe(0)
    const { claims } = await signInAt(upstream, await aProvider(upstream, mapped))
    expect(upstream.requests.userinfo).toBe(1)
    expect(claims, 'the signed name wins').toMatchObject({ department: 'Sales', name: 'Ada Upstream' })
    upstream.user.department = 'Board'
    await signInAt(upstream, await aProvider(upstream, mapped))
    expect(upstream.requests.userinfo).toBe(1)
    upstream.userinfo = { employee: '7' }
    const login = await signInAt(upstream, await aProvider(upstream, { identifying_claim: 'employee' }))
    expect(login.claims.employee).toBe('7')
  })

  it('verifies its own address, not the one of the ID token (OIDC Core §5.1)', async () => {
    const provider = await aProvider(upstream, mapped)
    upstream.user.email = 'somebody@example.test'
    upstream.userinfo = { email: 'mine@idp.test', email_verified: true, department: 'Sales' }
    const { claims } = await signInAt(upstream, provider)
    expect(claims).toMatchObject({ email: 'somebody@example.test', department: 'Sales' })
    expect(claims).not.toHaveProperty('email_verified')
    upstream.userinfo.email = 'somebody@example.test'
    expect((await signInAt(upstream, provider)).claims).toMatchObject({ email_verified: true })
    upstream.user = { sub: 'ada-upstream' }
    const { claims: all } = await signInAt(upstream, provider)
    expect(all).toMatchObject({ email: 'somebody@example.test', email_verified: true })
  })

  it('must tell of the same sub (§5.3.2)', async () => {
    upstream.userinfo = { sub: 'somebody-else', department: 'Board' }
    const error = await refusalOf(signInAt(upstream, await aProvider(upstream, mapped)))
    expect(error).toMatchObject({ step: 'userinfo', check: 'userinfo_sub' })
    expect(error.known).toMatchObject({ issuer: 'https://idp.test', subject: 'ada-upstream' })
  })

  it('that fails ends the sign-in: a claim that was not told is not a claim that is gone', async () => {
    upstream.faults.userinfo = () => Response.json({ error: 'insufficient_scope' }, { status: 403 })
    expect(await refusalOf(signInAt(upstream, await aProvider(upstream, mapped)))).toMatchObject({
      step: 'userinfo',
      check: 'userinfo_endpoint',
      message: 'The user-info endpoint answered with status 403: "insufficient_scope".',
    })
    upstream.faults.userinfo = () => new Response('a.b.c', { headers: { 'content-type': 'application/jwt' } })
    const signed = await refusalOf(signInAt(upstream, await aProvider(upstream, mapped)))
    expect(signed.message).toContain('application/jwt')
  })
})
