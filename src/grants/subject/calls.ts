// What a person's object is asked, and what it answers: plain data, since a thrown error loses its class on the way out.

import type { Grant } from '../../model/grant.ts'
import type { Person } from '../../model/person.ts'
import type { SessionState } from '../../model/session.ts'
import type { ValidatedAuthorizationRequest } from '../../protocol/authorization-request/authorization-request.ts'
import type { AcceptedIdps } from '../../protocol/login-choice.ts'
import type { Step } from '../../protocol/next-step.ts'
import type { CodeOutcome, RefreshOutcome } from './grants.ts'

/** An authorization request as the Worker judged it, with the code it would get. */
export interface AuthorizationInput {
  request: ValidatedAuthorizationRequest
  require_consent: boolean
  expected_sub?: string | undefined
  /** External providers that are enabled. */
  accepted_idps?: AcceptedIdps
  /** `created_at` of the client: consent given to a deleted one of the same id does not count. */
  client_since: number
  /** Id of the interaction, and of the grant it may become. */
  id: string
  started_at: number
  /** Until when the interaction can come back, which must find that it is finished. */
  ends_at: number
  code_hash: string
  /** Milliseconds from now. */
  code_lifetime: number
  access_token_lifetime: number
}

/** `finished`: this interaction has issued its code already. */
export type StepResult =
  | { outcome: 'finished' }
  | { outcome: 'step'; step: Step; person: Person; session: SessionState }

/** `anonymous`: the cookie proves no live session. */
export type AuthorizationResult = { outcome: 'anonymous' } | StepResult

/** `outdated`: the record is older than the Subject's, so what was checked against it may have changed. */
export type SignInResult = { outcome: 'disabled' } | { outcome: 'outdated' } | StepResult

/** What the person submitted on the page of a step. */
export type PageInput =
  | { kind: 'none' }
  | { kind: 'select-account' }
  | { kind: 'consent'; scopes: string[]; claims: string[] }

export type Redemption =
  | Exclude<CodeOutcome, { outcome: 'redeemed' }>
  | { outcome: 'redeemed'; grant: Grant; person: Person }
export type RefreshResult =
  | Exclude<RefreshOutcome, { grant: Grant }>
  | { outcome: 'rotated' | 'kept'; grant: Grant; person: Person }
  | { outcome: 'retried'; grant: Grant; person: Person; retry: string }
  | { outcome: 'scope'; grant: Grant; person: Person }

/** No more than is asked for: what crosses between object and Worker is copied twice. */
export type TokenStatus =
  | { outcome: 'inactive' }
  | {
      outcome: 'active'
      client_since: number
      /** Where the person signed in, and when the grant was given: as long as that provider counts, so does the token. */
      idp: string
      granted_at: number
      sub: string
      username: unknown
      /** For userinfo: all claims of the person, and those asked for one by one. */
      userinfo?: { claims: Record<string, unknown>; single: string[] }
    }

export type RefreshTokenStatus =
  | { outcome: 'inactive' }
  | { outcome: 'active'; client_id: string; idp: string; granted_at: number; scope: string[]; sub: string }

/** What a code will stand for. */
export function grantOf(question: AuthorizationInput, session: SessionState, now: number): Grant {
  const { request } = question
  return {
    id: question.id,
    client_id: request.client_id,
    client_since: question.client_since,
    session_id: session.id,
    scope: request.scope,
    redirect_uri: request.redirect_uri,
    ...(request.code_challenge === undefined ? {} : { code_challenge: request.code_challenge }),
    ...(request.nonce === undefined ? {} : { nonce: request.nonce }),
    userinfo_claims: request.claims?.userinfo ?? [],
    id_token_claims: request.claims?.id_token ?? [],
    authenticated_at: session.authenticated_at,
    acr: session.acr,
    amr: session.amr,
    idp: session.idp,
    created_at: now,
  }
}
