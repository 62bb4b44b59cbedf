// What belongs to a client besides its row, in tables of its own: defined once for both readers of clients, the administration API through
// drizzle and the token path in plain SQL.
import { getTableName } from 'drizzle-orm'
import { clientOrigins, clientPostLogoutUris, clientRedirectUris, clientScopes, clientSecrets } from './schema.ts'

export interface ClientLists {
  redirect_uris: string[]
  post_logout_redirect_uris: string[]
  client_origins: string[]
  scopes: string[]
}

/** The table of each list, and the column of its items. */
export const clientLists = {
  redirect_uris: { table: clientRedirectUris, item: clientRedirectUris.uri },
  post_logout_redirect_uris: { table: clientPostLogoutUris, item: clientPostLogoutUris.uri },
  client_origins: { table: clientOrigins, item: clientOrigins.origin },
  scopes: { table: clientScopes, item: clientScopes.scope },
}

export const clientListNames = Object.keys(clientLists) as (keyof ClientLists)[]

/** A JSON array. `client`: what the query calls the table `clients`. */
export function listQuery(name: keyof ClientLists, client: string): string {
  const { table, item } = clientLists[name]
  return `(SELECT json_group_array(l.${item.name}) FROM ${getTableName(table)} l WHERE l.client_id = ${client}.client_id)`
}

type SecretColumn = Exclude<keyof typeof clientSecrets.$inferSelect, 'client_id'>

/** A JSON array of objects with these columns. */
export function secretsQuery(columns: readonly SecretColumn[], client: string): string {
  const members = columns.map((column) => `'${column}', l.${column}`).join(', ')
  const table = getTableName(clientSecrets)
  return `(SELECT json_group_array(json_object(${members})) FROM ${table} l WHERE l.client_id = ${client}.client_id)`
}
