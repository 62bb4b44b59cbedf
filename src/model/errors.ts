// Errors: the public part that the caller gets, and the detail that only the operator reads (RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1; OIDC Core §3.1.2.6).

import { printable } from './untrusted-text.ts'

export type ErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  | 'invalid_scope'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'access_denied'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'login_required'
  | 'interaction_required'
  | 'consent_required'
  | 'account_selection_required'
  | 'unmet_authentication_requirements'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'registration_not_supported'

/** The most characters of untrusted text in the detail of a refusal. */
const longestReceived = 2000

/** The detail that an operator finds under the request id. It holds no secret and is never sent to the caller. */
export interface RefusalDetail {
  /** The check that refused, as a short stable name: `redirect_uri`, `client_secret`, `pkce`, `scope`, `clock`, … */
  readonly check: string
  readonly expected?: string
  readonly received?: string
  /** What to change, one plain sentence. */
  readonly fix?: string
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  invalid_client: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  server_error: 500,
  temporarily_unavailable: 503,
}

/** Where an authorization error may be sent once the redirect_uri is trusted (RFC 6749 §4.1.2.1). */
export interface ErrorRedirect {
  readonly redirect_uri: string
  /** The name of a response mode (protocol/authorization-response/response-modes.ts). */
  readonly response_mode: string
  readonly state?: string | undefined
}

interface ErrorOptions {
  /** HTTP status. Default: the one that belongs to the code, or 400. */
  readonly status?: number | undefined
  /** Extra response headers: `WWW-Authenticate`, `Retry-After`, `Allow`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly cause?: unknown
}

/** Facts that callers further up know and the check that refused does not. */
interface Circumstances {
  readonly redirect?: ErrorRedirect | undefined
  readonly cookies?: readonly string[]
  readonly restart?: string | undefined
  readonly client_id?: string | undefined
}

/**
 * A client broke a rule. `description` is public, `detail` is kept for the operator.
 * An error is a value: each `with…()` returns a copy that keeps the stack and the cause, so an error that is shared never changes.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: ErrorCode
  readonly description: string
  readonly detail: RefusalDetail
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Present once the redirect_uri is trusted: the error goes to the client instead of a page. */
  readonly redirect: ErrorRedirect | undefined
  /** Set-Cookie lines that go with the redirect: without them, a session that began before the error would be lost. */
  readonly cookies: readonly string[]
  /** The link on an error page that begins the same request again. */
  readonly restart: string | undefined
  /** The client the caller claimed to be, for the log and the ring of refusals. */
  readonly client_id: string | undefined

  constructor(code: ErrorCode, description: string, detail: RefusalDetail, options: ErrorOptions & Circumstances = {}) {
    super(description, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    const { received } = detail
    this.detail = received === undefined ? detail : { ...detail, received: printable(received, longestReceived) }
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E only.
    this.description = description.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'")
    this.status = options.status ?? statusOf[code] ?? 400
    this.headers = options.headers ?? {}
    this.redirect = options.redirect
    this.cookies = options.cookies ?? []
    this.restart = options.restart
    this.client_id = options.client_id
  }

  withRedirect(redirect: ErrorRedirect): OAuthError {
    return copyOf(this, { redirect })
  }

  withCookies(cookies: readonly string[]): OAuthError {
    return copyOf(this, { cookies })
  }

  withRestart(restart: string): OAuthError {
    return copyOf(this, { restart })
  }

  withClient(client_id: string): OAuthError {
    return copyOf(this, { client_id })
  }

  /** Adds to the present headers. */
  withHeaders(headers: Readonly<Record<string, string>>): OAuthError {
    return copyOf(this, { headers: { ...this.headers, ...headers } })
  }
}

function copyOf(error: OAuthError, changes: ErrorOptions & Circumstances): OAuthError {
  const copy = new OAuthError(error.code, error.message, error.detail, { ...circumstancesOf(error), ...changes })
  if (error.stack !== undefined) copy.stack = error.stack
  return copy
}

function circumstancesOf(error: OAuthError): ErrorOptions & Circumstances {
  const { status, headers, redirect, cookies, restart, client_id } = error
  const present = { status, headers, redirect, cookies, restart, client_id }
  return 'cause' in error ? { ...present, cause: error.cause } : present
}

interface ProblemOptions {
  readonly fields?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** An operator sent a bad admin request (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  /** Field path → what is wrong with it. */
  readonly fields: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, title: string, options: ProblemOptions = {}) {
    super(title, 'cause' in options ? { cause: options.cause } : undefined)
    this.status = status
    this.title = title
    this.fields = options.fields ?? {}
    this.headers = options.headers ?? {}
  }
}
