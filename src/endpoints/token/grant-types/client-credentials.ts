// grant_type=client_credentials (RFC 6749 §4.4): the client acts as the user it is linked to, who is the subject of the token.

import { type Client, isPublicClient, type LinkedUser } from '../../../model/client.ts'
import { OAuthError } from '../../../model/errors.ts'
import { grantableScopes, parseScope } from '../../../protocol/authorization-request/scope.ts'
import type { RequestContext } from '../../../request/context.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { newClientTokenId } from '../../../tokens/token-id.ts'
import type { TokenRequest } from './grant-handler.ts'

export async function clientCredentials(context: RequestContext, request: TokenRequest): Promise<Authorization> {
  const { client, parameters } = request
  const user = linkedUserOf(client)
  const { scopes } = context.configuration
  const isGrantable = (scope: string) =>
    scopes.get(scope)?.enabled === true && scope !== 'openid' && scope !== 'offline_access'
  const requested = parseScope(parameters.get('scope'))
  // RFC 6749 §3.3: without a scope parameter, all scopes of the client.
  const wanted = requested.length > 0 ? requested : [...client.scopes, 'full_api_access']
  const scope = grantableScopes(wanted, client, isGrantable)
  return { client, sub: user.sub, scope, jti: newClientTokenId(), iat: Math.floor(context.now / 1000) }
}

/** Throws unauthorized_client unless the client is confidential (RFC 6749 §4.4) and linked to an enabled user. */
function linkedUserOf(client: Client): LinkedUser {
  const user = client.linked_user
  if (user?.enabled && !isPublicClient(client)) return user
  throw new OAuthError('unauthorized_client', 'the client is not set up for client_credentials', {
    check: 'linked_user',
    expected: 'a confidential client that is linked to an enabled user',
    received: isPublicClient(client)
      ? 'a public client'
      : user
        ? `linked user ${user.user_id}, who is disabled`
        : 'no linked user',
    fix: 'link the client to the (service) user whose rights its tokens should have, and enable that user',
  })
}
