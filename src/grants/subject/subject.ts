// One object per user: single use of codes and refresh tokens, sessions, consents, and the record that tokens need (DESIGN §3).
// No method awaits between its read and its mark. Everything that can fail runs before, in the Worker.
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
/** Grants without a refresh token family that one user may have. Surplus ones are deleted at every 256th code. */
const mostGrants = 2000
const codesPerTidying = 256

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
   * After a successful sign-in: stores the directory's record if it is newer, begins a session, and decides the next step of the
   * authorization request if there is one. A sign-in during a live session of the same user renews that session under a new secret. A record
   * older than the stored one is accepted only if it `isConfirmed` by the directory's primary: a replica may still have the old password.
   */
  signIn(
    record: Person,
    session: NewSession,
    current: SessionProof | undefined,
    authorization: AuthorizationInput | undefined,
    now: number,
    isConfirmed = false,
  ): SignInResult {
    if (this.person && record.version < this.person.version && !isConfirmed) return { outcome: 'outdated' }
    createTables(this.sql)
    const person = this.storeRecord(record)
    if (!person.enabled) return { outcome: 'disabled' }
    if (authorization && grants.isFinished(this.sql, authorization.id)) return { outcome: 'finished' }
    const isRenewal = current !== undefined && findSession(this.sql, current, person, now) !== undefined
    const id = isRenewal ? current.id : session.id
    beginSession(this.sql, { ...session, id }, now)
    this.wake(now)
    const state: SessionState = { ...pickAuthentication(session), id, selected_at: session.selected_at ?? 0 }
    if (!authorization) return { outcome: 'step', step: { kind: 'respond' }, person, session: state }
    return this.continueAuthorization(person, state, authorization, now)
  }

  /** Applies the page's input and decides the next step for the user of the session. If that is to respond, issues the code in the same call. */
  authorize(proof: SessionProof, authorization: AuthorizationInput, page: PageInput, now: number): AuthorizationResult {
    const { person } = this
    const session = person && findSession(this.sql, proof, person, now)
    if (!session) return { outcome: 'anonymous' }
    if (grants.isFinished(this.sql, authorization.id)) return { outcome: 'finished' }
    // Input for another step than the present one is ignored: the account of a session that ended must not count as selected.
    if (page.kind === this.stepOf(person, session, authorization, now).kind)
      this.applyPageInput(page, session, authorization, now)
    return this.continueAuthorization(person, session, authorization, now)
  }

  /** The user and the live session that the cookie proves. Undefined if there is none. */
  findSession(proof: SessionProof, now: number): { person: Person; session: SessionState } | undefined {
    const { person } = this
    const session = person && findSession(this.sql, proof, person, now)
    return session && { person, session }
  }

  /** The upstream session of a live session. Undefined if the sign-in was local or the session is not live. */
  findUpstream(proof: SessionProof, now: number): UpstreamSession | undefined {
    if (!this.person || !findSession(this.sql, proof, this.person, now)) return undefined
    return findUpstream(this.sql, proof.id)
  }

  /** Ends the session and its grants, except those with offline_access. Returns its upstream session, if there is one. */
  signOut(proof: SessionProof, now: number): UpstreamSession | undefined {
    if (!this.person || !findSession(this.sql, proof, this.person, now)) return undefined
    const upstream = findUpstream(this.sql, proof.id)
    this.endSession(proof.id, now)
    return upstream
  }

  /**
   * Ends the sessions that came from an upstream session (OIDC Back-Channel Logout §2.7). If `sid` is null, ends all of that provider and
   * issuer. Returns their number.
   */
  endUpstreamSessions(from: { provider_id: string; issuer: string; sid: string | null }, now: number): number {
    if (!this.person) return 0
    const ids = sessionsFrom(this.sql, from)
    for (const id of ids) this.endSession(id, now)
    return ids.length
  }

  /** Redeems a code once (RFC 6749 §4.1.2). */
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

  /** Uses a refresh token (RFC 6749 §6, RFC 9700 §4.14.2). */
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

  /** Whether an access token of this grant is active, and for which user: for userinfo and introspection. */
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

  /** For introspection. `hash` is that of the token's secret. */
  refreshTokenStatus(id: string, hash: string, now: number): RefreshTokenStatus {
    const { person } = this
    const grant = person && grants.findLiveGrant(this.sql, id, this.notBefore(person))
    if (!grant || !grants.isLiveRefreshToken(this.sql, id, hash, now)) return { outcome: 'inactive' }
    const { client_id, idp, created_at: granted_at, scope } = grant
    return { outcome: 'active', client_id, idp, granted_at, scope, sub: person.sub }
  }

  /** Revokes one access token (RFC 7009 §2.1). The Worker has checked its client. `expiresAt` in milliseconds. */
  revokeToken(jti: string, expiresAt: number, now: number): void {
    if (!this.person) return
    this.sql.exec('INSERT OR IGNORE INTO revoked_tokens VALUES (?, ?)', jti, expiresAt)
    this.wake(now)
  }

  /** Revokes a refresh token family and its access tokens (RFC 7009 §2.1). Returns false if it belongs to another client. */
  revokeFamily(id: string, clientId: string, now: number): boolean {
    const owner = grants.ownerOf(this.sql, id)
    if (owner === clientId) grants.revokeGrant(this.sql, id, now)
    return owner === undefined || owner === clientId
  }

  /** Revokes all grants of a client and deletes the stored consent. */
  forgetClient(clientId: string, now: number): void {
    if (!this.person) return
    forgetConsent(this.sql, clientId)
    grants.revokeClientGrants(this.sql, clientId, now)
  }

  /**
   * Stores a newer record of the directory. A user who never signed in has no record here, and none is created, unless the record ends
   * access: a first sign-in in progress may have read the previous one.
   */
  update(record: Person): void {
    const endsAccess = !record.enabled || record.not_before > 0
    if (!this.person && !endsAccess) return
    createTables(this.sql)
    this.storeRecord(record)
  }

  override async alarm(): Promise<void> {
    this.hasAlarm = false
    const now = Date.now()
    if (purge(this.sql, now)) this.wake(now)
  }

  private endSession(sessionId: string, now: number): void {
    endSession(this.sql, sessionId)
    grants.revokeSessionGrants(this.sql, sessionId, now)
  }

  private applyPageInput(page: PageInput, session: SessionState, authorization: AuthorizationInput, now: number): void {
    if (page.kind === 'select-account') {
      markSelected(this.sql, session.id, now)
      session.selected_at = now
    }
    if (page.kind === 'consent') {
      rememberConsent(this.sql, authorization.request.client_id, authorization.client_since, page, now)
    }
  }

  private stepOf(person: Person, session: SessionState, authorization: AuthorizationInput, now: number): Step {
    const { request, client_since, require_consent, expected_sub, accepted_idps, started_at } = authorization
    const consent = findConsent(this.sql, request.client_id, client_since)
    const known = { sub: person.sub, session, consent }
    return decide({ request, require_consent, expected_sub, accepted_idps, started_at, person: known, now })
  }

  private continueAuthorization(
    person: Person,
    session: SessionState,
    authorization: AuthorizationInput,
    now: number,
  ): StepResult {
    const step = this.stepOf(person, session, authorization, now)
    if (step.kind === 'respond') this.issueCode(session, authorization, now)
    return { outcome: 'step', step, person, session }
  }

  private issueCode(session: SessionState, authorization: AuthorizationInput, now: number): void {
    const code = {
      grant: grantOf(authorization, session, now),
      code_hash: authorization.code_hash,
      code_expires_at: now + authorization.code_lifetime,
    }
    grants.issueCode(this.sql, code, authorization.access_token_lifetime, authorization.ends_at)
    this.codesIssued += 1
    if (this.codesIssued % codesPerTidying === 0) grants.dropSurplus(this.sql, mostGrants)
    this.wake(now)
  }

  /**
   * Stores the record with the higher version. A later `not_before` always applies, even from an older record, and ends everything that
   * exists now: clocks are not compared.
   */
  private storeRecord(record: Person): Person {
    const { person } = this
    const not_before = Math.max(person?.not_before ?? 0, record.not_before)
    const endsEverything = person !== undefined && not_before > person.not_before
    if (person && person.version >= record.version && !endsEverything) return person
    if (endsEverything) {
      endSessions(this.sql)
      grants.revokeGrants(this.sql, not_before)
    }
    const next = { ...(person && person.version >= record.version ? person : record), not_before }
    this.sql.exec('INSERT OR REPLACE INTO person VALUES (1, ?, ?)', next.version, JSON.stringify(next))
    this.person = next
    return next
  }

  /** Milliseconds. A disabled user has no live grant at all. */
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
