// The errors for a path or a method that no row of the route table has, in the error form of each section.
import { OAuthError, Problem } from '../model/errors.ts'
import { badRequest, notFound } from '../model/problems.ts'

export interface Refusals {
  nothingThere(): Error
  /** RFC 9110 §15.5.6 */
  otherMethod(allow: string, received: string): Error
  badlyEncoded(): Error
}

export const guardedRefusals: Refusals = {
  nothingThere: () => notFound('There is no such resource'),
  otherMethod: (allow) => new Problem(405, `This resource takes ${allow}`, { headers: { allow } }),
  badlyEncoded: () => badRequest('The path is not well encoded'),
}

export const publicRefusals: Refusals = {
  nothingThere: () => refusedAddress('there is nothing at this address', 404, 'a path that discovery names'),
  otherMethod(allow, received) {
    const detail = { check: 'method', expected: allow, received, fix: 'use the method of the specification' }
    const options = { status: 405, headers: { allow } }
    return new OAuthError('invalid_request', 'the method is not allowed here', detail, options)
  },
  badlyEncoded: () => refusedAddress('the path is not well encoded', 400, 'percent-encoded UTF-8'),
}

export const refusedAddress = (description: string, status: number, expected: string): OAuthError =>
  new OAuthError(
    'invalid_request',
    description,
    { check: 'address', expected, received: 'another address' },
    { status },
  )
