// What an authorization request needs next (OIDC Core §3.1.2.3–§3.1.2.4): a pure function of the request, the session and what was consented.
import type { AuthorizationRequest } from './authorization-request.ts'
import type { ErrorCode } from './errors.ts'

/** How and when somebody proved who they are. */
export interface Authentication {
  /** Milliseconds. */
  authenticated_at: number
  acr: string
  amr: string[]
  /** `local`, or the name of the external provider. */
  idp: string
}

export interface SessionState extends Authentication {
  /** Internal: clients see only a `sid` derived from it. */
  id: string
  /** Milliseconds: when the person last chose this account at an account chooser. */
  selected_at: number
}

/** What a person allowed one client: the time of each answer, by scope and by claim name. */
export interface Consent {
  /** `created_at` of the client it was given to. */
  client_since: number
  given_at: number
  scopes: Record<string, number>
  claims: Record<string, number>
}

export interface Situation {
  request: AuthorizationRequest
  /** The client's setting "require consent". */
  require_consent: boolean
  /** Who must be signed in, by id_token_hint. */
  expected_sub?: string | undefined
  /** Milliseconds: when this request first came; answers given after it are answers to it. */
  started_at: number
  person?: { sub: string; session: SessionState; consent: Consent | undefined } | undefined
  now: number
}

export type Step =
  | { kind: 'respond' }
  | { kind: 'sign-in' }
  | { kind: 'select-account' }
  | { kind: 'consent'; new_scopes: string[]; new_claims: string[] }
  | { kind: 'error'; code: ErrorCode; description: string }

export function nextStep(situation: Situation): Step {
  const { request, person } = situation
  const isSilent = request.prompt.includes('none')
  const stop = (code: ErrorCode, description: string): Step => ({ kind: 'error', code, description })

  // Both hold when both are given (OIDC Core §3.1.2.1 id_token_hint, §5.5.1 sub).
  const wanted = [situation.expected_sub, request.claims?.sub].filter((sub) => sub !== undefined)
  const isSomebodyElse = person !== undefined && wanted.some((sub) => sub !== person.sub)
  const isFresh = person !== undefined && person.session.authenticated_at > situation.started_at
  if (isSomebodyElse && isFresh) return stop('login_required', 'somebody else than the requested person signed in')
  if (!person || mustSignIn(situation, person.session) || isSomebodyElse) {
    return isSilent ? stop('login_required', 'nobody suitable is signed in') : { kind: 'sign-in' }
  }
  if (request.prompt.includes('select_account') && !isFresh && person.session.selected_at <= situation.started_at) {
    return { kind: 'select-account' }
  }
  if (request.claims?.essential_acr && !request.claims.essential_acr.includes(person.session.acr)) {
    return stop('unmet_authentication_requirements', 'the requested acr cannot be met')
  }
  const missing = missingConsent(situation, person.consent)
  if (missing) return isSilent ? stop('consent_required', 'consent is needed') : { kind: 'consent', ...missing }
  return { kind: 'respond' }
}

/** prompt=login and max_age are met by a sign-in since the request came (OIDC Core §3.1.2.1). */
function mustSignIn({ request, started_at, now }: Situation, session: SessionState): boolean {
  if (session.authenticated_at > started_at) return false
  if (request.prompt.includes('login')) return true
  return request.max_age !== undefined && now - session.authenticated_at > request.max_age * 1000
}

function missingConsent(
  { request, require_consent, started_at }: Situation,
  consent: Consent | undefined,
): { new_scopes: string[]; new_claims: string[] } | undefined {
  const isAsked = request.prompt.includes('consent') && (consent?.given_at ?? 0) <= started_at
  if (!require_consent && !isAsked) return undefined
  const new_scopes = request.scope.filter((scope) => !consent || !Object.hasOwn(consent.scopes, scope))
  const new_claims = requestedClaims(request).filter((claim) => !consent || !Object.hasOwn(consent.claims, claim))
  return isAsked || new_scopes.length > 0 || new_claims.length > 0 ? { new_scopes, new_claims } : undefined
}

/** Claims asked for one by one, in either place. */
export function requestedClaims(request: Pick<AuthorizationRequest, 'claims'>): string[] {
  return [...new Set([...(request.claims?.userinfo ?? []), ...(request.claims?.id_token ?? [])])]
}
