// Refuses a grant that the configuration no longer admits. Every grant type that continues a sign-in calls this.

import { type GrantFault, grantFault } from '../../../grants/grant-fault.ts'
import type { Client } from '../../../model/client.ts'
import type { OAuthError } from '../../../model/errors.ts'
import type { Grant } from '../../../model/grant.ts'
import { invalidGrant } from '../../../model/oauth-errors.ts'
import type { RequestContext } from '../../../request/context.ts'

/** What the client presented. */
type Credential = 'code' | 'refresh token'

/** Throws invalid_grant. */
export function requireUsableGrant(
  context: RequestContext,
  client: Client,
  grant: Grant,
  credential: Credential,
): void {
  const fault = grantFault(context, client, grant)
  if (fault) throw refusals[fault](client, grant, credential)
}

const refusals: Record<GrantFault, (client: Client, grant: Grant, credential: Credential) => OAuthError> = {
  client: ({ client_id }, _, credential) =>
    invalidGrant({
      description: `the ${credential} is not valid`,
      check: 'client_id',
      expected: `a ${credential} of the present client ${client_id}`,
      received: 'one of a client with the same id that was deleted',
      fix: 'start a new authorization request',
    }),
  identity_provider: (_, { idp }) =>
    invalidGrant({
      description: 'the person must sign in again',
      check: 'identity_provider',
      expected: 'a sign-in by a provider that is enabled',
      received: `one by ${idp}, which is disabled or deleted`,
      fix: 'enable the provider, or let the person sign in another way',
    }),
}
