// What a change of a client may state: the columns of its record, its lists, the user it is linked to, and secrets as typed.
import type { ClientLists, ClientRow } from '../storage/clients.ts'

/** A secret as it is typed: hashed at once, never read back. */
export interface TypedSecret {
  value: string
  label: string
  /** RFC 3339; null: never. */
  expires_at: string | null
}

/** A field that is left out keeps its value. */
export interface ClientInput
  extends Partial<Omit<ClientRow, 'client_id' | 'linked_user_id' | 'created_at' | 'updated_at'> & ClientLists> {
  /** user_id of the user that client_credentials tokens represent. */
  linked_user?: string | null | undefined
  secrets?: TypedSecret[] | undefined
}
