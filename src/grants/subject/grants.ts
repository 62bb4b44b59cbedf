// Grants of one user: the code, its single redemption, the refresh token family, revocation. A grant is one row from code to last refresh
// token, so each event writes one row. No function here awaits, so no other call can run between a read and its mark.
import type { RefusalDetail } from '../../model/errors.ts'
import type { Grant } from '../../model/grant.ts'
import { codeVerifierFault } from '../../protocol/authorization-request/pkce.ts'

export interface NewCode {
  grant: Grant
  /** SHA-256 of the code's secret, base64url. */
  code_hash: string
  code_expires_at: number
}

/** What the redeeming client presents. Every member must equal that of the authorization request. */
export interface CodeBinding {
  client_id: string
  redirect_uri: string | null
  /** S256 of the code_verifier, null without one. */
  code_challenge: string | null
}

export interface NewFamily {
  refresh_hash: string
  /** Sliding end, milliseconds. */
  refresh_expires_at: number
  /** Absolute end, milliseconds. */
  refresh_ends_at: number
  /** Families that one user may have with one client. A new one replaces the oldest. */
  most: number
}

export interface Rotation {
  client_id: string
  /** The requested scope. Empty means all that was granted (RFC 6749 §6). */
  scope: string[]
  /** Hash of the presented secret. */
  presented_hash: string
  successor_hash: string
  /** Successor, jti and iat, sealed under a key derived from the presented token. */
  retry: string
  /** Milliseconds during which the presented token may be retried. 0 means never. */
  grace: number
  /** If false, the client keeps its token, and only the sliding end moves. */
  rotates: boolean
  /** Milliseconds from now to the next sliding end. */
  sliding_lifetime: number
}

interface GrantRow extends Record<string, SqlStorageValue> {
  id: string
  client_id: string
  session_id: string
  created_at: number
  expires_at: number
  record: string
  code_hash: string
  code_expires_at: number
  redeemed_at: number | null
  revoked_at: number | null
  refresh_hash: string | null
  refresh_expires_at: number | null
  refresh_ends_at: number | null
  previous_hash: string | null
  rotated_at: number | null
  retry: string | null
}

/** Milliseconds for which a row outlives its last token, so that a late replay is still recognised (RFC 6749 §4.1.2). */
const afterlife = 3_600_000

/** True if the interaction of this id has issued its code. */
export const isFinished = (sql: SqlStorage, id: string): boolean =>
  sql.exec('SELECT 1 FROM grants WHERE id = ?', id).toArray().length > 0

/** Milliseconds. The row is kept until an access token of this code has expired, and until the interaction can no longer be repeated. */
export function issueCode(
  sql: SqlStorage,
  code: NewCode,
  accessTokenLifetime: number,
  interactionEndsAt: number,
): void {
  const { grant } = code
  sql.exec(
    `INSERT INTO grants (id, client_id, session_id, created_at, expires_at, record, code_hash, code_expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    grant.id,
    grant.client_id,
    grant.session_id,
    grant.created_at,
    Math.max(code.code_expires_at + accessTokenLifetime + afterlife, interactionEndsAt),
    JSON.stringify(grant),
    code.code_hash,
    code.code_expires_at,
  )
}

export type CodeOutcome =
  | { outcome: 'redeemed'; grant: Grant }
  | { outcome: 'replayed' }
  | { outcome: 'unknown'; detail: RefusalDetail }

/**
 * Redeems the code once (RFC 6749 §4.1.2). `unknown` changes nothing. `replayed` revokes the grant. Grants created before `notBefore`
 * (milliseconds) count as revoked.
 */
export function redeemCode(
  sql: SqlStorage,
  id: string,
  codeHash: string,
  presented: CodeBinding,
  family: NewFamily | null,
  notBefore: number,
  now: number,
): CodeOutcome {
  const row = findRow(sql, id)
  if (!row || row.code_hash !== codeHash)
    return unknown({ check: 'code', expected: 'a code that was issued', received: 'an unknown one' })
  const grant = JSON.parse(row.record) as Grant
  // Another client, redirect_uri or verifier neither burns the code nor revokes anything.
  const fault = bindingFault(grant, presented)
  if (fault) return { outcome: 'unknown', detail: fault }
  // Replay comes before expiry: a late replay must still revoke the grant (RFC 6749 §4.1.2).
  if (row.redeemed_at !== null) {
    if (row.revoked_at === null) revokeGrant(sql, id, now)
    return { outcome: 'replayed' }
  }
  if (row.code_expires_at <= now) {
    const late = `${Math.ceil((now - row.code_expires_at) / 1000)} s after its end`
    return unknown({ check: 'clock', expected: 'redemption within the lifetime of the code', received: late })
  }
  if (row.revoked_at !== null || grant.created_at < notBefore)
    return unknown({ check: 'code', expected: 'a live grant', received: 'a revoked one' })

  if (family && grant.scope.includes('offline_access')) {
    dropOldestFamilies(sql, grant.client_id, family.most - 1, now)
    sql.exec(
      'UPDATE grants SET redeemed_at = ?, refresh_hash = ?, refresh_expires_at = ?, refresh_ends_at = ?, expires_at = ? WHERE id = ?',
      now,
      family.refresh_hash,
      family.refresh_expires_at,
      family.refresh_ends_at,
      Math.max(row.expires_at, family.refresh_ends_at + afterlife),
      id,
    )
  } else {
    sql.exec('UPDATE grants SET redeemed_at = ? WHERE id = ?', now, id)
  }
  return { outcome: 'redeemed', grant }
}

/** Returns undefined if the code was issued for exactly what is presented. */
function bindingFault(grant: Grant, presented: CodeBinding): RefusalDetail | undefined {
  if (grant.client_id !== presented.client_id) {
    return {
      check: 'client_id',
      expected: grant.client_id,
      received: presented.client_id,
      fix: 'redeem a code with the client that asked for it',
    }
  }
  if (grant.redirect_uri !== presented.redirect_uri) {
    const fix = 'send the same redirect_uri at the token endpoint as at authorize'
    return { check: 'redirect_uri', expected: grant.redirect_uri, received: presented.redirect_uri ?? '(none)', fix }
  }
  return codeVerifierFault(grant.code_challenge, presented.code_challenge)
}

export type RefreshOutcome =
  | { outcome: 'rotated' | 'kept'; grant: Grant }
  | { outcome: 'retried'; grant: Grant; retry: string }
  /** The requested scope exceeds the granted one. Nothing was changed. */
  | { outcome: 'scope'; grant: Grant }
  | { outcome: 'reused' }
  | { outcome: 'unknown'; detail: RefusalDetail }

/** Uses a refresh token (RFC 6749 §6). `unknown` and `scope` change nothing. `reused` revokes the family. */
export function refresh(
  sql: SqlStorage,
  id: string,
  rotation: Rotation,
  notBefore: number,
  now: number,
): RefreshOutcome {
  const row = findRow(sql, id)
  if (!row || row.refresh_hash === null)
    return unknown({ check: 'refresh_token', expected: 'a refresh token that was issued', received: 'an unknown one' })
  if (row.client_id !== rotation.client_id) {
    return unknown({
      check: 'client_id',
      expected: `the client it was issued to, ${row.client_id}`,
      received: rotation.client_id,
    })
  }
  if (row.revoked_at !== null || row.created_at < notBefore)
    return unknown({ check: 'refresh_token', expected: 'a live grant', received: 'a revoked one' })
  const grant = JSON.parse(row.record) as Grant

  if (row.refresh_hash === rotation.presented_hash) {
    const end = Math.min(row.refresh_expires_at ?? 0, row.refresh_ends_at ?? 0)
    if (end <= now)
      return unknown({
        check: 'clock',
        expected: 'use before the sliding or absolute end',
        received: `${Math.ceil((now - end) / 1000)} s after it`,
      })
    if (isWidened(grant, rotation)) return { outcome: 'scope', grant }
    rotate(sql, row, rotation, now)
    return { outcome: rotation.rotates ? 'rotated' : 'kept', grant }
  }
  // The response to the last use may have been lost: repeating the token gives the same response, until its successor is used.
  const isRetry = row.previous_hash === rotation.presented_hash && now < (row.rotated_at ?? 0) + rotation.grace
  if (isRetry && isWidened(grant, rotation)) return { outcome: 'scope', grant }
  if (isRetry && row.retry !== null) return { outcome: 'retried', grant, retry: row.retry }
  // Reuse of a rotated refresh token (RFC 9700 §4.14.2): revoke the family. The handle could be opened, so the token was ours.
  revokeGrant(sql, id, now)
  return { outcome: 'reused' }
}

const isWidened = (grant: Grant, rotation: Rotation): boolean =>
  rotation.scope.some((name) => !grant.scope.includes(name))

function rotate(sql: SqlStorage, row: GrantRow, rotation: Rotation, now: number): void {
  const expiresAt = now + rotation.sliding_lifetime
  if (!rotation.rotates) {
    sql.exec('UPDATE grants SET refresh_expires_at = ? WHERE id = ?', expiresAt, row.id)
    return
  }
  sql.exec(
    'UPDATE grants SET refresh_hash = ?, previous_hash = ?, rotated_at = ?, retry = ?, refresh_expires_at = ? WHERE id = ?',
    rotation.successor_hash,
    rotation.presented_hash,
    now,
    rotation.retry,
    expiresAt,
    row.id,
  )
}

/** Returns undefined if the grant is unknown, revoked, or created before `notBefore` (milliseconds). */
export function findLiveGrant(sql: SqlStorage, id: string, notBefore: number): Grant | undefined {
  const [row] = sql
    .exec<Pick<GrantRow, 'record' | 'created_at' | 'revoked_at'>>(
      'SELECT record, created_at, revoked_at FROM grants WHERE id = ?',
      id,
    )
    .toArray()
  if (!row || row.revoked_at !== null || row.created_at < notBefore) return undefined
  return JSON.parse(row.record) as Grant
}

/** True if this refresh token is the current one of its family and has not expired. */
export function isLiveRefreshToken(sql: SqlStorage, id: string, hash: string, now: number): boolean {
  const row = findRow(sql, id)
  return row?.refresh_hash === hash && Math.min(row.refresh_expires_at ?? 0, row.refresh_ends_at ?? 0) > now
}

/** Keeps the newest `most` grants without a refresh token family, so that a user's Subject cannot grow without bound. */
export function dropSurplus(sql: SqlStorage, most: number): void {
  sql.exec(
    `DELETE FROM grants WHERE id IN (
       SELECT id FROM grants WHERE refresh_hash IS NULL ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
    most,
  )
}

/** The client of a grant. Returns undefined if the grant is unknown. */
export const ownerOf = (sql: SqlStorage, id: string): string | undefined => findRow(sql, id)?.client_id

export function revokeGrant(sql: SqlStorage, id: string, now: number): void {
  sql.exec('UPDATE grants SET revoked_at = ?, retry = NULL WHERE id = ?', now, id)
}

export function revokeGrants(sql: SqlStorage, now: number): void {
  sql.exec('UPDATE grants SET revoked_at = ?, retry = NULL WHERE revoked_at IS NULL', now)
}

/** Revokes every grant that this user gave to the client. */
export function revokeClientGrants(sql: SqlStorage, clientId: string, now: number): void {
  sql.exec('UPDATE grants SET revoked_at = ?, retry = NULL WHERE client_id = ? AND revoked_at IS NULL', now, clientId)
}

/** Revokes the grants of a session that ended, except those with offline_access, which outlive it (OIDC Core §11). */
export function revokeSessionGrants(sql: SqlStorage, sessionId: string, now: number): void {
  const rows = sql
    .exec<GrantRow>('SELECT * FROM grants WHERE session_id = ? AND revoked_at IS NULL', sessionId)
    .toArray()
  for (const row of rows) {
    const grant = JSON.parse(row.record) as Grant
    if (!grant.scope.includes('offline_access')) revokeGrant(sql, row.id, now)
  }
}

function dropOldestFamilies(sql: SqlStorage, clientId: string, keep: number, now: number): void {
  sql.exec(
    `DELETE FROM grants WHERE id IN (
       SELECT id FROM grants WHERE client_id = ? AND refresh_hash IS NOT NULL AND revoked_at IS NULL AND refresh_expires_at > ?
       ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
    clientId,
    now,
    keep,
  )
}

function findRow(sql: SqlStorage, id: string): GrantRow | undefined {
  return sql.exec<GrantRow>('SELECT * FROM grants WHERE id = ?', id).toArray()[0]
}

function unknown(found: { check: string; expected: string; received: string }): {
  outcome: 'unknown'
  detail: RefusalDetail
} {
  return { outcome: 'unknown', detail: { ...found, fix: 'start a new authorization request' } }
}
