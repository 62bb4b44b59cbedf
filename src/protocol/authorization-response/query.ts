// response_mode=query (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
import type { Encode } from './authorization-response.ts'

/** Adds the parameters to the query of the redirect_uri, which stays as it is (RFC 6749 §3.1.2). */
export const query: Encode = async ({ redirect_uri, parameters }) => {
  const separator = !redirect_uri.includes('?')
    ? '?'
    : redirect_uri.endsWith('?') || redirect_uri.endsWith('&')
      ? ''
      : '&'
  return { kind: 'redirect', location: `${redirect_uri}${separator}${new URLSearchParams(parameters)}` }
}
