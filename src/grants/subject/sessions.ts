// Sessions of one user. A browser proves a session by its id and the secret in its cookie; the secret is stored as a hash.

import type { Person } from '../../model/person.ts'
import { type Authentication, lastSeenAt, type SessionState } from '../../model/session.ts'

/** Read from the session cookie. */
export interface SessionProof {
  id: string
  /** SHA-256 of the cookie's secret, base64url. */
  secret_hash: string
}

/** The session at an external provider: what sign-out there, and back-channel logout from there, need. */
export interface UpstreamSession {
  provider_id: string
  issuer: string
  subject: string
  /** The `sid` of the external provider (OIDC Back-Channel Logout §2.1). */
  sid: string | null
  /** Sealed. Sent as id_token_hint at sign-out. */
  id_token: string | null
}

export interface NewSession extends SessionProof, Authentication {
  /** Milliseconds: when the person returned from an external provider. 0 or absent if they authenticated here. */
  selected_at?: number
  upstream?: UpstreamSession
  /** Milliseconds. */
  idle_lifetime: number
  absolute_lifetime: number
  /** Sessions that one user may have. A new one replaces the least recently used. */
  most: number
}

interface SessionRow extends Record<string, SqlStorageValue> {
  id: string
  secret_hash: string
  authenticated_at: number
  acr: string
  amr: string
  idp: string
  selected_at: number
  used_at: number
  idle_lifetime: number
  expires_at: number
}

/** Stores the session, or renews the one with the same id. */
export function beginSession(sql: SqlStorage, session: NewSession, now: number): void {
  sql.exec(
    `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE id <> ? ORDER BY used_at DESC LIMIT -1 OFFSET ?)`,
    session.id,
    session.most - 1,
  )
  sql.exec(
    'INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    session.id,
    session.secret_hash,
    session.authenticated_at,
    session.acr,
    JSON.stringify(session.amr),
    session.idp,
    session.selected_at ?? 0,
    now,
    session.idle_lifetime,
    now + session.absolute_lifetime,
  )
  // Earlier upstream sessions stay: any provider that the session came from may end it by back-channel logout.
  if (!session.upstream) return
  const { provider_id, issuer, subject, sid, id_token } = session.upstream
  sql.exec(
    'INSERT OR REPLACE INTO upstream_sessions VALUES (?, ?, ?, ?, ?, ?)',
    session.id,
    provider_id,
    issuer,
    subject,
    sid,
    id_token,
  )
}

/** The upstream session of the last sign-in, or an earlier one if the last sign-in was local. Undefined if there is none. */
export function findUpstream(sql: SqlStorage, id: string): UpstreamSession | undefined {
  const query = `SELECT provider_id, issuer, subject, sid, id_token FROM upstream_sessions WHERE session_id = ?1
    ORDER BY provider_id = (SELECT idp FROM sessions WHERE id = ?1) DESC LIMIT 1`
  const [row] = sql.exec<UpstreamSession & Record<string, SqlStorageValue>>(query, id).toArray()
  return row
}

/** Ids of the sessions that came from this upstream session. If `sid` is null, from any session of that provider and issuer. */
export function sessionsFrom(sql: SqlStorage, from: Omit<UpstreamSession, 'id_token' | 'subject'>): string[] {
  const query =
    'SELECT session_id FROM upstream_sessions WHERE provider_id = ?1 AND issuer = ?2 AND (?3 IS NULL OR sid = ?3)'
  const rows = sql.exec<{ session_id: string }>(query, from.provider_id, from.issuer, from.sid).toArray()
  return rows.map((row) => row.session_id)
}

/**
 * Returns undefined if the proof fits no live session. Writes the time of use at most once per twentieth of the idle lifetime, since each
 * written row costs.
 */
export function findSession(
  sql: SqlStorage,
  proof: SessionProof,
  person: Person,
  now: number,
): SessionState | undefined {
  const [row] = sql.exec<SessionRow>('SELECT * FROM sessions WHERE id = ?', proof.id).toArray()
  if (!row || row.secret_hash !== proof.secret_hash) return undefined
  if (row.expires_at <= now || row.used_at + row.idle_lifetime <= now) return undefined
  if (!person.enabled || lastSeenAt(row) < person.not_before) return undefined
  if (now - row.used_at > row.idle_lifetime / 20)
    sql.exec('UPDATE sessions SET used_at = ? WHERE id = ?', now, proof.id)
  return {
    id: row.id,
    authenticated_at: row.authenticated_at,
    acr: row.acr,
    amr: JSON.parse(row.amr) as string[],
    idp: row.idp,
    selected_at: row.selected_at,
  }
}

export function markSelected(sql: SqlStorage, id: string, now: number): void {
  sql.exec('UPDATE sessions SET selected_at = ?, used_at = ? WHERE id = ?', now, now, id)
}

export function endSession(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM sessions WHERE id = ?', id)
  sql.exec('DELETE FROM upstream_sessions WHERE session_id = ?', id)
}

export function endSessions(sql: SqlStorage): void {
  sql.exec('DELETE FROM sessions')
  sql.exec('DELETE FROM upstream_sessions')
}
