// The client of an authorization request. Errors are shown as a page: the redirect_uri is not trusted yet (RFC 6749 §4.1.2.1).
import type { OAuthError } from '../../model/errors.ts'
import { mayUseGrantType } from '../../model/grant-type.ts'
import { invalidRequest, unauthorizedClient } from '../../model/oauth-errors.ts'
import type { Received, WithClient, WithProvider } from './known.ts'

export function parseClientId({ parameters }: Received): { client_id: string } {
  const client_id = parameters.get('client_id')
  if (client_id === null) throw unusableClient({ description: 'client_id is missing', received: '(none)' })
  return { client_id }
}

export async function checkClient({ client_id, provider }: { client_id: string } & WithProvider): Promise<WithClient> {
  const client = await provider.findClient(client_id)
  if (client?.enabled) return { client }
  throw unusableClient({
    description: 'client_id is not known here',
    received: client ? `${client_id}, which is disabled` : client_id,
  })
}

/** Shown as a page, although RFC 6749 §4.1.2.1 redirects unauthorized_client: a client without the grant type has no redirect_uri to trust. */
export function checkGrantType({ client }: WithClient): void {
  if (mayUseGrantType(client, 'authorization_code')) return
  throw unauthorizedClient({
    description: 'this client may not sign people in',
    check: 'grant_types',
    expected: 'authorization_code among the grant types of the client',
    received: client.grant_types.join(' '),
    fix: 'add authorization_code to the client, or use another client',
  })
}

const unusableClient = (refused: { description: string; received: string }): OAuthError =>
  invalidRequest({
    ...refused,
    check: 'client_id',
    expected: 'an enabled client',
    fix: 'register and enable the client, or correct the client_id that the application sends',
  })
