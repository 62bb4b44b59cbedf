// The failed guesses of one shard, newest last. They are counted in memory, and stored in SQL so that an eviction of the object forgets none. Each table is
// named by the time at which it may be dropped whole, so a failure writes one row and its expiry none.

interface Failure {
  /** The name, or the name and the device. Undefined once the failure is forgiven; it then counts for the address alone. */
  key: string | undefined
  address: string
  /** Milliseconds. */
  at: number
}

export interface Failures {
  /** Times of the failures after `since`, oldest first, in milliseconds. */
  ofKey(key: string, since: number): number[]
  ofAddress(address: string, since: number): number[]
  /** `keepFor` is how long the failure is remembered, in milliseconds. */
  record(failure: { key: string; address: string; at: number }, keepFor: number): void
  /** A correct password forgives earlier failures for the same key from the same address. Writes nothing if there are none. */
  forgive(success: { key: string; address: string; at: number }, keepFor: number): void
  /** Drops tables whose failures are no longer counted. Returns when to call again; undefined if no table is left. */
  purge(now: number): number | undefined
}

/** A shard computes ten hashes a second at most, so pushing a failure out takes over a quarter of an hour of guessing. */
const mostFailures = 10_000

type Row = { name: string; address: string; at: number; forgives: number }

/** `onTable` is called with the time at which a newly created table may be dropped. */
export function openFailures(sql: SqlStorage, onTable: (dropAt: number) => void): Failures {
  const tables = new Set<number>()
  for (const { name } of sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name GLOB 'failures_*'")) {
    tables.add(Number(name.slice('failures_'.length)))
  }
  const failures = load(sql, tables)

  const times = (matches: (failure: Failure) => boolean, since: number): number[] =>
    failures.filter((failure) => failure.at > since && matches(failure)).map((failure) => failure.at)

  function append({ key, address, at }: Failure & { key: string }, keepFor: number, forgives: 0 | 1): void {
    const dropAt = (Math.floor(at / keepFor) + 2) * keepFor
    if (!tables.has(dropAt)) {
      purge(at)
      sql.exec(
        `CREATE TABLE failures_${dropAt} (id INTEGER PRIMARY KEY, name TEXT, address TEXT, at INTEGER, forgives INTEGER)`,
      )
      tables.add(dropAt)
      onTable(dropAt)
    }
    sql.exec(
      `INSERT INTO failures_${dropAt} (name, address, at, forgives) VALUES (?, ?, ?, ?)`,
      key,
      address,
      at,
      forgives,
    )
  }

  function purge(now: number): number | undefined {
    for (const dropAt of tables) {
      if (dropAt > now) continue
      sql.exec(`DROP TABLE failures_${dropAt}`)
      tables.delete(dropAt)
    }
    return tables.size === 0 ? undefined : Math.min(...tables)
  }

  return {
    ofKey: (key, since) => times((failure) => failure.key === key, since),
    ofAddress: (address, since) => times((failure) => failure.address === address, since),
    record(failure, keepFor) {
      append(failure, keepFor, 0)
      failures.push({ ...failure })
      const oldest = failure.at - keepFor
      while (failures.length > mostFailures || (failures[0]?.at ?? oldest + 1) <= oldest) failures.shift()
    },
    forgive(success, keepFor) {
      if (forgiveAll(failures, success)) append(success, keepFor, 1)
    },
    purge,
  }
}

function load(sql: SqlStorage, tables: Set<number>): Failure[] {
  const rows: Row[] = []
  for (const dropAt of tables) {
    rows.push(
      ...sql.exec<Row>(
        `SELECT name, address, at, forgives FROM failures_${dropAt} ORDER BY id DESC LIMIT ${mostFailures}`,
      ),
    )
  }
  rows.reverse().sort((a, b) => a.at - b.at)
  const failures: Failure[] = []
  for (const { name, address, at, forgives } of rows) {
    if (forgives) forgiveAll(failures, { key: name, address })
    else failures.push({ key: name, address, at })
  }
  return failures.slice(-mostFailures)
}

function forgiveAll(failures: Failure[], { key, address }: { key: string; address: string }): boolean {
  const forgiven = failures.filter((failure) => failure.key === key && failure.address === address)
  for (const failure of forgiven) failure.key = undefined
  return forgiven.length > 0
}
