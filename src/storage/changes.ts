// The log of configuration changes, which isolates follow (DESIGN §4). Each row is written in the same batch as the change itself.
import { sql } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { configChanges } from './schema.ts'

/** `all` makes every isolate read the whole configuration again. `linked-clients` means every client that is linked to the user. */
export type Concern =
  | { kind: 'client'; client_id: string }
  | { kind: 'linked-clients'; user_id: string }
  | { kind: 'clients-with-scope'; scope: string }
  | { kind: 'scope' | 'resource' | 'settings' | 'keys' | 'identity-provider' | 'all' }

export function recordChange(db: Database, concern: Concern, now: number): Statement {
  switch (concern.kind) {
    case 'client':
      return db.insert(configChanges).values({ kind: 'client', record: concern.client_id, changed_at: now })
    case 'linked-clients':
      return db
        .insert(configChanges)
        .select(sql`select null, 'client', client_id, ${now} from clients where linked_user_id = ${concern.user_id}`)
    case 'clients-with-scope':
      return db
        .insert(configChanges)
        .select(sql`select null, 'client', client_id, ${now} from client_scopes where scope = ${concern.scope}`)
    default:
      return db.insert(configChanges).values({ kind: concern.kind, changed_at: now })
  }
}
