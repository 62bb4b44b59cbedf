// One object per person: what a person may do once, and what tokens need to know of the person (DESIGN §3).
// No method awaits between its read and its mark; whatever can fail came before, in the Worker.
import { DurableObject } from 'cloudflare:workers'
import type { Person } from '../../model/person.ts'
import type { SessionState } from '../../model/session.ts'
import { decide, type Step } from '../../protocol/next-step.ts'
import {
  type AuthorizationInput,
  type AuthorizationResult,
  grantOf,
  type PageInput,
  type Redemption,
  type RefreshResult,
  type RefreshTokenStatus,
  type SignInResult,
  type StepResult,
  type TokenStatus,
} from './calls.ts'
import { findConsent, forgetConsent, rememberConsent } from './consents.ts'
import * as grants from './grants.ts'
import {
  beginSession,
  endSession,
  endSessions,
  findSession,
  findUpstream,
  markSelected,
  type NewSession,
  type SessionProof,
  sessionsFrom,
  type UpstreamSession,
} from './sessions.ts'
import { createTables, hasTables, purge } from './tables.ts'

const day = 24 * 3_600_000
/** Grants without a refresh family that one person may have, and after how many codes that is looked at. */
const mostGrants = 2000
const tidyEvery = 256

export class Subject extends DurableObject<Env> {
  private readonly sql = this.ctx.storage.sql
  private person: Person | undefined
  private hasAlarm = false
  private codesIssued = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    if (!hasTables(this.sql)) return
    createTables(this.sql)
    const [row] = this.sql.exec<{ record: string }>('SELECT record FROM person').toArray()
    this.person = row && (JSON.parse(row.record) as Person)
    ctx.blockConcurrencyWhile(async () => {
      this.hasAlarm = (await ctx.storage.getAlarm()) !== null
    })
  }

  /**
   * After a successful sign-in: takes over the directory's record when it is newer, begins a session, and answers the authorization request
   * if there is one. Signing in again in a live session of the same person renews that session under a new secret. A record older than ours
   * counts only when it `isConfirmed` by the directory's primary: a replica may still have the password that was replaced.
   */
  signIn(
    record: Person,
    session: NewSession,
    current: SessionProof | undefined,
    question: AuthorizationInput | undefined,
    now: number,
    isConfirmed = false,
  ): SignInResult {
    if (this.person && record.version < this.person.version && !isConfirmed) return { outcome: 'outdated' }
    createTables(this.sql)
    const person = this.takeRecord(record)
    if (!person.enabled) return { outcome: 'disabled' }
    if (question && grants.isFinished(this.sql, question.id)) return { outcome: 'finished' }
    const isRenewal = current !== undefined && findSession(this.sql, current, person, now) !== undefined
    const id = isRenewal ? current.id : session.id
    beginSession(this.sql, { ...session, id }, now)
    this.wake(now)
    const state: SessionState = { ...pickAuthentication(session), id, selected_at: session.selected_at ?? 0 }
    if (!question) return { outcome: 'step', step: { kind: 'respond' }, person, session: state }
    return this.answer(person, state, question, now)
  }

  /** The next step of a request for whoever the cookie proves; issues the code in the same call when that step is to respond. */
  authorize(proof: SessionProof, question: AuthorizationInput, choice: PageInput, now: number): AuthorizationResult {
    const { person } = this
    const session = person && findSession(this.sql, proof, person, now)
    if (!session) return { outcome: 'anonymous' }
    if (grants.isFinished(this.sql, question.id)) return { outcome: 'finished' }
    // An answer to what is not asked now counts for nothing: the account of a session that ended must not be chosen.
    if (choice.kind === this.stepOf(person, session, question, now).kind) this.take(choice, session, question, now)
    return this.answer(person, session, question, now)
  }

  /** Who the cookie proves, without any request. */
  findSession(proof: SessionProof, now: number): { person: Person; session: SessionState } | undefined {
    const { person } = this
    const session = person && findSession(this.sql, proof, person, now)
    return session && { person, session }
  }

  /** Where a live session came from; undefined: from here, or it is none. */
  findUpstream(proof: SessionProof, now: number): UpstreamSession | undefined {
    if (!this.person || !findSession(this.sql, proof, this.person, now)) return undefined
    return findUpstream(this.sql, proof.id)
  }

  /** Ends the session and what it gave, except grants with offline_access. Says where it came from, if not from here. */
  signOut(proof: SessionProof, now: number): UpstreamSession | undefined {
    if (!this.person || !findSession(this.sql, proof, this.person, now)) return undefined
    const upstream = findUpstream(this.sql, proof.id)
    this.endOne(proof.id, now)
    return upstream
  }

  /** The external provider signed the person out (OIDC Back-Channel Logout §2.7): `sid` null ends all that came from it. Says how many. */
  endUpstreamSessions(from: { provider_id: string; issuer: string; sid: string | null }, now: number): number {
    if (!this.person) return 0
    const ended = sessionsFrom(this.sql, from)
    for (const id of ended) this.endOne(id, now)
    return ended.length
  }

  redeemCode(
    id: string,
    codeHash: string,
    presented: grants.CodeBinding,
    family: grants.NewFamily | null,
    now: number,
  ): Redemption {
    const { person } = this
    if (!person)
      return {
        outcome: 'unknown',
        detail: { check: 'code', expected: 'a code that was issued', received: 'none here' },
      }
    const result = grants.redeemCode(this.sql, id, codeHash, presented, family, this.notBefore(person), now)
    return result.outcome === 'redeemed' ? { ...result, person } : result
  }

  refresh(id: string, rotation: grants.Rotation, now: number): RefreshResult {
    const { person } = this
    if (!person)
      return {
        outcome: 'unknown',
        detail: { check: 'refresh_token', expected: 'one that was issued', received: 'none here' },
      }
    const result = grants.refresh(this.sql, id, rotation, this.notBefore(person), now)
    return 'grant' in result ? { ...result, person } : result
  }

  /** For userinfo and introspection: is an access token of this grant good, and for whom? */
  tokenStatus(id: string, jti: string, forUserinfo: boolean): TokenStatus {
    const { person } = this
    const grant = person && grants.findLiveGrant(this.sql, id, this.notBefore(person))
    if (!grant || this.sql.exec('SELECT 1 FROM revoked_tokens WHERE jti = ?', jti).toArray().length > 0) {
      return { outcome: 'inactive' }
    }
    const { sub, claims } = person
    return {
      outcome: 'active',
      client_since: grant.client_since,
      idp: grant.idp,
      granted_at: grant.created_at,
      sub,
      username: claims.preferred_username,
      ...(forUserinfo ? { userinfo: { claims, single: grant.userinfo_claims } } : {}),
    }
  }

  refreshTokenStatus(id: string, hash: string, now: number): RefreshTokenStatus {
    const { person } = this
    const grant = person && grants.findLiveGrant(this.sql, id, this.notBefore(person))
    if (!grant || !grants.isLiveRefreshToken(this.sql, id, hash, now)) return { outcome: 'inactive' }
    const { client_id, idp, created_at: granted_at, scope } = grant
    return { outcome: 'active', client_id, idp, granted_at, scope, sub: person.sub }
  }

  /** Revokes one access token (RFC 7009 §2.1), whose owner the Worker has checked; `expiresAt` in milliseconds. */
  revokeToken(jti: string, expiresAt: number, now: number): void {
    if (!this.person) return
    this.sql.exec('INSERT OR IGNORE INTO revoked_tokens VALUES (?, ?)', jti, expiresAt)
    this.wake(now)
  }

  /** Revokes a refresh token's family and its access tokens (RFC 7009 §2.1). False: it is another client's. */
  revokeFamily(id: string, clientId: string, now: number): boolean {
    const owner = grants.ownerOf(this.sql, id)
    if (owner === clientId) grants.revokeGrant(this.sql, id, now)
    return owner === undefined || owner === clientId
  }

  /** Takes back everything a client was allowed: its grants and the remembered consent. */
  forgetClient(clientId: string, now: number): void {
    if (!this.person) return
    forgetConsent(this.sql, clientId)
    grants.revokeClientGrants(this.sql, clientId, now)
  }

  /**
   * A newer record of the directory. Somebody who never signed in has nothing to update, and none is created, unless they are shut out: a
   * first sign-in under way may have read the record before.
   */
  update(record: Person): void {
    const isShutOut = !record.enabled || record.not_before > 0
    if (!this.person && !isShutOut) return
    createTables(this.sql)
    this.takeRecord(record)
  }

  override async alarm(): Promise<void> {
    this.hasAlarm = false
    const now = Date.now()
    if (purge(this.sql, now)) this.wake(now)
  }

  private endOne(sessionId: string, now: number): void {
    endSession(this.sql, sessionId)
    grants.revokeSessionGrants(this.sql, sessionId, now)
  }

  private take(choice: PageInput, session: SessionState, question: AuthorizationInput, now: number): void {
    if (choice.kind === 'select-account') {
      markSelected(this.sql, session.id, now)
      session.selected_at = now
    }
    if (choice.kind === 'consent') {
      rememberConsent(this.sql, question.request.client_id, question.client_since, choice, now)
    }
  }

  private stepOf(person: Person, session: SessionState, question: AuthorizationInput, now: number): Step {
    const { request, require_consent, expected_sub, accepted_idps, started_at } = question
    const consent = findConsent(this.sql, request.client_id, question.client_since)
    const known = { sub: person.sub, session, consent }
    return decide({ request, require_consent, expected_sub, accepted_idps, started_at, person: known, now })
  }

  private answer(person: Person, session: SessionState, question: AuthorizationInput, now: number): StepResult {
    const step = this.stepOf(person, session, question, now)
    if (step.kind === 'respond') this.issueCode(session, question, now)
    return { outcome: 'step', step, person, session }
  }

  private issueCode(session: SessionState, question: AuthorizationInput, now: number): void {
    const code = {
      grant: grantOf(question, session, now),
      code_hash: question.code_hash,
      code_expires_at: now + question.code_lifetime,
    }
    grants.issueCode(this.sql, code, question.access_token_lifetime, question.ends_at)
    this.codesIssued += 1
    if (this.codesIssued % tidyEvery === 0) grants.dropSurplus(this.sql, mostGrants)
    this.wake(now)
  }

  /**
   * The higher version wins, whichever way it came. What ends sessions and grants counts even when it comes late, and ends what is here now:
   * whose clock stamped it says nothing.
   */
  private takeRecord(record: Person): Person {
    const { person } = this
    const not_before = Math.max(person?.not_before ?? 0, record.not_before)
    const isEnd = person !== undefined && not_before > person.not_before
    if (person && person.version >= record.version && !isEnd) return person
    if (isEnd) {
      endSessions(this.sql)
      grants.revokeGrants(this.sql, not_before)
    }
    const taken = { ...(person && person.version >= record.version ? person : record), not_before }
    this.sql.exec('INSERT OR REPLACE INTO person VALUES (1, ?, ?)', taken.version, JSON.stringify(taken))
    this.person = taken
    return taken
  }

  /** A disabled person has no live grant at all. */
  private notBefore(person: Person): number {
    return person.enabled ? person.not_before : Number.POSITIVE_INFINITY
  }

  private wake(now: number): void {
    if (this.hasAlarm) return
    this.hasAlarm = true
    void this.ctx.storage.setAlarm(now + day)
  }
}

const pickAuthentication = ({ authenticated_at, acr, amr, idp }: NewSession) => ({ authenticated_at, acr, amr, idp })
