import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readProviderMetadata } from '../../../src/brokering/record/read-metadata.ts'
import { aContext, noon } from '../../context.ts'
import { anUpstream, type FakeUpstream } from '../../fakes/upstream.ts'

let upstream: FakeUpstream
beforeEach(async () => {
  upstream = await anUpstream({ now: () => noon })
})
afterEach(() => vi.restoreAllMocks())

const read = (rules: Partial<Parameters<typeof readProviderMetadata>[1]> = {}) =>
  readProviderMetadata(aContext(), {
    metadata_endpoint: upstream.metadata_endpoint,
    internal_hosts: [],
    ...rules,
  })

async function faultOf(rules: Parameters<typeof read>[0] = {}): Promise<string> {
  const answer = await read(rules)
  return 'fault' in answer ? answer.fault : 'none'
}

describe('metadata', () => {
  it('is kept as far as it is used, with the keys', async () => {
    const answer = await read()
    expect(answer).toMatchObject({
      metadata: {
        issuer: 'https://idp.test',
        authorization_endpoint: 'https://idp.test/authorize',
        token_endpoint: 'https://idp.test/token',
        userinfo_endpoint: 'https://idp.test/userinfo',
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      },
      jwks: { keys: [{ kty: 'EC', crv: 'P-256', kid: upstream.keys[0]?.kid }] },
    })
    expect(JSON.stringify(answer)).not.toContain('subject_types_supported')
    expect(upstream.requests).toMatchObject({ metadata: 1, jwks: 1 })
  })

  it('keeps bounded lists of texts', async () => {
    const many = Array.from({ length: 1000 }, (_, at) => `scope-${at}`)
    Object.assign(upstream.metadata, {
      scopes_supported: many,
      claims_supported: ['sub', 7, null, 'x'.repeat(201), ''],
    })
    const answer = await read()
    if ('fault' in answer) throw new Error(answer.fault)
    expect(answer.metadata.scopes_supported).toHaveLength(200)
    expect(answer.metadata.claims_supported).toEqual(['sub'])
  })

  it('accepts the issuer with its slash (Auth0), the path form of RFC 8414, and another public host (Google)', async () => {
    upstream.metadata.issuer = 'https://idp.test/'
    expect(await faultOf()).toBe('none')
    Object.assign(upstream.metadata, { issuer: 'https://idp.test/realms/one', jwks_uri: 'https://idp.test/jwks' })
    upstream.metadata_endpoint = 'https://idp.test/.well-known/oauth-authorization-server/realms/one'
    expect(await faultOf()).toBe('none')
    upstream.metadata_endpoint = 'https://idp.test/realms/one/.well-known/openid-configuration'
    upstream.metadata.token_endpoint = 'https://oauth2.idp-apis.test/token'
    expect(await faultOf()).toBe('none')
  })

  const refused: [string, Record<string, unknown>, RegExp][] = [
    ['another issuer', { issuer: 'https://evil.test' }, /issuer is https:\/\/evil\.test, which does not belong to/],
    ['an issuer with a path', { issuer: 'https://idp.test/realm' }, /does not belong/],
    ['an issuer that continues the host', { issuer: 'https://idp.test.evil.test' }, /does not belong/],
    ['no issuer', { issuer: undefined }, /names no issuer/],
    ['an http issuer', { issuer: 'http://idp.test' }, /must be https/],
    ['a template of somebody who is not Entra', { issuer: 'https://idp.test/{tenantid}' }, /does not belong/],
    ['an http endpoint', { token_endpoint: 'http://idp.test/token' }, /token_endpoint .* must be https/],
    ['an internal address', { token_endpoint: 'https://10.0.0.1/token' }, /token_endpoint .* internal address/],
    ['the metadata service of a cloud', { jwks_uri: 'https://169.254.169.254/keys' }, /jwks_uri .* internal address/],
    ['an internal name', { userinfo_endpoint: 'https://directory.corp/me' }, /userinfo_endpoint .* internal name/],
    ['a loopback', { pushed_authorization_request_endpoint: 'https://localhost/par' }, /internal name/],
    ['a script', { end_session_endpoint: 'javascript:alert(1)' }, /end_session_endpoint .* must be https/],
    ['credentials in a URL', { authorization_endpoint: 'https://u:p@idp.test/a' }, /no credentials/],
    ['no token endpoint', { token_endpoint: undefined }, /names no token_endpoint/],
    ['an endpoint that is no text', { jwks_uri: ['https://idp.test/jwks'] }, /jwks_uri is no address/],
    ['no code flow', { response_types_supported: ['id_token'] }, /code flow/],
    ['none and HS256 only', { id_token_signing_alg_values_supported: ['none', 'HS256'] }, /"none","HS256"/],
  ]
  it.each(refused)('I09 with %s is refused, with a sentence for the administrator', async (_, members, sentence) => {
    Object.assign(upstream.metadata, members)
    expect(await faultOf()).toMatch(sentence)
    expect(upstream.requests.jwks).toBe(0)
  })

  it('I09 nobody inside is asked for it, but for a host that the operator allows', async () => {
    const fetched = vi.mocked(globalThis.fetch)
    for (const host of ['127.0.0.1', '169.254.169.254', 'sso.corp']) {
      expect(await faultOf({ metadata_endpoint: `https://${host}/.well-known/openid-configuration` })).toMatch(
        /internal/,
      )
    }
    expect(fetched).not.toHaveBeenCalled()
    upstream = await anUpstream({ host: 'sso.corp' })
    expect(await faultOf()).toMatch(/internal name/)
    expect(await faultOf({ internal_hosts: ['sso.corp'] })).toBe('none')
    upstream.metadata.token_endpoint = 'https://token.corp/'
    expect(await faultOf({ internal_hosts: ['sso.corp'] })).toMatch(/token_endpoint/)
  })

  it('may have another issuer only when the operator names it (Entra External ID, B2C)', async () => {
    upstream.metadata.issuer = 'https://one.idp.test/one/v2.0'
    expect(await faultOf()).toMatch(/additional issuers/)
    expect(await faultOf({ valid_issuers: ['https://one.idp.test/one/v2.0'] })).toBe('none')
  })
})

describe('Entra’s issuers (metadata endpoint → issuer)', () => {
  const tenant = '11111111-2222-3333-4444-555555555555'
  const other = '99999999-2222-3333-4444-555555555555'
  const at = (path: string) => `https://login.microsoftonline.com/${path}/.well-known/openid-configuration`
  const v2 = (name: string) => `https://login.microsoftonline.com/${name}/v2.0`
  const v1 = (name: string) => `https://sts.windows.net/${name}/`
  const fit: [string, string, boolean][] = [
    [at('common/v2.0'), v2('{tenantid}'), true],
    [at('organizations/v2.0'), v2('{tenantid}'), true],
    [at('common'), v1('{tenantid}'), true],
    [at('consumers/v2.0'), v2(tenant), true],
    [at('example.onmicrosoft.com/v2.0'), v2(tenant), true],
    [at(`${tenant}/v2.0`), v2(tenant), true],
    [`${at(`${tenant}/v2.0`)}?appid=${other}`, v2(tenant), true],
    [at(tenant), v1(tenant), true],
    [at(`${tenant}/v2.0`), v2(other), false],
    [at(`${tenant}/v2.0`), v2('{tenantid}'), false],
    [at('common/v2.0'), v1('{tenantid}'), false],
    [at('common/v2.0'), 'https://login.microsoftonline.com/a/{tenantid}/v2.0', false],
    [at('common/v2.0'), 'https://evil.test/{tenantid}/v2.0', false],
    ['https://evil.test/common/v2.0/.well-known/openid-configuration', v2('{tenantid}'), false],
  ]
  it.each(fit)('%s → %s: %s', async (endpoint, issuer, isFit) => {
    const entra = await anUpstream({ host: new URL(endpoint).host })
    entra.metadata_endpoint = endpoint
    entra.metadata.issuer = issuer
    const fault = await faultOf({ metadata_endpoint: endpoint })
    expect(fault === 'none', fault).toBe(isFit)
  })
})

describe('I11 documents of strangers', () => {
  const limit = 256 * 1024
  const served: [string, () => Response | Promise<Response>, RegExp][] = [
    ['50 MB', () => new Response(endless()), /more than 262144 bytes/],
    ['a gzip bomb', () => new Response(gunzipped(), { headers: { 'content-type': 'application/json' } }), /more than/],
    ['10 000 levels', () => new Response(nested(10_000)), /not answer with a JSON object/],
    ['100 000 levels', () => new Response(nested(100_000)), /not answer with a JSON object/],
    ['HTML', () => new Response('<!doctype html><title>x</title>'), /not answer with a JSON object/],
    ['an array', () => Response.json([]), /not answer with a JSON object/],
    ['no UTF-8', () => new Response(new Uint8Array([0x7b, 0xff, 0x7d])), /not answer with a JSON object/],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://10.0.0.1/' } }), /redirects/],
    ['an error', () => new Response('no', { status: 500 }), /status 500/],
  ]
  it.each(served)('%s: refused', async (_, answer, sentence) => {
    upstream.faults.metadata = answer
    expect(await faultOf()).toMatch(sentence)
    expect(upstream.requests).toMatchObject({ metadata: 1, jwks: 0 })
  })

  it('no key at all: refused', async () => {
    upstream.faults.jwks = () => Response.json({ keys: [] })
    expect(await read()).toEqual({
      fault: 'The provider publishes no keys at https://idp.test/jwks.',
    })
  })

  it.each(served)('%s for keys: refused', async (_, answer) => {
    upstream.faults.jwks = answer
    expect(await faultOf()).toMatch(/keys cannot be read/)
  })

  it('are read no further than the limit', async () => {
    let sent = 0
    upstream.faults.metadata = () => new Response(endless((bytes) => (sent += bytes)))
    expect(await faultOf()).toMatch(/more than/)
    expect(sent).toBeLessThan(limit + 3 * 65_536)
  })

  it('that come a byte a second, or not at all, end within five seconds', async () => {
    upstream.faults.metadata = () => new Response(dripping())
    upstream.faults.jwks = () => new Promise(() => {})
    const start = Date.now()
    const silent = await anUpstream({ host: 'silent.test' })
    silent.faults.metadata = () => new Promise(() => {})
    const [slow, never] = await Promise.all([faultOf(), faultOf({ metadata_endpoint: silent.metadata_endpoint })])
    expect(slow).toMatch(/did not answer in full within 5000 ms/)
    expect(never).toMatch(/did not answer in full within 5000 ms/)
    expect(Date.now() - start).toBeLessThan(6000)
  })
})

const nested = (depth: number): string => `{"issuer":${'['.repeat(depth)}${']'.repeat(depth)}}`

function endless(count: (bytes: number) => void = () => {}): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      count(65_536)
      controller.enqueue(new Uint8Array(65_536).fill(32))
    },
  })
}

/** What fetch hands out of 50 KB that unpack to 50 MB. */
function gunzipped(): ReadableStream {
  const packed = new Blob([new Uint8Array(50 * 2 ** 20)]).stream().pipeThrough(new CompressionStream('gzip'))
  return packed.pipeThrough(new DecompressionStream('gzip'))
}

function dripping(): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      await scheduler.wait(1000)
      controller.enqueue(new Uint8Array([32]))
    },
  })
}
