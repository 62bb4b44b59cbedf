// Clients as an operator writes them: the row, its lists and its secrets.
import { and, asc, eq, gt, type SQL, sql } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import {
  clientOrigins,
  clientPostLogoutUris,
  clientRedirectUris,
  clientScopes,
  clientSecrets,
  clients,
} from './schema.ts'

export type ClientRow = typeof clients.$inferSelect
export type ClientSecretRow = Omit<typeof clientSecrets.$inferSelect, 'client_id'>

export interface ClientLists {
  redirect_uris: string[]
  post_logout_redirect_uris: string[]
  client_origins: string[]
  scopes: string[]
}

export interface ClientRecord {
  row: ClientRow
  lists: ClientLists
  secrets: ClientSecretRow[]
}

// Tables are named in full: drizzle writes bare column names in a query over one table, which here would mean the inner table's.
const subselects = {
  redirect_uris: sql<string>`(select json_group_array(l.uri) from client_redirect_uris l where l.client_id = clients.client_id)`,
  post_logout_redirect_uris: sql<string>`(select json_group_array(l.uri) from client_post_logout_uris l where l.client_id = clients.client_id)`,
  client_origins: sql<string>`(select json_group_array(l.origin) from client_origins l where l.client_id = clients.client_id)`,
  scopes: sql<string>`(select json_group_array(l.scope) from client_scopes l where l.client_id = clients.client_id)`,
  secrets: sql<string>`(
    select json_group_array(json_object('hash', l.hash, 'label', l.label, 'expires_at', l.expires_at, 'created_at', l.created_at))
    from client_secrets l where l.client_id = clients.client_id)`,
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

/** Sorted: the order of the rows means nothing, and the same list is the same value. */
const parseList = (json: string): string[] => (JSON.parse(json) as string[]).sort()

export async function findClientRecord(db: Database, clientId: string): Promise<ClientRecord | undefined> {
  const [record] = await select(db, eq(clients.client_id, clientId), 1)
  return record
}

/** By client_id, those after `after`. */
export function listClientRecords(db: Database, after: string, limit: number): Promise<ClientRecord[]> {
  return select(db, gt(clients.client_id, after), limit)
}

/** The client's new state; lists and secrets are written where they differ from `stored`. */
export function saveClient(db: Database, next: ClientRecord, stored: ClientRecord | undefined): Statement[] {
  const { client_id, created_at, ...changeable } = next.row
  return [
    db.insert(clients).values(next.row).onConflictDoUpdate({ target: clients.client_id, set: changeable }),
    ...saveLists(db, client_id, next.lists, stored?.lists),
    ...saveSecrets(db, client_id, next.secrets, stored?.secrets ?? []),
  ]
}

const tables = {
  redirect_uris: clientRedirectUris,
  post_logout_redirect_uris: clientPostLogoutUris,
  client_origins: clientOrigins,
  scopes: clientScopes,
}

function saveLists(db: Database, clientId: string, next: ClientLists, stored: ClientLists | undefined): Statement[] {
  const names = Object.keys(tables) as (keyof ClientLists)[]
  const changed = names.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(stored?.[name] ?? []))
  return changed.flatMap((name) => [
    db.delete(tables[name]).where(eq(tables[name].client_id, clientId)),
    db.insert(tables[name]).select(sql`select ${clientId}, value from json_each(${JSON.stringify(next[name])})`),
  ])
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

/** Its lists and secrets go with it; a resource it introspected keeps no client. */
export function deleteClient(db: Database, clientId: string): Statement {
  return db.delete(clients).where(eq(clients.client_id, clientId))
}
