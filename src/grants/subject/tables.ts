// The tables of one Subject. Each has one key and no further index, so that every event writes one row.

/** Version 1. A later version adds columns with defaults, so that the previous version can still read and write the tables. */
const statements = [
  `CREATE TABLE IF NOT EXISTS person (
    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, record TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, secret_hash TEXT NOT NULL, authenticated_at INTEGER NOT NULL, acr TEXT NOT NULL, amr TEXT NOT NULL,
    idp TEXT NOT NULL, selected_at INTEGER NOT NULL, used_at INTEGER NOT NULL, idle_lifetime INTEGER NOT NULL,
    expires_at INTEGER NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS upstream_sessions (
    session_id TEXT, provider_id TEXT, issuer TEXT NOT NULL, subject TEXT NOT NULL, sid TEXT, id_token TEXT,
    PRIMARY KEY (session_id, provider_id)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS consents (client_id TEXT PRIMARY KEY, consent TEXT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS grants (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL, session_id TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    record TEXT NOT NULL, code_hash TEXT NOT NULL, code_expires_at INTEGER NOT NULL, redeemed_at INTEGER, revoked_at INTEGER,
    refresh_hash TEXT, refresh_expires_at INTEGER, refresh_ends_at INTEGER, previous_hash TEXT, rotated_at INTEGER, retry TEXT
    ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS revoked_tokens (jti TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID`,
]

export function createTables(sql: SqlStorage): void {
  for (const statement of statements) sql.exec(statement)
}

export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'person'").toArray().length > 0
}

/** Deletes expired rows. Returns true if rows are left that will expire. */
export function purge(sql: SqlStorage, now: number): boolean {
  sql.exec('DELETE FROM grants WHERE expires_at <= ?', now)
  sql.exec('DELETE FROM sessions WHERE expires_at <= ?1 OR used_at + idle_lifetime <= ?1', now)
  sql.exec('DELETE FROM upstream_sessions WHERE session_id NOT IN (SELECT id FROM sessions)')
  sql.exec('DELETE FROM revoked_tokens WHERE expires_at <= ?', now)
  const left = sql.exec<{ left: number }>(
    'SELECT EXISTS (SELECT 1 FROM grants) OR EXISTS (SELECT 1 FROM sessions) OR EXISTS (SELECT 1 FROM revoked_tokens) AS left',
  )
  return left.one().left === 1
}
