// The record of a client: the defaults of a new one, and a change merged into a stored one.

import { type GrantType, signsInUsers } from '../model/grant-type.ts'
import { merge } from '../model/record.ts'
import type { ClientLists, ClientRecord, ClientRow } from '../storage/clients.ts'
import type { ClientInput } from './client-input.ts'

/** Does not merge typed secrets, which must be hashed first. */
export function mergeClient(stored: ClientRecord, body: ClientInput): ClientRecord {
  const { secrets, linked_user, ...fields } = body
  const columns = { ...fields, linked_user_id: linked_user } as Partial<ClientRow & ClientLists>
  if (fields.grant_types) columns.grant_types = [...new Set(fields.grant_types)].sort()
  return {
    row: merge<ClientRow>(stored.row, columns),
    lists: merge<ClientLists>(stored.lists, columns),
    secrets: stored.secrets,
  }
}

export function newClient(id: string, body: ClientInput, now: number): ClientRecord {
  const grant_types: GrantType[] = ['authorization_code', ...(body.offline_access ? (['refresh_token'] as const) : [])]
  const hasUsers = signsInUsers({ grant_types: body.grant_types ?? grant_types })
  return {
    row: {
      client_id: id,
      client_name: id,
      enabled: true,
      token_endpoint_auth_method: null,
      token_endpoint_auth_signing_alg: null,
      jwks: null,
      jwks_uri: null,
      grant_types,
      api_access: false,
      offline_access: false,
      require_pkce: true,
      require_consent: false,
      linked_user_id: null,
      id_token_signed_response_alg: null,
      access_token_lifetime: null,
      id_token_lifetime: null,
      code_lifetime: null,
      refresh_token_sliding_lifetime: null,
      refresh_token_absolute_lifetime: null,
      refresh_token_rotation: true,
      refresh_token_grace: null,
      client_uri: null,
      logo_uri: null,
      policy_uri: null,
      tos_uri: null,
      created_at: now,
      updated_at: now,
    },
    lists: {
      redirect_uris: [],
      post_logout_redirect_uris: [],
      client_origins: [],
      scopes: hasUsers ? ['email', 'openid', 'profile'] : [],
    },
    secrets: [],
  }
}
