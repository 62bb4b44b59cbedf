// Whether the configuration still lets a grant give tokens. What the user's Subject knows (revoked, expired, disabled) is not asked here.

import type { Client } from '../model/client.ts'
import type { Grant } from '../model/grant.ts'
import { acceptedIdps, isAcceptedIdp } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'

/** `client`: the client was deleted and created anew; `identity_provider`: the provider of the sign-in is disabled or deleted. */
export type GrantFault = 'client' | 'identity_provider'

export function grantFault(
  { configuration }: RequestContext,
  client: Client,
  { client_since, idp, created_at }: Pick<Grant, 'client_since' | 'idp' | 'created_at'>,
): GrantFault | undefined {
  if (client_since !== client.created_at) return 'client'
  return isAcceptedIdp(acceptedIdps(configuration.externalProviders), idp, created_at) ? undefined : 'identity_provider'
}
