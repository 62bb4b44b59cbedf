// Builders of the common kinds of OAuthError, by error code (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1). Every text is a named field.
import { type ErrorCode, OAuthError, type RefusalDetail } from './errors.ts'
import { compact } from './record.ts'

export interface Refused extends RefusalDetail {
  /** The public text. The other texts are for the operator. */
  readonly description: string
  /** HTTP status. Default: the one that belongs to the code. */
  readonly status?: number
  /** `WWW-Authenticate`, `Retry-After`, `Allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

const refusalWith =
  (code: ErrorCode) =>
  ({ description, status, headers, ...detail }: Refused): OAuthError =>
    new OAuthError(code, description, detail, { status, headers })

export const invalidRequest = refusalWith('invalid_request')
export const invalidClient = refusalWith('invalid_client')
export const invalidGrant = refusalWith('invalid_grant')
export const invalidScope = refusalWith('invalid_scope')
export const unauthorizedClient = refusalWith('unauthorized_client')
export const unsupportedResponseType = refusalWith('unsupported_response_type')

/** OIDC Core §3.1.2.6: a parameter that this provider does not support. */
export const unsupportedParameter = (name: 'request' | 'request_uri' | 'registration', refused: Refused): OAuthError =>
  refusalWith(`${name}_not_supported`)(refused)

/** For a page that a person sees, so with status 403 instead of 400. */
export const accessDenied = (refused: Omit<Refused, 'status'>): OAuthError =>
  refusalWith('access_denied')({ ...refused, status: 403 })

/** RFC 6750 §3.1: the challenge names the error and the required scope. */
export const refusedToken = (
  code: 'invalid_token' | 'insufficient_scope',
  { scope, ...refused }: Refused & { scope?: string },
): OAuthError => {
  const stated = { error: code, error_description: refused.description, ...compact({ scope }) }
  const parameters = Object.entries(stated).map(([name, value]) => `${name}="${value}"`)
  return refusalWith(code)({ ...refused, headers: { 'www-authenticate': `Bearer ${parameters.join(', ')}` } })
}

/** `retryAfter`: seconds. */
export const temporarilyUnavailable = ({ retryAfter, ...refused }: Refused & { retryAfter: number }): OAuthError =>
  refusalWith('temporarily_unavailable')({ ...refused, headers: { 'retry-after': String(retryAfter) } })

/** D1 or an object did not answer. The caller may try again; only a redeemed code cannot be redeemed again. */
export const serviceUnavailable = (received: string): OAuthError =>
  temporarilyUnavailable({
    description: 'a part of the service did not answer, try again',
    check: 'availability',
    expected: 'every store answers',
    received,
    fix: 'see /health and the platform status',
    retryAfter: 2,
  })
