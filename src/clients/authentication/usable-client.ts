// The client that a request names, if it is enabled and may authenticate the way it did.

import { type Client, isPublicClient } from '../../model/client.ts'
import type { RequestContext } from '../../request/context.ts'
import { type ClientAuthenticationMethod, type Refused, refused } from './method.ts'
import { methods } from './methods.ts'

/** An enabled client that may authenticate in this way. */
export async function findUsableClient(
  { configuration }: RequestContext,
  clientId: string,
  method: ClientAuthenticationMethod,
): Promise<Client | Refused> {
  const client = await configuration.findClient(clientId)
  if (!client)
    return refused({
      check: 'client_id',
      expected: 'a registered client',
      received: clientId,
      fix: 'register the client, or correct its client_id',
    })
  if (!client.enabled)
    return refused({
      check: 'client_id',
      expected: 'an enabled client',
      received: `${clientId}, which is disabled`,
      fix: 'enable the client',
    })
  const allowed = allowedMethods(client)
  if (allowed.includes(method.name)) return client
  return refused({
    check: 'client_authentication',
    expected: allowed.join(' or '),
    received: method.name,
    fix: 'let the client authenticate as it is registered',
  })
}

/** A client that is registered for no method may use each for which it has what the method needs. */
function allowedMethods(client: Client): string[] {
  const { token_endpoint_auth_method: registered } = client
  return registered ? [registered] : methods.filter(({ needs }) => has[needs](client)).map(({ name }) => name)
}

const has: Record<ClientAuthenticationMethod['needs'], (client: Client) => boolean> = {
  nothing: isPublicClient,
  secret: ({ secrets }) => secrets.length > 0,
  keys: ({ jwks, jwks_uri }) => !!(jwks || jwks_uri),
}
