// Durable storage for oidc-provider as its documentation outlines it: one row for each artifact, each write on disk before the answer.
import { DatabaseSync } from 'node:sqlite'

/** An adapter factory over one database: WAL and synchronous=FULL, one fsync a write, as a Durable Object does. */
export function sqliteAdapter(file) {
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS artifacts (model TEXT, id TEXT, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, expires_at INTEGER,
      consumed INTEGER, PRIMARY KEY (model, id)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS artifacts_grant ON artifacts (grant_id) WHERE grant_id IS NOT NULL;
    CREATE INDEX IF NOT EXISTS artifacts_uid ON artifacts (uid) WHERE uid IS NOT NULL;`)
  const statements = {
    upsert: database.prepare('INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, NULL)'),
    find: database.prepare('SELECT payload, expires_at, consumed FROM artifacts WHERE model = ? AND id = ?'),
    findByUid: database.prepare('SELECT id FROM artifacts WHERE uid = ? AND model = ?'),
    consume: database.prepare('UPDATE artifacts SET consumed = ? WHERE model = ? AND id = ?'),
    destroy: database.prepare('DELETE FROM artifacts WHERE model = ? AND id = ?'),
    revoke: database.prepare('DELETE FROM artifacts WHERE grant_id = ?'),
  }
  const seconds = () => Math.floor(Date.now() / 1000)

  return (model) => ({
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? seconds() + expiresIn : null
      const uid = model === 'Session' ? payload.uid : null
      statements.upsert.run(model, id, JSON.stringify(payload), payload.grantId ?? null, uid, expiresAt)
    },
    async find(id) {
      const row = statements.find.get(model, id)
      if (!row || (row.expires_at !== null && row.expires_at < seconds())) return undefined
      const payload = JSON.parse(row.payload)
      if (row.consumed) payload.consumed = row.consumed
      return payload
    },
    async findByUid(uid) {
      const row = statements.findByUid.get(uid, model)
      return row ? this.find(row.id) : undefined
    },
    async consume(id) {
      statements.consume.run(seconds(), model, id)
    },
    async destroy(id) {
      statements.destroy.run(model, id)
    },
    async revokeByGrantId(grantId) {
      statements.revoke.run(grantId)
    },
  })
}
