// Token endpoint (RFC 6749 §3.2): the steps every grant type shares. What differs lives in grant-types/, one file each.

import { authenticateClient } from '../../clients/authentication/client-authentication.ts'
import { OAuthError } from '../../model/errors.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { grantTypes } from './grant-types/grant-types.ts'

export async function token(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const { client } = await authenticateClient(context, request, parameters)
  const grantType = parameters.get('grant_type')
  const issueTokens = grantType === null ? undefined : grantTypes.get(grantType)
  if (!issueTokens || grantType === null) {
    throw new OAuthError(
      grantType ? 'unsupported_grant_type' : 'invalid_request',
      'grant_type is missing or not supported',
      {
        check: 'grant_type',
        expected: [...grantTypes.keys()].join(', '),
        received: grantType ?? '(none)',
        fix: 'use one of the grant types that discovery lists',
      },
    )
  }
  context.log.grant_type = grantType
  if (!mayUse(client, grantType)) {
    throw new OAuthError('unauthorized_client', 'the client may not use this grant_type', {
      check: 'grant_types',
      expected: client.grant_types.join(', ') || '(none)',
      received: grantType,
      fix: `add ${grantType} to the grant types of ${client.client_id}`,
    })
  }
  const tokens = await issueTokens(context, { parameters, client })
  // RFC 6749 §5.1: no cache may keep a token.
  return Response.json(tokens, { headers: { 'cache-control': 'no-store', pragma: 'no-cache' } })
}

/** Refresh tokens follow the Offline setting, not the list of grant types. */
const mayUse = (client: { grant_types: string[] }, grantType: string): boolean =>
  client.grant_types.includes(grantType === 'refresh_token' ? 'authorization_code' : grantType)
