// Sessions of one person: proof that this browser signed in, by id and hash of the secret in its cookie.
import type { Authentication, SessionState } from '../../protocol/next-step.ts'
import type { Person } from '../../protocol/person.ts'

/** What the cookie proves. */
export interface SessionProof {
  id: string
  /** SHA-256 of the cookie's secret, base64url. */
  secret_hash: string
}

export interface NewSession extends SessionProof, Authentication {
  /** Milliseconds. */
  idle_lifetime: number
  absolute_lifetime: number
  /** Sessions a person may have; the least recently used gives way. */
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
    0,
    now,
    session.idle_lifetime,
    now + session.absolute_lifetime,
  )
}

/** The live session that the cookie proves. Notes its use, at most once in a twentieth of its idle time: a row is a cost. */
export function findSession(
  sql: SqlStorage,
  proof: SessionProof,
  person: Person,
  now: number,
): SessionState | undefined {
  const [row] = sql.exec<SessionRow>('SELECT * FROM sessions WHERE id = ?', proof.id).toArray()
  if (!row || row.secret_hash !== proof.secret_hash) return undefined
  if (row.expires_at <= now || row.used_at + row.idle_lifetime <= now) return undefined
  if (!person.enabled || row.authenticated_at < person.not_before) return undefined
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
}

/** All of them. */
export function endSessions(sql: SqlStorage): void {
  sql.exec('DELETE FROM sessions')
}
