// Shows that the checks of checks.ts can fail: each gets an input with the fault that it looks for.
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  checkCodeResponse,
  checkErrorResponse,
  checkIdToken,
  checkKeys,
  checkTokenError,
  checkTokenResponse,
  checkUserinfo,
  type Json,
  type Key,
  shannonBits,
} from './checks.ts'

const issuer = 'https://id.suite.test'
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const bare = pair.publicKey.export({ format: 'jwk' })
const key = { ...bare, kty: 'RSA', kid: 'k1', alg: 'RS256', use: 'sig' } as Key
const strong = 'dGhpcy1pcy1ub3QtYS1zZWNyZXQtYnV0LWxvbmctMDEyMzQ1Njc4OQ'
const seconds = () => Math.floor(Date.now() / 1000)

describe('entropy', () => {
  it('is the entropy of the histogram times the length', () => {
    expect(shannonBits('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')).toBeCloseTo(0)
    expect(shannonBits('ab')).toBe(2)
    expect(shannonBits('0123456789abcdef')).toBe(64)
    expect(shannonBits(strong)).toBeGreaterThan(96)
  })
})

describe('keys', () => {
  it('pass if nothing is wrong', () => checkKeys([key, { ...key, kid: 'k2' }]))

  const faulty: { fault: string; keys: Key[] }[] = [
    { fault: 'an empty set', keys: [] },
    { fault: 'no kid', keys: [{ ...key, kid: undefined } as Key] },
    { fault: 'one kid twice', keys: [key, key] },
    { fault: 'a private member', keys: [{ ...key, d: 'AQAB' }] },
    { fault: 'a symmetric key', keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'k' }] },
    { fault: 'padding', keys: [{ ...key, e: 'AQAB==' }] },
    { fault: 'an invalid certificate', keys: [{ ...key, x5c: ['AAAA'] }] },
  ]
  it.each(faulty)('fail on $fault', ({ keys }) => expect(() => checkKeys(keys)).toThrow())
})

describe('authorization responses', () => {
  const sent = { state: 'a-._~' }
  const response = (members: Record<string, string>) =>
    new URLSearchParams({ state: sent.state, iss: issuer, ...members })

  it('pass if nothing is wrong', () => {
    expect(checkCodeResponse(response({ code: strong }), sent, issuer)).toBe(strong)
    expect(checkErrorResponse(response({ error: 'login_required' }), sent, issuer)).toBe('login_required')
  })

  it.each([
    { fault: 'another state', members: { state: 'a' } },
    { fault: 'another issuer', members: { iss: `${issuer}/` } },
    { fault: 'a short code', members: { code: 'Xc3_9aZ' } },
    { fault: 'a code that can be guessed', members: { code: '1111111111111111111111111111111111111111' } },
    { fault: 'an unknown parameter', members: { id: '1' } },
  ])('with a code fail on $fault', ({ members }) => {
    expect(() => checkCodeResponse(response({ code: strong, ...members } as never), sent, issuer)).toThrow()
  })

  it.each([
    { fault: 'a code in addition', members: { code: strong } },
    { fault: 'a quotation mark', members: { error_description: 'no "such" thing' } },
    { fault: 'a backslash', members: { error_description: 'a\\b' } },
    { fault: 'a line break', members: { error_description: 'a\nb' } },
    { fault: 'a letter beyond ASCII', members: { error_description: 'é' } },
    { fault: 'an invalid address', members: { error_uri: 'here' } },
    { fault: 'an unknown parameter', members: { request_id: '1' } },
  ])('with an error fail on $fault', ({ members }) => {
    const faulty = response({ error: 'login_required', ...members } as never)
    expect(() => checkErrorResponse(faulty, sent, issuer)).toThrow()
  })
})

describe('token responses', () => {
  const body = { access_token: strong, id_token: 'x', token_type: 'Bearer', expires_in: 3600, refresh_token: strong }
  const tokenResponse = (members: Json, init: ResponseInit = {}) =>
    Response.json({ ...body, ...members }, { headers: { 'cache-control': 'no-store' }, ...init })

  it('pass if nothing is wrong', () => expect(checkTokenResponse(tokenResponse({}))).resolves.toEqual(body))

  const faulty: { fault: string; response: Response }[] = [
    { fault: 'an error', response: tokenResponse({}, { status: 400, headers: { 'cache-control': 'no-store' } }) },
    { fault: 'a response that caches may store', response: tokenResponse({}, { headers: {} }) },
    { fault: 'text', response: new Response(JSON.stringify(body), { headers: { 'cache-control': 'no-store' } }) },
    { fault: 'expires_in as text', response: tokenResponse({ expires_in: '3600' }) },
    { fault: 'expires_in in milliseconds', response: tokenResponse({ expires_in: 3_600_000_000 }) },
    { fault: 'another token_type', response: tokenResponse({ token_type: 'mac' }) },
    { fault: 'a weak access token', response: tokenResponse({ access_token: 'abc' }) },
    { fault: 'a weak refresh token', response: tokenResponse({ refresh_token: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }) },
    { fault: 'no ID token', response: tokenResponse({ id_token: undefined }) },
  ]
  it.each(faulty)('fail on $fault', ({ response }) => expect(checkTokenResponse(response)).rejects.toThrow())

  it('with an error fail on another status and another error', async () => {
    const error = (code: string, status: number) => Response.json({ error: code }, { status })
    await checkTokenError(error('invalid_grant', 400), 'invalid_grant')
    await expect(checkTokenError(error('invalid_grant', 401), 'invalid_grant')).rejects.toThrow()
    await expect(checkTokenError(error('invalid_request', 400), 'invalid_grant')).rejects.toThrow()
  })
})

describe('ID tokens', () => {
  const at_hash = createHash('sha256').update(strong).digest().subarray(0, 16).toString('base64url')
  const claims = () => ({
    iss: issuer,
    aud: 'c',
    sub: 's',
    nonce: 'n',
    iat: seconds(),
    exp: seconds() + 60,
    auth_time: seconds(),
    acr: '1',
    at_hash,
  })
  const context = { issuer, keys: [key], client_id: 'c', nonce: 'n', access_token: strong }
  const sign = (changes: Json, header: Json = {}, by: KeyObject | Uint8Array = pair.privateKey) =>
    new SignJWT({ ...claims(), ...changes }).setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header }).sign(by)

  it('pass if nothing is wrong', async () => {
    expect((await checkIdToken(await sign({}), context)).claims.sub).toBe('s')
  })

  it.each([
    { fault: 'another issuer', changes: { iss: `${issuer}/` } },
    { fault: 'another client', changes: { aud: ['d'] } },
    { fault: 'no subject', changes: { sub: '' } },
    { fault: 'a long subject', changes: { sub: 's'.repeat(256) } },
    { fault: 'another nonce', changes: { nonce: 'm' } },
    { fault: 'a past exp', changes: { exp: seconds() - 400 } },
    { fault: 'an exp in milliseconds', changes: { exp: Date.now() } },
    { fault: 'an old iat', changes: { iat: seconds() - 400 } },
    { fault: 'a future auth_time', changes: { auth_time: seconds() + 60 } },
    { fault: 'auth_time as text', changes: { auth_time: `${seconds()}` } },
    { fault: 'acr as a number', changes: { acr: 1 } },
    { fault: 'a wrong at_hash', changes: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } },
    { fault: 'a claim that was not requested', changes: { name: 'Ada' } },
  ])('fail on $fault', async ({ changes }) => {
    await expect(checkIdToken(await sign(changes), context)).rejects.toThrow()
  })

  it('fail on a nonce that was not in the request', async () => {
    await expect(checkIdToken(await sign({}), { ...context, nonce: undefined })).rejects.toThrow()
  })

  it('fail on an unknown kid, another key, two matching keys, and a shared secret', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    await expect(checkIdToken(await sign({}, { kid: 'k2' }), context)).rejects.toThrow()
    await expect(checkIdToken(await sign({}, {}, other), context)).rejects.toThrow()
    await expect(checkIdToken(await sign({}), { ...context, keys: [key, key] })).rejects.toThrow()
    await expect(checkIdToken(await sign({}, { alg: 'HS256' }, Buffer.from(strong)), context)).rejects.toThrow()
  })
})

describe('userinfo', () => {
  it('passes if nothing is wrong', () => expect(checkUserinfo(Response.json({ sub: 's' }), 's')).resolves.toBeDefined())

  it.each([
    { fault: 'another subject', claims: { sub: 't' } },
    { fault: 'null', claims: { name: null } },
    { fault: 'an empty text', claims: { nickname: '' } },
    { fault: 'the text null', claims: { locale: 'null' } },
    { fault: 'a flag as text', claims: { email_verified: 'true' } },
    { fault: 'updated_at as text', claims: { updated_at: '2026-01-01' } },
    { fault: 'updated_at in milliseconds', claims: { updated_at: Date.now() } },
    { fault: 'a birthdate of another form', claims: { birthdate: '10-12-1990' } },
    { fault: 'an empty address', claims: { address: {} } },
    { fault: 'an address as text', claims: { address: 'Street 1' } },
    { fault: 'a picture that is not a URL', claims: { picture: 'ada.png' } },
  ])('fails on $fault', async ({ claims }) => {
    await expect(checkUserinfo(Response.json({ sub: 's', ...claims }), 's')).rejects.toThrow()
  })
})
