// The client that a request names, if it is enabled and may use the presented method.

import { type Client, isPublicClient } from '../../model/client.ts'
import type { RequestContext } from '../../request/context.ts'
import { type ClientAuthenticationMethod, type Refused, refused } from './method.ts'
import { methods } from './methods.ts'

/** Returns the client if it is enabled and may use `method`, else the fault. */
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
    fix: 'use the registered method, or change the registration of the client',
  })
}

/** A client without a registered method may use every method whose needs it meets. */
function allowedMethods(client: Client): string[] {
  const { token_endpoint_auth_method: registered } = client
  return registered ? [registered] : methods.filter(({ needs }) => has[needs](client)).map(({ name }) => name)
}

const has: Record<ClientAuthenticationMethod['needs'], (client: Client) => boolean> = {
  nothing: isPublicClient,
  secret: ({ secrets }) => secrets.length > 0,
  keys: ({ jwks, jwks_uri }) => !!(jwks || jwks_uri),
}
