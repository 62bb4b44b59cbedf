// The input for a change of a client: the columns of its record, its lists, its linked user, and typed secrets.
import type { ClientLists, ClientRow } from '../storage/clients.ts'

/** A secret that an administrator typed. Only its hash is stored. */
export interface TypedSecret {
  value: string
  label: string
  /** RFC 3339. `null` means that the secret never expires. */
  expires_at: string | null
}

/** A field that is left out keeps its value. */
export interface ClientInput
  extends Partial<Omit<ClientRow, 'client_id' | 'linked_user_id' | 'created_at' | 'updated_at'> & ClientLists> {
  /** user_id of the user that client_credentials tokens represent. */
  linked_user?: string | null | undefined
  secrets?: TypedSecret[] | undefined
}
