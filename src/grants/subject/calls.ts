// Inputs and results of the Subject's methods: plain data, since an error thrown in a Durable Object reaches its caller without its class.

import type { Grant } from '../../model/grant.ts'
import type { Person } from '../../model/person.ts'
import { compact } from '../../model/record.ts'
import type { SessionState } from '../../model/session.ts'
import type { ValidatedAuthorizationRequest } from '../../protocol/authorization-request/authorization-request.ts'
import type { AcceptedIdps } from '../../protocol/login-choice.ts'
import type { Step } from '../../protocol/next-step.ts'
import type { CodeOutcome, RefreshOutcome } from './grants.ts'

/** An authorization request that the Worker has validated, with the code to issue if nothing is missing. */
export interface AuthorizationInput {
  request: ValidatedAuthorizationRequest
  require_consent: boolean
  expected_sub?: string | undefined
  /** External providers that are enabled. */
  accepted_idps?: AcceptedIdps
  /** `created_at` of the client: consent given to a deleted one of the same id does not count. */
  client_since: number
  /** Id of the interaction, and of the grant that results from it. */
  id: string
  /** Milliseconds. */
  started_at: number
  /** Milliseconds: the interaction can be repeated until then, and must be found finished. */
  ends_at: number
  code_hash: string
  /** Milliseconds. */
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

/** No more than its callers need: data between object and Worker is copied twice. */
export type TokenStatus = { outcome: 'inactive' } | ActiveToken

export interface ActiveToken {
  outcome: 'active'
  client_since: number
  /** Where the person signed in: the token is active only while that provider is accepted. */
  idp: string
  /** Milliseconds. */
  granted_at: number
  sub: string
  username: unknown
  /** For userinfo: all claims of the user, and the names of claims that were requested one by one. */
  userinfo?: { claims: Record<string, unknown>; single: string[] }
}

export type RefreshTokenStatus =
  | { outcome: 'inactive' }
  | { outcome: 'active'; client_id: string; idp: string; granted_at: number; scope: string[]; sub: string }

/** The grant that a code is issued for. */
export function grantOf(authorization: AuthorizationInput, session: SessionState, now: number): Grant {
  const { request } = authorization
  return {
    id: authorization.id,
    client_id: request.client_id,
    client_since: authorization.client_since,
    session_id: session.id,
    scope: request.scope,
    redirect_uri: request.redirect_uri,
    ...compact({ code_challenge: request.code_challenge, nonce: request.nonce }),
    userinfo_claims: request.claims?.userinfo ?? [],
    id_token_claims: request.claims?.id_token ?? [],
    authenticated_at: session.authenticated_at,
    acr: session.acr,
    amr: session.amr,
    idp: session.idp,
    created_at: now,
  }
}
