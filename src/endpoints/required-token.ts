// The `token` parameter of introspection and revocation (RFC 7662 §2.1, RFC 7009 §2.1).
import { OAuthError } from '../model/errors.ts'

/** Throws invalid_request. */
export function requiredToken(parameters: URLSearchParams): string {
  const token = parameters.get('token')
  if (token !== null) return token
  const detail = {
    check: 'token',
    expected: 'a token parameter',
    received: 'none',
    fix: 'send the token in the form body',
  }
  throw new OAuthError('invalid_request', 'token is missing', detail)
}
