import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/model/errors.ts'

const redirect = { redirect_uri: 'https://client.test/callback', response_mode: 'query', state: 's' } as const
const detail = { check: 'scope', expected: 'openid', received: 'none', fix: 'ask for openid' }

const anError = () =>
  new OAuthError('invalid_scope', 'no "scope" is left', detail, {
    status: 403,
    headers: { allow: 'GET' },
    cause: new Error('the row is missing'),
  })

const changes: [string, (error: OAuthError) => OAuthError, Partial<OAuthError>][] = [
  ['withRedirect', (error) => error.withRedirect(redirect), { redirect }],
  ['withCookies', (error) => error.withCookies(['session=1']), { cookies: ['session=1'] }],
  ['withRestart', (error) => error.withRestart('/account'), { restart: '/account' }],
  ['withClient', (error) => error.withClient('web'), { client_id: 'web' }],
  [
    'withHeaders',
    (error) => error.withHeaders({ 'retry-after': '2' }),
    { headers: { allow: 'GET', 'retry-after': '2' } },
  ],
]

/** Stack, cause and message are own properties that a spread leaves out. */
const everything = (error: OAuthError) => Object.getOwnPropertyDescriptors(error)

describe.each(changes)('OAuthError.%s', (_, change, expected) => {
  it('returns a copy with the change, and leaves the original as it was', () => {
    const original = anError()
    const before = everything(anError())
    const copy = change(original)
    expect(copy).not.toBe(original)
    expect(copy).toMatchObject(expected)
    expect(everything(original)).toEqual({ ...before, stack: expect.anything(), cause: expect.anything() })
  })

  it('keeps everything else, with the stack and the cause of the original', () => {
    const original = anError()
    const copy = change(original)
    const { stack, cause, message, name, code, description, status } = original
    expect(copy).toBeInstanceOf(OAuthError)
    expect({ ...copy, stack: copy.stack, cause: copy.cause, message: copy.message }).toEqual({
      ...original,
      ...expected,
      ...{ stack, cause, message, name, code, description, detail, status },
    })
    expect(copy.cause).toBe(cause)
  })

  it('works on a frozen error that several requests share', () => {
    const shared = Object.freeze(anError())
    expect(change(shared)).toMatchObject(expected)
    expect(change(shared)).toMatchObject(expected)
    expect(shared).toMatchObject({ redirect: undefined, cookies: [], restart: undefined, client_id: undefined })
  })
})

it('an OAuthError collects what each caller on its way up adds', () => {
  const error = anError().withRedirect(redirect).withClient('web').withCookies(['session=1'])
  expect(error).toMatchObject({ redirect, client_id: 'web', cookies: ['session=1'], status: 403 })
})

it('an OAuthError without a cause stays without one', () => {
  expect('cause' in new OAuthError('invalid_request', 'no', { check: 'x' }).withClient('web')).toBe(false)
})

it('the compiler refuses to change an OAuthError', () => {
  const error = Object.freeze(anError())
  expect(() => {
    // @ts-expect-error: readonly
    error.redirect = redirect
  }).toThrow(TypeError)
  expect(() => {
    // @ts-expect-error: readonly
    error.client_id = 'web'
  }).toThrow(TypeError)
})
