// What an authorization request needs next (OIDC Core §3.1.2.3–§3.1.2.4): a pure function of the request, the session and what was consented.

import type { ErrorCode } from '../model/errors.ts'
import type { AuthorizationRequest } from './authorization-request/authorization-request.ts'
import { type AcceptedIdps, isAcceptedIdp } from './login-choice.ts'

/** How and when somebody proved who they are. */
export interface Authentication {
  /** Milliseconds; 0: an external provider that does not say when. */
  authenticated_at: number
  acr: string
  amr: string[]
  /** `local`, or the name of the external provider. */
  idp: string
}

export interface SessionState extends Authentication {
  /** Internal: clients see only a `sid` derived from it. */
  id: string
  /** Milliseconds: when the person last chose this account, at an account chooser or by coming back from an external provider. */
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
  /** External providers that are enabled. Absent: not judged. */
  accepted_idps?: AcceptedIdps | undefined
  now: number
}

/** What signing in by password here amounts to. */
export const localAcr = '1'

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
  const isFresh = person !== undefined && cameAt(person.session) > situation.started_at
  if (isSomebodyElse && isFresh) return stop('login_required', 'somebody else than the requested person signed in')
  if (!person || mustSignIn(situation, person.session, isFresh) || isSomebodyElse) {
    return isSilent ? stop('login_required', 'nobody suitable is signed in') : { kind: 'sign-in' }
  }
  if (request.prompt.includes('select_account') && !isFresh) {
    return { kind: 'select-account' }
  }
  if (request.claims?.essential_acr && !request.claims.essential_acr.includes(person.session.acr)) {
    return stop('unmet_authentication_requirements', 'the requested acr cannot be met')
  }
  const missing = missingConsent(situation, person.consent)
  if (missing) return isSilent ? stop('consent_required', 'consent is needed') : { kind: 'consent', ...missing }
  return { kind: 'respond' }
}

/** When the person was last seen here, which may be long after they authenticated at an external provider. */
export const cameAt = (session: Pick<SessionState, 'authenticated_at' | 'selected_at'>): number =>
  Math.max(session.authenticated_at, session.selected_at)

/** prompt=login and max_age are met by an authentication since the request came (OIDC Core §3.1.2.1), wherever it took place. */
function mustSignIn(situation: Situation, session: SessionState, isFresh: boolean): boolean {
  const { request, started_at, now, accepted_idps } = situation
  if (accepted_idps && !isAcceptedIdp(accepted_idps, session.idp, cameAt(session))) return true
  if (request.idp !== undefined && request.idp !== session.idp && !isFresh) return true
  if (canBeStronger(situation, session, isFresh)) return true
  if (session.authenticated_at > started_at) return false
  if (request.prompt.includes('login')) return true
  if (request.max_age === undefined) return false
  // Nobody knows how old it is.
  return session.authenticated_at === 0 || now - session.authenticated_at > request.max_age * 1000
}

/** An essential acr that this session lacks: worth a sign-in at an external provider, or by password after one. */
function canBeStronger({ request, accepted_idps }: Situation, session: SessionState, isFresh: boolean): boolean {
  const wanted = request.claims?.essential_acr
  if (!wanted || wanted.includes(session.acr)) return false
  const isByPassword = session.idp !== 'local' && wanted.includes(localAcr)
  return isByPassword || (!isFresh && Object.keys(accepted_idps ?? {}).length > 0)
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
