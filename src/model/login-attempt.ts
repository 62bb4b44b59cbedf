// What an operator is told of each sign-in by an external provider: how far it came, why it stopped, what to change, and what became of the user.

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

/** `refused`: a rule of ours or the person said no. `failed`: the provider, or a part of ours, did not do its work. */
export type AttemptOutcome = 'signed_in' | 'refused' | 'failed'

/** One field of a user, as a sign-in found and left it. Never a secret. */
export interface FieldChange {
  /** `name`, `claims.department`, `group:staff`, … */
  field: string
  /** `ignored`: it would have changed, but must not (`reason`). `failed`: the value cannot be used (`reason`). */
  action: 'created' | 'updated' | 'unchanged' | 'ignored' | 'failed' | 'granted' | 'withdrawn'
  before?: string | null
  after?: string | null
  /** Where the value comes from, or why nothing came of it: one plain sentence. */
  reason?: string
}

/** What the person is told: a text of the pages, in their language. */
export type PublicCause =
  /** The person, or the provider on their behalf, said no. */
  | 'denied'
  /** Nobody here matches, and users are not created. */
  | 'no_account'
  /** The user here is disabled, or is a service account. */
  | 'account_disabled'
  /** The user could not be created or updated. */
  | 'provisioning'
  /** The provider does not answer. */
  | 'unreachable'
  /** Its answer cannot be accepted. */
  | 'invalid_answer'
  /** A stronger or fresher sign-in was asked for than the provider gave. */
  | 'too_weak'
  /** This sign-in was used before, or was begun elsewhere. */
  | 'used'

/** A sign-in that ended before its session. `message`: the cause, one plain sentence for the operator. */
export class BrokeringError extends Error {
  override readonly name = 'BrokeringError'
  readonly step: AttemptStep
  /** Short stable name of the check: `issuer`, `nonce`, `signature`, `token_endpoint`, `identifying_claim`, … */
  readonly check: string
  readonly publicCause: PublicCause
  readonly outcome: Exclude<AttemptOutcome, 'signed_in'>
  /** What to change, one plain sentence. */
  readonly fix: string
  /** Of a provisioning that failed: what it would have done. */
  changes: FieldChange[] = []
  /** What is known of the person by then. */
  known: { issuer?: string; subject?: string; user_id?: string; claims?: Record<string, unknown> } = {}

  constructor(
    step: AttemptStep,
    check: string,
    publicCause: PublicCause,
    cause: string,
    fix: string,
    outcome: Exclude<AttemptOutcome, 'signed_in'> = 'refused',
  ) {
    super(cause)
    this.step = step
    this.check = check
    this.publicCause = publicCause
    this.fix = fix
    this.outcome = outcome
  }
}

export interface LoginAttempt {
  /** Milliseconds. */
  at: number
  provider_id: string
  outcome: AttemptOutcome
  /** The last one that was reached. */
  step: AttemptStep
  /** Of a refusal; null when it succeeded. */
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
  /** As received, without tokens; null: none came. */
  claims: Record<string, unknown> | null
}
