// Who calls a machine-facing endpoint (RFC 6749 §2.3).
import type { RequestContext } from '../context.ts'
import type { Client, ClientAuthenticationMethod } from '../protocol/client-metadata.ts'

export interface AuthenticatedClient {
  client: Client
  method: ClientAuthenticationMethod
}

export async function authenticateClient(
  _request: Request,
  _params: URLSearchParams,
  _context: RequestContext,
): Promise<AuthenticatedClient> {
  throw new Error('not yet')
}
