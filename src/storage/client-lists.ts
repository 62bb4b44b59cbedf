// The lists and secrets of a client, which have tables of their own. They are defined once for both readers of clients: the administration
// API, which uses drizzle, and the token path, which uses plain SQL.
import { getTableName } from 'drizzle-orm'
import { clientOrigins, clientPostLogoutUris, clientRedirectUris, clientScopes, clientSecrets } from './schema.ts'

export interface ClientLists {
  redirect_uris: string[]
  post_logout_redirect_uris: string[]
  client_origins: string[]
  scopes: string[]
}

/** The table of each list, and the column that holds its items. */
export const clientLists = {
  redirect_uris: { table: clientRedirectUris, item: clientRedirectUris.uri },
  post_logout_redirect_uris: { table: clientPostLogoutUris, item: clientPostLogoutUris.uri },
  client_origins: { table: clientOrigins, item: clientOrigins.origin },
  scopes: { table: clientScopes, item: clientScopes.scope },
}

export const clientListNames = Object.keys(clientLists) as (keyof ClientLists)[]

/** Returns SQL that selects the list as a JSON array. `client` is the alias of the table `clients` in the query. */
export function listQuery(name: keyof ClientLists, client: string): string {
  const { table, item } = clientLists[name]
  return `(SELECT json_group_array(l.${item.name}) FROM ${getTableName(table)} l WHERE l.client_id = ${client}.client_id)`
}

type SecretColumn = Exclude<keyof typeof clientSecrets.$inferSelect, 'client_id'>

/** Returns SQL that selects the secrets as a JSON array of objects with these columns. */
export function secretsQuery(columns: readonly SecretColumn[], client: string): string {
  const members = columns.map((column) => `'${column}', l.${column}`).join(', ')
  const table = getTableName(clientSecrets)
  return `(SELECT json_group_array(json_object(${members})) FROM ${table} l WHERE l.client_id = ${client}.client_id)`
}
