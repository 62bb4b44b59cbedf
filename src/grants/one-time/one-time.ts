// Single use without a user: assertion ids, revoked client tokens, and the rings of refusals that administrators read (DESIGN §3).
// Rows are stored in tables named by the hour they expire in. A table is dropped as a whole, so expiry writes no row.
import { DurableObject } from 'cloudflare:workers'
import type { Refusal } from '../../model/refusal.ts'

const hour = 3_600_000
const day = 24 * hour
/** Refusals kept for each client, and for all requests without a known client together. */
const ringSize = 500
/** Refusals that one object stores per second. Further refusals are only logged. */
const ringRate = 50

type Kind = 'used' | 'revoked'

export class OneTime extends DurableObject<Env> {
  private readonly sql = this.ctx.storage.sql
  /** Expiry tables known to exist. */
  private readonly tables = new Set<string>()
  private hasAlarm = false
  private ringWindow = { second: 0, count: 0 }

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.blockConcurrencyWhile(async () => {
      for (const { name } of this.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")) {
        this.tables.add(name)
      }
      this.hasAlarm = (await ctx.storage.getAlarm()) !== null
    })
  }

  /** True for the first caller with this key, false for every later one until `expiresAt` (milliseconds). */
  use(key: string, expiresAt: number, now: number): boolean {
    return this.insert('used', key, expiresAt, now)
  }

  /** Marks a token id as revoked until the token expires (`expiresAt`, milliseconds). */
  revoke(jti: string, expiresAt: number, now: number): void {
    this.insert('revoked', jti, expiresAt, now)
  }

  /** `expiresAt` must equal the one given to `revoke`: it selects the table. */
  isRevoked(jti: string, expiresAt: number): boolean {
    const table = tableOf('revoked', expiresAt)
    return this.tables.has(table) && this.sql.exec(`SELECT 1 FROM ${table} WHERE key = ?`, jti).toArray().length > 0
  }

  /** Stores a refusal in a ring of fixed size, in place of the oldest one. */
  recordRefusal(refusal: Refusal, now: number): void {
    const second = Math.floor(now / 1000)
    if (this.ringWindow.second !== second) this.ringWindow = { second, count: 0 }
    this.ringWindow.count += 1
    if (this.ringWindow.count > ringRate) return
    if (!this.tables.has('refusals')) {
      this.sql.exec(
        'CREATE TABLE refusals (slot TEXT PRIMARY KEY, number INTEGER, ring TEXT, request_id TEXT, at INTEGER, refusal TEXT) WITHOUT ROWID',
      )
      this.tables.add('refusals')
    }
    const ring = refusal.client_id ?? ''
    const newest = this.sql.exec<{ number: number | null }>(
      'SELECT max(number) AS number FROM refusals WHERE ring = ?',
      ring,
    )
    const number = (newest.one().number ?? -1) + 1
    this.sql.exec(
      'INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?, ?)',
      `${number % ringSize} ${ring}`,
      number,
      ring,
      refusal.request_id,
      now,
      JSON.stringify(refusal),
    )
    this.wake(now + day)
  }

  /** Returns undefined if the refusal is unknown or older than a day. */
  findRefusal(requestId: string, now: number): Refusal | undefined {
    if (!this.tables.has('refusals')) return undefined
    const rows = this.sql.exec<{ refusal: string }>(
      'SELECT refusal FROM refusals WHERE request_id = ? AND at > ?',
      requestId,
      now - day,
    )
    const [row] = rows.toArray()
    return row && (JSON.parse(row.refusal) as Refusal)
  }

  override async alarm(): Promise<void> {
    this.hasAlarm = false
    const now = Date.now()
    for (const table of this.tables) {
      const expiry = /_(\d+)$/.exec(table)?.[1]
      if (expiry === undefined || (Number(expiry) + 1) * hour > now) continue
      this.sql.exec(`DROP TABLE ${table}`)
      this.tables.delete(table)
    }
    if (this.tables.has('refusals')) {
      this.sql.exec('DELETE FROM refusals WHERE at <= ?', now - day)
    }
    if ([...this.tables].some((table) => /_\d+$/.test(table)) || this.countRefusals() > 0) this.wake(now + hour)
  }

  private insert(kind: Kind, key: string, expiresAt: number, now: number): boolean {
    const table = tableOf(kind, expiresAt)
    if (!this.tables.has(table)) {
      this.sql.exec(`CREATE TABLE ${table} (key TEXT PRIMARY KEY) WITHOUT ROWID`)
      this.tables.add(table)
    }
    const isFirst = this.sql.exec(`INSERT OR IGNORE INTO ${table} VALUES (?)`, key).rowsWritten > 0
    this.wake(Math.max(now + hour, expiresAt + hour))
    return isFirst
  }

  private countRefusals(): number {
    if (!this.tables.has('refusals')) return 0
    return this.sql.exec<{ count: number }>('SELECT count(*) AS count FROM refusals').one().count
  }

  /** Not awaited: the output gate holds back the response until this write and all others are stored. */
  private wake(at: number): void {
    if (this.hasAlarm) return
    this.hasAlarm = true
    void this.ctx.storage.setAlarm(at)
  }
}

const tableOf = (kind: Kind, expiresAt: number): string => `${kind}_${Math.floor(expiresAt / hour)}`
