// An attempt to sign in by an external provider, as an operator reads it: how far it came, why it stopped, what to change, and how the user changed.

/** In the order in which a sign-in passes them. */
export const attemptSteps = [
  'start',
  'callback',
  'token',
  'id_token',
  'userinfo',
  'match',
  'provisioning',
  'session',
] as const
export type AttemptStep = (typeof attemptSteps)[number]

/** `refused`: one of our rules, or the person, refused. `failed`: the provider, or a part of this service, did not work. */
export type AttemptOutcome = 'signed_in' | 'refused' | 'failed'

/** One field of a user, as a sign-in found and left it. Never a secret. */
export interface FieldChange {
  /** `name`, `claims.department`, `group:staff`, … */
  field: string
  /** `ignored`: it would have changed, but must not (`reason`). `failed`: the value cannot be used (`reason`). */
  action: 'created' | 'updated' | 'unchanged' | 'ignored' | 'failed' | 'granted' | 'withdrawn'
  before?: string | null
  after?: string | null
  /** The source of the value, or the reason why there is none: one plain sentence. */
  reason?: string
}

/** The cause that the person reads: a text of the pages, in their language. */
export type PublicCause =
  /** The person refused, or the provider refused for the person. */
  | 'denied'
  /** No user matches, and users are not created. */
  | 'no_account'
  /** The user here is disabled, or is a service account. */
  | 'account_disabled'
  /** The user could not be created or updated. */
  | 'provisioning'
  /** The provider does not answer. */
  | 'unreachable'
  /** The provider's response cannot be accepted. */
  | 'invalid_answer'
  /** The application requested a stronger or more recent sign-in than the provider gave. */
  | 'too_weak'
  /** This sign-in was used before, or was begun elsewhere. */
  | 'used'

/** Every check that can end an attempt. docs/external-providers.md says what to do about each of them. */
export const attemptChecks = [
  'metadata',
  'client_secret',
  'pushed_authorization_request_endpoint',
  'provider_error',
  'iss',
  'code',
  'state',
  'error',
  'error_description',
  'token_endpoint',
  'id_token',
  'jwt',
  'alg',
  'jwks',
  'signature',
  'issuer',
  'audience',
  'azp',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'at_hash',
  'subject',
  'auth_time',
  'userinfo_endpoint',
  'userinfo_sub',
  'no_account',
  'identifying_claim',
  'email_verified',
  'ambiguous',
  'linked_elsewhere',
  'enabled',
  'service_account',
  'user_id',
  'login_name',
  'sub',
  'overtaken',
  'directory',
  'outage',
] as const
export type AttemptCheck = (typeof attemptChecks)[number]

/** The facts known about the person when a sign-in ends. */
export interface KnownPerson {
  readonly issuer?: string
  readonly subject?: string
  readonly user_id?: string
  readonly claims?: Record<string, unknown>
}

/** Why a sign-in ended before its session. */
export interface BrokeringFailure {
  readonly step: AttemptStep
  /** The check that refused, or the field of the user template that cannot be filled. */
  readonly check: AttemptCheck | { readonly field: string }
  readonly publicCause: PublicCause
  /** For the operator, one plain sentence. */
  readonly cause: string
  /** What to change, one plain sentence. */
  readonly fix: string
  /** Default: `refused`. */
  readonly outcome?: Exclude<AttemptOutcome, 'signed_in'>
  /** The changes that a failed provisioning would have made. */
  readonly changes?: readonly FieldChange[]
  readonly known?: KnownPerson
}

/** A sign-in that ended before its session. `message`: the cause. Like an OAuthError, it is a value that nobody changes. */
export class BrokeringError extends Error {
  override readonly name = 'BrokeringError'
  readonly step: AttemptStep
  readonly check: string
  readonly publicCause: PublicCause
  readonly outcome: Exclude<AttemptOutcome, 'signed_in'>
  readonly fix: string
  readonly changes: readonly FieldChange[]
  readonly known: KnownPerson
  readonly #failure: BrokeringFailure

  constructor(failure: BrokeringFailure) {
    super(failure.cause)
    this.step = failure.step
    this.check = typeof failure.check === 'string' ? failure.check : failure.check.field
    this.publicCause = failure.publicCause
    this.fix = failure.fix
    this.outcome = failure.outcome ?? 'refused'
    this.changes = failure.changes ?? []
    this.known = failure.known ?? {}
    this.#failure = failure
  }

  /** Returns a copy with these facts about the person. */
  withKnown(known: KnownPerson): BrokeringError {
    const copy = new BrokeringError({ ...this.#failure, known: { ...this.known, ...known } })
    if (this.stack !== undefined) copy.stack = this.stack
    return copy
  }
}

export interface LoginAttempt {
  /** Milliseconds. */
  at: number
  provider_id: string
  outcome: AttemptOutcome
  /** The last step that was reached. */
  step: AttemptStep
  /** The check that refused; `null` if the attempt succeeded. */
  check_name: string | null
  cause: string | null
  fix: string | null
  user_id: string | null
  issuer: string | null
  subject: string | null
  /** The provider's session, by which its back-channel logout names it. */
  sid: string | null
  request_id: string
  changes: FieldChange[]
  /** The claims as received, without tokens; `null` if none were received. */
  claims: Record<string, unknown> | null
}
