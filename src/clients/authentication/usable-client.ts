// The client that a request names, if it is enabled and may authenticate the way it did.

import { type Client, type ClientAuthenticationMethod, isPublicClient } from '../../model/client.ts'
import type { RefusalDetail } from '../../model/errors.ts'
import type { RequestContext } from '../../request/context.ts'

/** `isProven`: the caller holds the client's key, so it may be told what is wrong. */
export type Refused = { fault: RefusalDetail; isProven?: boolean }

export const refused = (check: string, expected: string, received: string, fix: string): Refused => ({
  fault: { check, expected, received, fix },
})

/** An enabled client that may authenticate in this way. */
export async function findUsableClient(
  { configuration }: RequestContext,
  clientId: string,
  method: ClientAuthenticationMethod,
): Promise<Client | Refused> {
  const client = await configuration.findClient(clientId)
  if (!client)
    return refused('client_id', 'a registered client', clientId, 'register the client, or correct its client_id')
  if (!client.enabled)
    return refused('client_id', 'an enabled client', `${clientId}, which is disabled`, 'enable the client')
  const allowed = allowedMethods(client)
  if (allowed.includes(method)) return client
  return refused(
    'client_authentication',
    allowed.join(' or '),
    method,
    'let the client authenticate as it is registered',
  )
}

function allowedMethods(client: Client): ClientAuthenticationMethod[] {
  if (client.token_endpoint_auth_method) return [client.token_endpoint_auth_method]
  if (isPublicClient(client)) return ['none']
  const bySecret: ClientAuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']
  return [
    ...(client.secrets.length > 0 ? bySecret : []),
    ...(client.jwks || client.jwks_uri ? (['private_key_jwt'] as const) : []),
  ]
}
