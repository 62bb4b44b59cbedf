// The guard of the administration API: the caller must hold OPERATOR_TOKEN. It runs before any route is matched (SECURITY-CASES D01, D04).

import { sameText, sha256 } from '../crypto/encoding.ts'
import { Problem } from '../model/errors.ts'
import { notFound } from '../model/problems.ts'
import type { RequestContext } from '../request/context.ts'

/** Sets the actor of the request, whom audit events name. Throws a Problem. */
export async function authenticateOperator(context: RequestContext, request: Request): Promise<void> {
  const { operatorToken } = context.deployment
  if (!operatorToken) throw notFound('The operator interface is switched off')
  const site = request.headers.get('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site') throw new Problem(403, 'Requests from other sites are refused')

  const [scheme, token, ...rest] = (request.headers.get('authorization') ?? '').split(' ')
  const isBearer = scheme?.toLowerCase() === 'bearer' && token !== undefined && rest.length === 0
  // Hashes are compared, so that the comparison takes the same time for every length.
  if (isBearer && sameText(await sha256(token), await sha256(operatorToken))) {
    context.actor = 'operator'
    return
  }

  await limitGuesses(context)
  const challenge = { 'www-authenticate': isBearer ? 'Bearer error="invalid_token"' : 'Bearer' }
  throw new Problem(401, 'The operator token is missing or wrong', { headers: challenge })
}

async function limitGuesses(context: RequestContext): Promise<void> {
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key: `operator:${context.address}` })
  if (!success)
    throw new Problem(429, 'Too many wrong operator tokens from this address', { headers: { 'retry-after': '60' } })
}
