import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider, refusalOf, signInAt } from './upstream-record.ts'

let upstream: FakeUpstream
let provider: ExternalProvider

beforeEach(async () => {
  upstream = await anUpstream({ now: () => noon })
  provider = await aProvider(upstream)
})
afterEach(() => vi.restoreAllMocks())

describe('I13 a token endpoint that does not do its work', () => {
  const html = () => new Response('<!doctype html><title>Sign in</title>', { headers: { 'content-type': 'text/html' } })
  const to = (status: number) => () => new Response(null, { status, headers: { location: 'https://evil.test/' } })
  const json =
    (body: unknown, status = 200) =>
    () =>
      Response.json(body, { status })
  const deep = () =>
    new Response(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, {
      headers: { 'content-type': 'application/json' },
    })
  const cases: [string, () => Response, string, RegExp][] = [
    ['302', to(302), 'invalid_answer', /redirects, which is not followed/],
    ['307', to(307), 'invalid_answer', /redirects, which is not followed/],
    ['308', to(308), 'invalid_answer', /redirects, which is not followed/],
    ['200 with HTML', html, 'invalid_answer', /status 200 and text\/html, but a JSON object/],
    ['502 with HTML', () => new Response('<h1>Bad', { status: 502 }), 'unreachable', /status 502/],
    [
      'JSON called HTML',
      () => new Response('{}', { headers: { 'content-type': 'text/html' } }),
      'invalid_answer',
      /JSON/,
    ],
    ['an array', json(['a']), 'invalid_answer', /JSON object/],
    ['10 000 levels', deep, 'invalid_answer', /JSON/],
    ['65 KB', json({ access_token: 'x'.repeat(65_536) }), 'invalid_answer', /more than 65536 bytes/],
    ['an error with status 200 (GitHub)', json({ error: 'bad_verification_code' }), 'invalid_answer', /"bad_verif/],
    ['an error of strangers', json({ error: { a: 1 } }, 400), 'invalid_answer', /nothing that we understand/],
    ['no connection', () => thrown('connection refused'), 'unreachable', /connection refused/],
  ]
  it.each(cases)('%s ends the sign-in, the code is not sent again', async (_, answer, publicCause, sentence) => {
    upstream.faults.token = answer
    const evil = await anUpstream({ host: 'evil.test' })
    const error = await refusalOf(signInAt(upstream, provider))
    expect(error).toMatchObject({ step: 'token', check: 'token_endpoint', publicCause, outcome: 'failed' })
    expect(error.message).toMatch(sentence)
    expect(error.fix).not.toBe('')
    expect(upstream.requests.token).toBe(1)
    expect(evil.requests, 'nobody else is told the secret').toEqual({
      metadata: 0,
      jwks: 0,
      par: 0,
      token: 0,
      userinfo: 0,
    })
  })

  it('an error text of the provider is one printable line', async () => {
    const error_description = `<script>\u0000\n\u202e${'x'.repeat(5000)}`
    upstream.faults.token = json({ error: 'invalid_grant', error_description }, 400)
    const { message } = await refusalOf(signInAt(upstream, provider))
    expect(message).toMatch(
      /^The token endpoint answered with status 400: "invalid_grant": "<script>\\u\{0\}\\u\{a\}\\u\{202e\}x+…"\.$/,
    )
    expect(message.length).toBeLessThan(400)
  })

  it('30 s of silence end after five, several slow parts after eight, and no provider waits for another', async () => {
    const hang = () => new Promise<Response>(() => {})
    const slow = await anUpstream({ host: 'slow.test', now: () => noon })
    const other = await anUpstream({ host: 'other.test', now: () => noon })
    const [slowly, well] = await Promise.all([aProvider(slow), aProvider(other)])
    upstream.faults.token = hang
    slow.faults.jwks = hang
    // Answers as it is, after four seconds.
    const answering = globalThis.fetch
    const fetched = vi.mocked(globalThis.fetch).getMockImplementation() ?? answering
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      if (String(input) === 'https://slow.test/token') await scheduler.wait(4000)
      return fetched(input, init)
    })
    const timed = async (journey: Promise<unknown>) => {
      const start = Date.now()
      const error = await journey.catch((thrown: unknown) => thrown)
      return { error, took: Date.now() - start }
    }
    const [silent, late, healthy] = await Promise.all([
      timed(signInAt(upstream, provider)),
      timed(signInAt(slow, slowly)),
      timed(signInAt(other, well)),
    ])
    expect(silent.error).toMatchObject({ step: 'token', check: 'token_endpoint', publicCause: 'unreachable' })
    expect(silent.took).toBeLessThan(6000)
    expect(late.error).toMatchObject({ step: 'id_token', check: 'jwks', publicCause: 'unreachable' })
    expect(late.took).toBeGreaterThan(7500)
    expect(late.took).toBeLessThan(9000)
    expect(healthy.error).toMatchObject({ subject: 'ada-upstream' })
    expect(healthy.took).toBeLessThan(2000)
  })

  const thrown = (message: string): never => {
    throw new TypeError(message)
  }
})

describe('I14 what the browser is sent back with', () => {
  type Change = (parameters: URLSearchParams) => void
  const denied = (error: string, description = ''): Change => {
    return (parameters) => {
      parameters.delete('code')
      parameters.set('error', error)
      if (description) parameters.set('error_description', description)
    }
  }
  const fromElsewhere: Change = (parameters) => {
    denied('access_denied')(parameters)
    parameters.set('iss', 'https://evil.test')
  }
  const cases: [string, Change, object][] = [
    ['access_denied', denied('access_denied'), { check: 'provider_error', publicCause: 'denied', outcome: 'refused' }],
    ['login_required', denied('login_required'), { publicCause: 'denied', outcome: 'refused' }],
    ['interaction_required', denied('interaction_required'), { publicCause: 'denied' }],
    ['consent_required', denied('consent_required'), { publicCause: 'denied' }],
    ['unmet requirements', denied('unmet_authentication_requirements'), { publicCause: 'too_weak' }],
    ['server_error', denied('server_error'), { publicCause: 'unreachable', outcome: 'failed' }],
    ['temporarily_unavailable', denied('temporarily_unavailable'), { publicCause: 'unreachable', outcome: 'failed' }],
    ['invalid_request', denied('invalid_request'), { publicCause: 'invalid_answer', outcome: 'failed' }],
    ['an unknown error', denied('interstellar'), { publicCause: 'invalid_answer', outcome: 'failed' }],
    ['an error beside a code', (p) => p.set('error', 'access_denied'), { check: 'provider_error' }],
    ['neither', (p) => p.delete('code'), { check: 'code', publicCause: 'invalid_answer' }],
    ['an empty code', (p) => p.set('code', ''), { check: 'code' }],
    ['two codes', (p) => p.append('code', 'another'), { check: 'code' }],
    ['two states', (p) => p.append('state', 'another'), { check: 'state' }],
    ['two errors', (p) => [1, 2].forEach(() => void p.append('error', 'access_denied')), { check: 'error' }],
    ['another issuer (RFC 9207)', (p) => p.set('iss', 'https://evil.test'), { check: 'iss' }],
    ['the issuer with a slash', (p) => p.set('iss', 'https://idp.test/'), { check: 'iss' }],
    ['two issuers', (p) => p.append('iss', 'https://idp.test'), { check: 'iss' }],
    ['no issuer, though it is promised', (p) => p.delete('iss'), { check: 'iss' }],
    ['an error from another issuer', fromElsewhere, { check: 'iss' }],
  ]
  it.each(cases)('%s: no token is asked for', async (_, answer, expected) => {
    const context = aContext()
    const error = await refusalOf(signInAt(upstream, provider, { answer, context }))
    expect(error).toMatchObject({ step: 'callback', ...expected })
    expect(context.hops).toBe(0)
    expect(upstream.requests.token).toBe(0)
  })

  it('the words of the provider reach the operator as one bounded, printable line', async () => {
    const answer = denied('access_denied', `<script>alert(1)</script>\r\n\u202eAdmin\u0007${'y'.repeat(9000)}`)
    const { message, fix } = await refusalOf(signInAt(upstream, provider, { answer }))
    expect(message).toMatch(
      /^The provider answered "access_denied": "<script>alert\(1\)<\/script>\\u\{d\}\\u\{a\}\\u\{202e\}Admin\\u\{7\}y+…"\.$/,
    )
    expect(message.length).toBeLessThan(400)
    expect(fix).not.toBe('')
  })

  it('without iss is accepted where it is not promised', async () => {
    upstream.metadata.authorization_response_iss_parameter_supported = undefined
    expect(await signInAt(upstream, provider)).toMatchObject({ subject: 'ada-upstream' })
  })
})
