import { describe, expect, it } from 'vitest'
import * as oauthErrors from '../../src/model/oauth-errors.ts'
import { badRequest, conflict, notFound, problemOf, unavailable } from '../../src/model/problems.ts'

const detail = { check: 'scope', expected: 'openid', received: 'none', fix: 'ask for openid' }
const refused = { description: 'no scope is left', ...detail }
const { accessDenied, refusedToken, serviceUnavailable, temporarilyUnavailable } = oauthErrors

describe('named kinds of OAuthError', () => {
  it.each([
    ['invalid_request', oauthErrors.invalidRequest, 400],
    ['invalid_client', oauthErrors.invalidClient, 401],
    ['invalid_grant', oauthErrors.invalidGrant, 400],
    ['invalid_scope', oauthErrors.invalidScope, 400],
    ['unauthorized_client', oauthErrors.unauthorizedClient, 400],
    ['access_denied', accessDenied, 403],
  ] as const)('%s keeps the public text apart from the detail', (code, kind, status) => {
    expect(kind(refused)).toMatchObject({ code, description: 'no scope is left', status, headers: {} })
    expect(kind(refused).detail).toEqual(detail)
  })

  it('takes another status and headers', () => {
    const error = oauthErrors.invalidRequest({ ...refused, status: 405, headers: { allow: 'GET' } })
    expect(error).toMatchObject({ status: 405, headers: { allow: 'GET' } })
    expect(error.detail).toEqual(detail)
  })

  it('RFC 6750 §3.1: a refused token comes with its challenge', () => {
    expect(refusedToken('invalid_token', refused)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token", error_description="no scope is left"' },
    })
    const narrow = refusedToken('insufficient_scope', { ...refused, scope: 'openid' })
    expect(narrow.detail).toEqual(detail)
    expect(narrow).toMatchObject({
      status: 403,
      headers: {
        'www-authenticate': 'Bearer error="insufficient_scope", error_description="no scope is left", scope="openid"',
      },
    })
  })

  it('says after how many seconds to try again', () => {
    const error = temporarilyUnavailable({ ...refused, retryAfter: 60 })
    expect(error).toMatchObject({ status: 503, headers: { 'retry-after': '60' } })
    expect(error.detail).toEqual(detail)
    expect(temporarilyUnavailable({ ...refused, status: 429, retryAfter: 60 }).status).toBe(429)
    expect(serviceUnavailable('D1 did not answer')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
      detail: { check: 'availability', received: 'D1 did not answer' },
    })
  })
})

describe('named kinds of Problem', () => {
  it('have the status of their name', () => {
    expect(badRequest('no', { name: 'is missing' })).toMatchObject({ status: 400, fields: { name: 'is missing' } })
    expect([notFound('no'), conflict('no')].map(({ status }) => status)).toEqual([404, 409])
    expect(unavailable('no')).toMatchObject({ status: 503, headers: { 'retry-after': '2' }, fields: {} })
  })

  it('are made of an OAuthError without changing it', () => {
    const error = Object.freeze(serviceUnavailable('D1 did not answer'))
    const { status, description: title, headers } = error
    expect(problemOf(error)).toMatchObject({ status, title, headers, fields: {}, cause: error })
  })
})
