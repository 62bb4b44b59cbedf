// Checks of a grant against the configuration of now. The user's Subject checks the rest: revoked, expired, disabled.

import type { Client } from '../model/client.ts'
import type { Grant } from '../model/grant.ts'
import { acceptedIdps, isAcceptedIdp } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'

/** `client`: the client was deleted and created again. `identity_provider`: the external provider of the sign-in is disabled or deleted. */
export type GrantFault = 'client' | 'identity_provider'

/** Returns undefined if the grant may still give tokens. */
export function grantFault(
  { configuration }: RequestContext,
  client: Client,
  { client_since, idp, created_at }: Pick<Grant, 'client_since' | 'idp' | 'created_at'>,
): GrantFault | undefined {
  if (client_since !== client.created_at) return 'client'
  return isAcceptedIdp(acceptedIdps(configuration.externalProviders), idp, created_at) ? undefined : 'identity_provider'
}
