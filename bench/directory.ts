// Accesses the D1 database of a state folder while no server runs on it: fills it with records, and measures its statements.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

/** Adds `count` clients and users by copying an existing client with its lists. Each copy is linked to a user of its own. */
export function fillDirectory(state: string, clientId: string, count: number): void {
  const folder = path.join(state, 'v3/d1/miniflare-D1DatabaseObject')
  const file = readdirSync(folder).find((each) => each.endsWith('.sqlite') && each !== 'metadata.sqlite')
  const database = new DatabaseSync(path.join(folder, file ?? 'missing'))
  database.exec('PRAGMA foreign_keys = ON; BEGIN')
  const userId = database
    .prepare('SELECT linked_user_id FROM clients WHERE client_id = ?')
    .get(clientId)?.linked_user_id

  const copy = (table: string, where: string, replaced: Record<string, string>) => {
    const columns = database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map((row) => String(row.name))
    const values = columns.map((name) => replaced[name] ?? `original.${name}`)
    database.exec(`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})
      INSERT INTO ${table} (${columns}) SELECT ${values} FROM number, ${table} AS original WHERE ${where}`)
  }
  const numbered = (prefix: string) => `'${prefix}-' || n`
  copy('users', `user_id = '${userId}'`, {
    user_id: numbered('filler'),
    login_name: numbered('filler'),
    sub: numbered('filler'),
    subject_ref: numbered('filler-subject-ref'),
    email: numbered('filler'),
  })
  const of = `original.client_id = '${clientId}'`
  copy('clients', of, { client_id: numbered('filler'), linked_user_id: numbered('filler') })
  copy('client_redirect_uris', of, { client_id: numbered('filler') })
  copy('client_secrets', of, { client_id: numbered('filler') })
  copy('client_scopes', of, { client_id: numbered('filler') })
  database.exec('COMMIT')
  database.close()
}

export interface StatementCost {
  statement: string
  plan: string
  rowsRead: number
}

/** The functions of src/storage that the token endpoint and the sign-in call, typed as far as they are used here. */
interface Storage {
  readConfiguration(db: unknown, clientId: string): Promise<unknown>
  readClient(db: unknown, clientId: string): Promise<unknown>
  readChanges(db: unknown, epoch: number): Promise<unknown>
  openDatabase(db: unknown): unknown
  findPersonByLogin(db: unknown, loginName: string): Promise<unknown>
}

/** Runs each hot statement on the D1 database in workerd. Returns the query plan and the number of rows read. */
export async function statementCosts(state: string, clientId: string, loginName: string): Promise<StatementCost[]> {
  const id = /^preview_database_id = "(.*)"/m.exec(readFileSync('wrangler.toml', 'utf8'))?.[1] ?? ''
  const server = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      modules: true,
      script: 'export default {}',
      compatibilityDate: '2026-10-01',
      d1Databases: { DB: id },
      resourcePersistencePath: path.join(state, 'v3'),
    }),
  )
  try {
    const database = (await server.getD1Database('DB')) as unknown as Binding
    const ran: { sql: string; parameters: unknown[]; rowsRead: number }[] = []
    const recorded = recording(database, (sql, parameters, rowsRead) => ran.push({ sql, parameters, rowsRead }))
    const storage = await importStorage()
    await storage.readConfiguration(recorded, clientId)
    await storage.readClient(recorded, clientId)
    await storage.readChanges(recorded, 0)
    await storage.findPersonByLogin(storage.openDatabase(recorded), loginName)

    const costs: StatementCost[] = []
    for (const { sql, parameters, rowsRead } of ran) {
      const explained = await database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...parameters)
        .all()
      costs.push({ statement: sql, plan: explained.results.map((row) => String(row.detail)).join('\n'), rowsRead })
    }
    return costs
  } finally {
    await server.dispose()
  }
}

// Imports by computed names, because these modules are type-checked for workerd and this file for Node.
async function importStorage(): Promise<Storage> {
  const modules = ['configuration-reads', 'database', 'users'].map(
    (name) => new URL(`../src/storage/${name}.ts`, import.meta.url),
  )
  const parts: Partial<Storage>[] = await Promise.all(modules.map((url) => import(url.href)))
  return Object.assign({}, ...parts)
}

interface StatementResult {
  results: Record<string, unknown>[]
  meta: { rows_read: number }
}

interface Prepared {
  bind(...parameters: unknown[]): Prepared
  all(): Promise<StatementResult>
  raw(): Promise<unknown[][]>
}

interface Binding {
  prepare(sql: string): Prepared
  batch(statements: Prepared[]): Promise<StatementResult[]>
}

type Observer = (sql: string, parameters: unknown[], rowsRead: number) => void

/** A D1 binding that reports every statement it runs to `observe`. */
function recording(database: Binding, observe: Observer) {
  const inner = new Map<object, { statement: Prepared; sql: string; parameters: unknown[] }>()

  function prepared(sql: string, parameters: unknown[]): Prepared & { first(): Promise<unknown> } {
    const statement = database.prepare(sql).bind(...parameters)
    const all = async () => {
      const result = await statement.all()
      observe(sql, parameters, result.meta.rows_read)
      return result
    }
    const wrapped = {
      bind: (...values: unknown[]) => prepared(sql, values),
      all,
      first: async () => (await all()).results[0] ?? null,
      async raw() {
        await all()
        return statement.raw()
      },
    }
    inner.set(wrapped, { statement, sql, parameters })
    return wrapped
  }

  const binding = {
    prepare: (sql: string) => prepared(sql, []),
    async batch(statements: object[]) {
      const known = statements.flatMap((each) => inner.get(each) ?? [])
      const results = await database.batch(known.map((each) => each.statement))
      for (const [index, { sql, parameters }] of known.entries()) {
        observe(sql, parameters, results[index]?.meta.rows_read ?? 0)
      }
      return results
    },
    withSession: () => binding,
  }
  return binding
}
