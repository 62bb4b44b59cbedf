// The `token` parameter of introspection and revocation (RFC 7662 §2.1, RFC 7009 §2.1).
import { invalidRequest } from '../model/oauth-errors.ts'

/** Throws invalid_request if the parameter is missing. */
export function requiredToken(parameters: URLSearchParams): string {
  const token = parameters.get('token')
  if (token !== null) return token
  throw invalidRequest({
    description: 'token is missing',
    check: 'token',
    expected: 'a token parameter',
    received: 'none',
    fix: 'send the token in the form body',
  })
}
