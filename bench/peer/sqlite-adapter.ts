// Durable storage for oidc-provider, as its documentation outlines it: one row per artifact, and each write is on disk before the response.
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

interface Payload {
  uid?: string
  grantId?: string
  consumed?: number
}

/** An adapter factory over one database with WAL and synchronous=FULL: one fsync per write, as in a Durable Object. */
export function sqliteAdapter(file: string) {
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

  const parse = (row: Record<string, SQLOutputValue>): Payload => JSON.parse(String(row.payload))

  return (model: string) => ({
    async upsert(id: string, payload: Payload, expiresIn?: number) {
      const expiresAt = expiresIn ? seconds() + expiresIn : null
      const uid = model === 'Session' ? (payload.uid ?? null) : null
      statements.upsert.run(model, id, JSON.stringify(payload), payload.grantId ?? null, uid, expiresAt)
    },
    async find(id: string) {
      const row = statements.find.get(model, id)
      if (!row || (row.expires_at !== null && Number(row.expires_at) < seconds())) return undefined
      const payload = parse(row)
      if (row.consumed) payload.consumed = Number(row.consumed)
      return payload
    },
    async findByUid(uid: string): Promise<Payload | undefined> {
      const row = statements.findByUid.get(uid, model)
      return row ? this.find(String(row.id)) : undefined
    },
    async consume(id: string) {
      statements.consume.run(seconds(), model, id)
    },
    async destroy(id: string) {
      statements.destroy.run(model, id)
    },
    async revokeByGrantId(grantId: string) {
      statements.revoke.run(grantId)
    },
  })
}
