// Token endpoint (RFC 6749 §3.2): the steps that all grant types share. A grant type supplies only the authorization (grant-types/, one file each).

import { authenticateClient } from '../../clients/authentication/client-authentication.ts'
import type { Client } from '../../model/client.ts'
import { OAuthError } from '../../model/errors.ts'
import { type GrantType, grantTypes, isGrantType, mayUseGrantType } from '../../model/grant-type.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { issueTokens } from '../../tokens/issue-tokens.ts'
import { grantHandlers } from './grant-types/grant-types.ts'

export async function token(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const { client } = await authenticateClient(context, request, parameters)
  const grantType = requireGrantType(parameters.get('grant_type'))
  context.log({ grant_type: grantType })
  requireMayUse(client, grantType)

  const authorization = await grantHandlers[grantType](context, { parameters, client })
  const tokens = await issueTokens(context, authorization)

  // RFC 6749 §5.1: no cache may keep a token.
  return Response.json(tokens, { headers: { 'cache-control': 'no-store', pragma: 'no-cache' } })
}

/** Throws invalid_request or unsupported_grant_type. */
function requireGrantType(name: string | null): GrantType {
  if (isGrantType(name)) return name
  throw new OAuthError(name ? 'unsupported_grant_type' : 'invalid_request', 'grant_type is missing or not supported', {
    check: 'grant_type',
    expected: grantTypes.join(', '),
    received: name ?? '(none)',
    fix: 'use one of the grant types that discovery lists',
  })
}

/** Throws unauthorized_client. */
function requireMayUse(client: Client, grantType: GrantType): void {
  if (mayUseGrantType(client, grantType)) return
  throw new OAuthError('unauthorized_client', 'the client may not use this grant_type', {
    check: 'grant_types',
    expected: client.grant_types.join(', ') || '(none)',
    received: grantType,
    fix: `add ${grantType} to the grant types of ${client.client_id}`,
  })
}
