// The basic and form_post certification plans of the OpenID Foundation: one test per module (38 in each), named by the module's id. The second
// plan repeats the first with response_mode=form_post in every request.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Page, type Provider, pkce } from '../node/server.ts'
import { checkTokenError, checkTokenResponse, checkUserinfo } from './checks.ts'
import { callback, expectShown, type ResponseMode } from './front-channel.ts'
import {
  aModule,
  authorize,
  type Completed,
  clients,
  codeOf,
  codeRequest,
  complete,
  errorOf,
  formOf,
  idTokenOf,
  logIn,
  type Module,
  open,
  type Presentation,
  randomText,
  requestOf,
  type SuiteClient,
  startSuite,
  succeed,
  tokenRequest,
  userinfoOf,
  userinfoRequest,
} from './suite.ts'

const plans: { plan: string; mode: ResponseMode }[] = [
  { plan: 'oidcc-basic-certification-test-plan', mode: 'default' },
  { plan: 'oidcc-formpost-basic-certification-test-plan', mode: 'form_post' },
]

let provider: Provider
const lateReuse = new Map<ResponseMode, Promise<Response[]>>()

beforeAll(async () => {
  provider = await startSuite()
  for (const { mode } of plans) {
    const reuse = reuseAfter30Seconds(mode)
    // A failure is reported by the module's own test.
    reuse.catch(() => undefined)
    lateReuse.set(mode, reuse)
  }
})

afterAll(() => provider?.stop())

describe.each(plans)('$plan', ({ mode }) => {
  const start = (client?: SuiteClient) => aModule(provider, mode, client)

  it('oidcc-server', async () => {
    const { id_token } = await succeed(await start())
    expect(id_token.claims.at_hash).toBeTypeOf('string')
    expect(id_token.claims.sid).toBeTypeOf('string')
  })

  it('oidcc-response-type-missing', async () => {
    const module = await start()
    const request = requestOf(module, { response_type: undefined })
    expect(errorOf(module, await open(module, request), request)).toBe('invalid_request')
  })

  // The suite registers this client without id_token_signed_response_alg, and so do we.
  it('oidcc-idtoken-signature', async () => {
    const { id_token } = await succeed(await start())
    expect(id_token.header).toMatchObject({ alg: 'RS256', kid: expect.stringMatching(/\S/) })
  })

  // The suite skips this module: `none` is not in the metadata, and no client can register it.
  it('oidcc-idtoken-unsigned', async () => {
    const { metadata, client } = await start()
    expect(metadata.id_token_signing_alg_values_supported).not.toContain('none')
    const unsigned = { id_token_signed_response_alg: 'none' }
    await expect(provider.operator('PUT', `clients/${client.client_id}`, unsigned)).rejects.toThrow(
      /: 4\d\d .*id_token_signed_response_alg/,
    )
  })

  const presentations: { id: string; by: Presentation }[] = [
    { id: 'oidcc-userinfo-get', by: 'get' },
    { id: 'oidcc-userinfo-post-header', by: 'post-header' },
    { id: 'oidcc-userinfo-post-body', by: 'post-body' },
  ]
  it.each(presentations)('$id', async ({ by }) => {
    const module = await start()
    const { tokens, id_token, request } = await succeed(module)
    await userinfoOf(module, tokens, id_token, request, by)
  })

  it('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
    await succeed(await start(), { nonce: undefined })
  })

  // All claims of the scope are in userinfo and none in the ID token: `succeed` compares both.
  it.each([
    { id: 'oidcc-scope-profile', scopes: ['profile'] },
    { id: 'oidcc-scope-email', scopes: ['email'] },
    { id: 'oidcc-scope-address', scopes: ['address'] },
    { id: 'oidcc-scope-phone', scopes: ['phone'] },
    { id: 'oidcc-scope-all', scopes: ['email', 'phone', 'address', 'profile'] },
  ])('$id', async ({ scopes }) => {
    const module = await start()
    expect(module.metadata.scopes_supported, 'otherwise the suite skips it').toEqual(expect.arrayContaining(scopes))
    await succeed(module, { scope: ['openid', ...scopes].join(' ') })
  })

  it('oidcc-alternate-happy-flow', async () => {
    const module = await start()
    const request = requestOf(module, { scope: 'email openid' })
    const reversed = Object.fromEntries(Object.entries(request).sort().reverse())
    expect(Object.keys(reversed)[0]).toBe('state')
    const code = codeOf(module, await logIn(module, await open(module, reversed)), request)
    const { userinfo, id_token } = await complete(module, { request, code })
    expect(userinfo).not.toHaveProperty('name')
    expect(id_token.claims).not.toHaveProperty('email')
  })

  it.each([
    { id: 'oidcc-display-page', display: 'page' },
    { id: 'oidcc-display-popup', display: 'popup' },
  ])('$id', async ({ display }) => {
    await succeed(await start(), { display })
  })

  it('oidcc-prompt-login', async () => {
    const module = await start()
    const first = await succeed(module)
    await sleep(1000)
    const second = await succeed(module, { prompt: 'login' }, ['login'])
    expect(second.id_token.claims.auth_time).toBeGreaterThan(Number(first.id_token.claims.auth_time))
  })

  it('oidcc-prompt-none-not-logged-in', async () => {
    const module = await start()
    const request = requestOf(module, { prompt: 'none', state: randomText(128) })
    expect(errorOf(module, await open(module, request), request)).toBe('login_required')
  })

  it('oidcc-prompt-none-logged-in', async () => {
    const module = await start()
    const first = await succeed(module)
    expectSameSignIn(first, await succeed(module, { prompt: 'none' }, []))
  })

  it('oidcc-max-age-1', async () => {
    const module = await start()
    const first = await succeed(module)
    await sleep(2000)
    const second = await succeed(module, { max_age: '1' }, ['login'])
    const authTime = Number(second.id_token.claims.auth_time)
    expect(authTime).toBeGreaterThan(Number(first.id_token.claims.auth_time))
    expect(Math.abs(Date.now() / 1000 - authTime)).toBeLessThan(5)
  })

  it('oidcc-max-age-10000', async () => {
    const module = await start()
    const first = await succeed(module, { max_age: '15000' })
    expectSameSignIn(first, await succeed(module, { max_age: '10000' }, []))
  })

  it('oidcc-ensure-request-with-unknown-parameter-succeeds', async () => {
    await succeed(await start(), { extra: 'foobar' })
  })

  it('oidcc-id-token-hint', async () => {
    const module = await start()
    const first = await succeed(module)
    const hint = { prompt: 'none', id_token_hint: first.tokens.id_token }
    expectSameSignIn(first, await succeed(module, hint, []))
  })

  it('oidcc-login-hint', async () => {
    const module = await start()
    await succeed(module, { login_hint: `buffy@${new URL(String(module.metadata.issuer)).host}` })
  })

  it('oidcc-ui-locales', async () => {
    await succeed(await start(), { ui_locales: 'se' })
  })

  it('oidcc-claims-locales', async () => {
    await succeed(await start(), { claims_locales: 'se' })
  })

  it('oidcc-ensure-request-with-acr-values-succeeds', async () => {
    const module = await start()
    const values = module.metadata.acr_values_supported as string[]
    const { id_token } = await succeed(module, { acr_values: values.join(' ') })
    expect(values).toContain(id_token.claims.acr)
  })

  it('oidcc-codereuse', async () => {
    const module = await start()
    const { code } = await succeed(module)
    await checkTokenError(await codeRequest(module, code), 'invalid_grant')
  })

  it('oidcc-ensure-registered-redirect-uri', async () => {
    const module = await start()
    const request = requestOf(module, { redirect_uri: `${callback}/${randomText(10)}` })
    expectShown(await open(module, request), /redirect_uri is not registered/)
  })

  it('oidcc-ensure-post-request-succeeds', async () => {
    const module = await start()
    const request = requestOf(module)
    const code = codeOf(module, await logIn(module, await openByPost(module, request)), request)
    await complete(module, { request, code })
  })

  it('oidcc-server-client-secret-post', async () => {
    await succeed(await start(clients.clientPost))
  })

  // The suite skips the rest, because request_uri is refused with the registered error. The metadata must say `false`: the default is true
  // (Discovery §3).
  it('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
    const module = await start()
    expect(module.metadata.request_uri_parameter_supported).toBe(false)
    const request = outerRequest(module, { request_uri: `https://suite.test/requests/${randomUUID()}` })
    expect(errorOf(module, await open(module, request), request)).toBe('request_uri_not_supported')
  })

  // The suite skips the rest. It warns about request_parameter_supported only if the object is accepted.
  it('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
    const module = await start()
    const request = outerRequest(module, { request: unsignedObject(requestOf(module)) })
    expect(errorOf(module, await open(module, request), request)).toBe('request_not_supported')
  })

  it('oidcc-claims-essential', async () => {
    const module = await start()
    const { userinfo, id_token } = await succeed(module, { claims: '{"userinfo":{"name":{"essential":true}}}' })
    expect(userinfo.name).toBeTypeOf('string')
    expect(id_token.claims).not.toHaveProperty('name')
  })

  // An error page: the registered redirect_uri is only inside the request object, which is not read, so no redirect is possible.
  it('oidcc-ensure-request-object-with-redirect-uri', async () => {
    const module = await start()
    const inner = unsignedObject(requestOf(module))
    const request = outerRequest(module, { request: inner, redirect_uri: `${callback}/_invalid` })
    expectShown(await open(module, request), /redirect_uri is not registered/)
  })

  it('oidcc-refresh-token', async () => {
    const module = await start()
    expect(module.metadata.scopes_supported).toContain('offline_access')
    expect(module.metadata.grant_types_supported).toContain('refresh_token')
    const offline = { scope: 'openid offline_access', prompt: 'consent' }
    await refresh(module, await succeed(module, offline, ['login', 'consent']), { scope: offline.scope })

    // A second client in the same browser, which is already signed in.
    const second = { ...module, client: clients.client2 }
    const completed = await succeed(second, { ...offline, nonce: randomText(43) }, ['consent'])
    const refresh_token = await refresh(second, completed, {})
    const foreign = { grant_type: 'refresh_token', refresh_token, scope: offline.scope }
    await checkTokenError(await tokenRequest(module, foreign), 'invalid_grant')
  })

  it('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
    const module = await start()
    const { code_verifier, code_challenge } = pkce()
    const authorized = await authorize(module, { code_challenge, code_challenge_method: 'S256' })
    await complete(module, authorized, { code_verifier })
  })
})

describe.each(plans)('$plan, modules that wait', ({ mode }) => {
  it('oidcc-codereuse-30seconds', { timeout: 60_000 }, async () => {
    const [reuse, userinfo] = (await lateReuse.get(mode)) ?? []
    if (!reuse || !userinfo) throw new Error('the code was not used again')
    await checkTokenError(reuse, 'invalid_grant')
    // RFC 6749 §4.1.2: the tokens issued for the code should be revoked.
    expect(userinfo.status).toBe(401)
  })
})

/** Starts before all modules and is awaited after them, so that the 30 seconds of the suite do not lengthen the run. */
async function reuseAfter30Seconds(mode: ResponseMode): Promise<Response[]> {
  const module = await aModule(provider, mode)
  const { code, tokens } = await succeed(module)
  await sleep(30_000)
  return [await codeRequest(module, code), await userinfoRequest(module, tokens.access_token)]
}

function expectSameSignIn(first: Completed, second: Completed): void {
  expect(first.id_token.claims.auth_time).toBeTypeOf('number')
  for (const name of ['sub', 'auth_time', 'sid']) {
    expect(second.id_token.claims[name], name).toBe(first.id_token.claims[name])
  }
}

/** Posts the request as a form of another site, without cookies. The redirect that follows is a GET, which sends Lax cookies. */
async function openByPost({ browser, metadata }: Module, request: Record<string, string | undefined>): Promise<Page> {
  const endpoint = String(metadata.authorization_endpoint)
  const response = await browser.fetch(endpoint, {
    method: 'POST',
    headers: { origin: 'https://suite.test', 'sec-fetch-site': 'cross-site' },
    body: formOf(request),
  })
  expect(response.status).toBe(303)
  return browser.open(new URL(response.headers.get('location') ?? '', endpoint))
}

/** An unsecured JWT, with alg none (RFC 7519 §6). */
function unsignedObject(claims: Record<string, string | undefined>): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode({ alg: 'none' })}.${encode(claims)}.`
}

/**
 * The parameters beside a request object; state and nonce are only inside. The suite also moves response_mode inside, but we keep it outside
 * too, because the object is not read and the error must come by form_post.
 */
function outerRequest(module: Module, parameters: Record<string, string>): Record<string, string | undefined> {
  return requestOf(module, { state: undefined, nonce: undefined, ...parameters })
}

/** Refreshes and checks the response (OIDC Core §12.2). Returns the refresh token to use next. */
async function refresh(module: Module, before: Completed, parameters: Record<string, string>): Promise<string> {
  const { refresh_token } = before.tokens
  expect(refresh_token).toBeTypeOf('string')
  // Makes iat differ.
  await sleep(1000)
  const response = await tokenRequest(module, { grant_type: 'refresh_token', refresh_token, ...parameters })
  const tokens = await checkTokenResponse(response)
  expect(tokens.access_token).not.toBe(before.tokens.access_token)
  const { claims } = await idTokenOf(module, tokens, {})
  const same = ({ iss, sub, aud, azp, auth_time }: Record<string, unknown>) => ({ iss, sub, aud, azp, auth_time })
  expect(same(claims)).toEqual(same(before.id_token.claims))
  expect(claims.iat).toBeGreaterThan(Number(before.id_token.claims.iat))
  await checkUserinfo(await userinfoRequest(module, tokens.access_token), claims.sub)
  return tokens.refresh_token ?? String(refresh_token)
}
