// Reads and writes clients for the administration API: the row, its lists and its secrets.
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm'
import { type ClientLists, clientListNames, clientLists, listQuery, secretsQuery } from './client-lists.ts'
import type { Database, Statement } from './database.ts'
import { clientSecrets, clients } from './schema.ts'

export type { ClientLists } from './client-lists.ts'

export type ClientRow = typeof clients.$inferSelect
export type ClientSecretRow = Omit<typeof clientSecrets.$inferSelect, 'client_id'>

export interface ClientRecord {
  row: ClientRow
  lists: ClientLists
  secrets: ClientSecretRow[]
}

const listColumn = (name: keyof ClientLists) => sql.raw(listQuery(name, 'clients')) as SQL<string>

const subselects = {
  redirect_uris: listColumn('redirect_uris'),
  post_logout_redirect_uris: listColumn('post_logout_redirect_uris'),
  client_origins: listColumn('client_origins'),
  scopes: listColumn('scopes'),
  secrets: sql.raw(secretsQuery(['hash', 'label', 'expires_at', 'created_at'], 'clients')) as SQL<string>,
}

async function select(db: Database, condition: SQL, limit: number): Promise<ClientRecord[]> {
  const found = await db
    .select({ row: clients, ...subselects })
    .from(clients)
    .where(condition)
    .orderBy(asc(clients.client_id))
    .limit(limit)
  return found.map(({ row, secrets, ...lists }) => ({
    row,
    lists: {
      redirect_uris: parseList(lists.redirect_uris),
      post_logout_redirect_uris: parseList(lists.post_logout_redirect_uris),
      client_origins: parseList(lists.client_origins),
      scopes: parseList(lists.scopes),
    },
    secrets: (JSON.parse(secrets) as ClientSecretRow[]).sort((a, b) => (a.hash < b.hash ? -1 : 1)),
  }))
}

/** Sorts the list, because the order of the rows has no meaning and equal lists must compare as equal. */
const parseList = (json: string): string[] => (JSON.parse(json) as string[]).sort()

export async function findClientRecord(db: Database, clientId: string): Promise<ClientRecord | undefined> {
  const [record] = await select(db, eq(clients.client_id, clientId), 1)
  return record
}

/** Returns the records after client_id `after`, sorted by client_id. */
export function listClientRecords(db: Database, after: string, limit: number): Promise<ClientRecord[]> {
  return select(db, gt(clients.client_id, after), limit)
}

/** Writes the client's new row, and those lists and secrets that differ from `stored`. */
export function saveClient(db: Database, next: ClientRecord, stored: ClientRecord | undefined): Statement[] {
  const { client_id, created_at, ...changeable } = next.row
  return [
    db.insert(clients).values(next.row).onConflictDoUpdate({ target: clients.client_id, set: changeable }),
    ...saveLists(db, client_id, next.lists, stored?.lists),
    ...saveSecrets(db, client_id, next.secrets, stored?.secrets ?? []),
  ]
}

function saveLists(db: Database, clientId: string, next: ClientLists, stored: ClientLists | undefined): Statement[] {
  const changed = clientListNames.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(stored?.[name] ?? []))
  return changed.flatMap((name) => {
    const { table } = clientLists[name]
    return [
      db.delete(table).where(eq(table.client_id, clientId)),
      db.insert(table).select(sql`select ${clientId}, value from json_each(${JSON.stringify(next[name])})`),
    ]
  })
}

function saveSecrets(db: Database, clientId: string, next: ClientSecretRow[], stored: ClientSecretRow[]): Statement[] {
  const gone = stored.filter((secret) => !next.some((kept) => kept.hash === secret.hash))
  const changed = next.filter((secret) => !stored.some((same) => JSON.stringify(same) === JSON.stringify(secret)))
  return [
    ...gone.map((secret) => deleteClientSecret(db, clientId, secret.hash)),
    ...changed.map((secret) =>
      db
        .insert(clientSecrets)
        .values({ client_id: clientId, ...secret })
        .onConflictDoUpdate({ target: [clientSecrets.client_id, clientSecrets.hash], set: secret }),
    ),
  ]
}

export function deleteClientSecret(db: Database, clientId: string, hash: string): Statement {
  return db.delete(clientSecrets).where(and(eq(clientSecrets.client_id, clientId), eq(clientSecrets.hash, hash)))
}

/** Also deletes its lists and secrets. A resource that it could introspect is left without an introspection client. */
export function deleteClient(db: Database, clientId: string): Statement {
  return db.delete(clients).where(eq(clients.client_id, clientId))
}
