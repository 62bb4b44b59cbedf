// What an authorization request still needs (OIDC Core §3.1.2.3, §3.1.2.4): a pure function of the request, the session and the stored
// consent. src/interaction/ delivers the response once nothing is missing.

import type { Consent } from '../model/consent.ts'
import type { ErrorCode } from '../model/errors.ts'
import { lastSeenAt, type SessionState } from '../model/session.ts'
import type { ValidatedAuthorizationRequest } from './authorization-request/authorization-request.ts'
import { type AcceptedIdps, isAcceptedIdp } from './login-choice.ts'

/** Everything the decision depends on. */
export interface DecisionInput {
  request: ValidatedAuthorizationRequest
  /** The client's setting "require consent". */
  require_consent: boolean
  /** The subject of a verified id_token_hint: this user must be the one signed in. */
  expected_sub?: string | undefined
  /** Milliseconds: when this request arrived. A sign-in, choice or consent after it satisfies the request's prompts. */
  started_at: number
  /** Absent if no user is signed in. */
  person?: { sub: string; session: SessionState; consent: Consent | undefined } | undefined
  /** External providers that are enabled. If absent, sessions from every provider count. */
  accepted_idps?: AcceptedIdps | undefined
  now: number
}

/** The acr of a sign-in by password at this provider. */
export const localAcr = '1'

/** `respond`: nothing is missing. Worker and Subject exchange these names, possibly in different versions: do not rename them. */
export type Step =
  | { kind: 'respond' }
  | { kind: 'sign-in' }
  | { kind: 'select-account' }
  | { kind: 'consent'; new_scopes: string[]; new_claims: string[] }
  | { kind: 'error'; code: ErrorCode; description: string }

export function decide(input: DecisionInput): Step {
  const { request, person } = input
  const isSilent = request.prompt.includes('none')
  const stop = (code: ErrorCode, description: string): Step => ({ kind: 'error', code, description })

  // If both are given, both must hold (OIDC Core §3.1.2.1 id_token_hint, §5.5.1 sub).
  const requiredSubjects = [input.expected_sub, request.claims?.sub].filter((sub) => sub !== undefined)
  const isOtherUser = person !== undefined && requiredSubjects.some((sub) => sub !== person.sub)
  const isFresh = person !== undefined && lastSeenAt(person.session) > input.started_at
  if (isOtherUser && isFresh) return stop('login_required', 'another user than the requested one signed in')
  if (!person || mustSignIn(input, person.session, isFresh) || isOtherUser) {
    return isSilent ? stop('login_required', 'no suitable user is signed in') : { kind: 'sign-in' }
  }
  if (request.prompt.includes('select_account') && !isFresh) {
    return { kind: 'select-account' }
  }
  if (request.claims?.essential_acr && !request.claims.essential_acr.includes(person.session.acr)) {
    return stop('unmet_authentication_requirements', 'the requested acr cannot be met')
  }
  const missing = missingConsent(input, person.consent)
  if (missing) return isSilent ? stop('consent_required', 'consent is needed') : { kind: 'consent', ...missing }
  return { kind: 'respond' }
}

/** An authentication after the request arrived satisfies prompt=login and max_age (OIDC Core §3.1.2.1), here or at an external provider. */
function mustSignIn(input: DecisionInput, session: SessionState, isFresh: boolean): boolean {
  const { request, started_at, now, accepted_idps } = input
  if (accepted_idps && !isAcceptedIdp(accepted_idps, session.idp, lastSeenAt(session))) return true
  if (request.idp !== undefined && request.idp !== session.idp && !isFresh) return true
  if (canBeStronger(input, session, isFresh)) return true
  if (session.authenticated_at > started_at) return false
  if (request.prompt.includes('login')) return true
  if (request.max_age === undefined) return false
  // Without an auth_time the age is unknown, so max_age cannot be met.
  return session.authenticated_at === 0 || now - session.authenticated_at > request.max_age * 1000
}

/** True if the session lacks an essential acr that another sign-in may give: by password, or at an external provider. */
function canBeStronger({ request, accepted_idps }: DecisionInput, session: SessionState, isFresh: boolean): boolean {
  const wanted = request.claims?.essential_acr
  if (!wanted || wanted.includes(session.acr)) return false
  const isByPassword = session.idp !== 'local' && wanted.includes(localAcr)
  return isByPassword || (!isFresh && Object.keys(accepted_idps ?? {}).length > 0)
}

function missingConsent(
  { request, require_consent, started_at }: DecisionInput,
  consent: Consent | undefined,
): { new_scopes: string[]; new_claims: string[] } | undefined {
  const mustAsk = request.prompt.includes('consent') && (consent?.given_at ?? 0) <= started_at
  if (!require_consent && !mustAsk) return undefined
  const new_scopes = request.scope.filter((scope) => !consent || !Object.hasOwn(consent.scopes, scope))
  const new_claims = requestedClaims(request).filter((claim) => !consent || !Object.hasOwn(consent.claims, claim))
  return mustAsk || new_scopes.length > 0 || new_claims.length > 0 ? { new_scopes, new_claims } : undefined
}

/** The single claims of the `claims` parameter, of both members (OIDC Core §5.5). */
export function requestedClaims(request: Pick<ValidatedAuthorizationRequest, 'claims'>): string[] {
  return [...new Set([...(request.claims?.userinfo ?? []), ...(request.claims?.id_token ?? [])])]
}
