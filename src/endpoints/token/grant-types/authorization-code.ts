// grant_type=authorization_code (RFC 6749 §4.1.3, RFC 7636 §4.5): a code is redeemed once.

import { hashSecret, newSecret, openHandle, sealHandle } from '../../../grants/handles.ts'
import { askSubject } from '../../../grants/subject/ask-subject.ts'
import type { NewFamily } from '../../../grants/subject/grants.ts'
import type { Client } from '../../../model/client.ts'
import { invalidGrant } from '../../../model/oauth-errors.ts'
import { challengeOf } from '../../../protocol/authorization-request/pkce.ts'
import type { RequestContext } from '../../../request/context.ts'
import type { Authorization } from '../../../tokens/authorization.ts'
import { newGrantTokenId } from '../../../tokens/token-id.ts'
import { requiredParameter, type TokenRequest } from './grant-handler.ts'
import { requireUsableGrant } from './usable-grant.ts'

export async function authorizationCode(context: RequestContext, request: TokenRequest): Promise<Authorization> {
  const { client, parameters } = request
  const handle = await openHandle(context, 'code', requiredParameter(parameters, 'code'))
  if (!handle) {
    throw invalidGrant({
      description: 'the code is not valid',
      check: 'code',
      expected: 'a code that this provider issued',
      received: 'something else, or a code that was truncated or changed',
      fix: 'send the code exactly as it came in the authorization response',
    })
  }
  const { subject_ref, id } = handle
  const secret = newSecret()
  const family = client.offline_access ? await newFamily(context, client, secret) : null
  const presented = {
    client_id: client.client_id,
    redirect_uri: parameters.get('redirect_uri'),
    code_challenge: await challengeOf(parameters.get('code_verifier')),
  }
  const codeHash = await hashSecret(handle.secret)
  const redemption = await askSubject(context, subject_ref, (subject) =>
    subject.redeemCode(id, codeHash, presented, family, context.now),
  )
  if (redemption.outcome === 'replayed') {
    throw invalidGrant({
      description: 'the code was used before',
      check: 'code',
      expected: 'each code redeemed once',
      received: 'a code that was redeemed before; its tokens were revoked',
      fix: 'redeem each code once, and find out who else has it',
    })
  }
  if (redemption.outcome === 'unknown')
    throw invalidGrant({ description: 'the code is not valid', ...redemption.detail })

  const { grant, person: user } = redemption
  requireUsableGrant(context, client, grant, 'code')
  const hasFamily = family !== null && grant.scope.includes('offline_access')
  return {
    client,
    sub: user.sub,
    scope: grant.scope,
    jti: await newGrantTokenId(context, subject_ref, id),
    iat: Math.floor(context.now / 1000),
    sign_in: { user, grant, nonce: grant.nonce },
    refresh_token: hasFamily ? await sealHandle(context, 'refresh-token', { subject_ref, id, secret }) : undefined,
  }
}

async function newFamily(context: RequestContext, client: Client, secret: Uint8Array<ArrayBuffer>): Promise<NewFamily> {
  const { settings } = context.configuration
  const sliding = client.refresh_token_sliding_lifetime ?? settings.refresh_token_sliding_lifetime
  const absolute = client.refresh_token_absolute_lifetime ?? settings.refresh_token_absolute_lifetime
  return {
    refresh_hash: await hashSecret(secret),
    refresh_expires_at: context.now + sliding * 1000,
    refresh_ends_at: context.now + absolute * 1000,
    most: settings.max_families,
  }
}
