// Back-channel logout from an external provider (OIDC Back-Channel Logout §2.5–§2.8): ends the sessions that began with a session there.
import { verifyLogoutToken } from '../brokering/client/verify-logout-token.ts'
import { isFirstUse } from '../grants/first-use.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { OAuthError } from '../model/errors.ts'
import type { ExternalProvider } from '../model/external-provider.ts'
import { invalidRequest } from '../model/oauth-errors.ts'
import { hop, type RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { openDatabase } from '../storage/database.ts'
import { findSubjectRefs } from '../storage/upstream-sessions.ts'

/** Milliseconds after its `iat` for which a token's `jti` is remembered: longer than a token is accepted. */
const rememberedFor = 3_600_000

export async function backchannelLogout(
  context: RequestContext,
  { params, parameters }: Incoming<'provider_id'>,
): Promise<Response> {
  const provider = findProvider(context, params.provider_id)
  context.log({ idp: provider.provider_id })
  const token = parameters.get('logout_token')
  if (token === null) throw refused({ expected: 'a logout_token', received: 'none' })
  const verified = await verifyLogoutToken(context, provider, token)
  if ('fault' in verified) throw refused({ expected: 'a logout token of this provider', received: verified.fault })
  const { issuer, sub, sid = null } = verified
  const from = { provider_id: provider.provider_id, issuer }
  const subjectRefs = await hop(context, 'D1', () =>
    findSubjectRefs(openDatabase(context.env.DB.withSession('first-primary')), { ...from, subject: sub ?? null, sid }),
  )
  // Marked after everything that can fail, so that the provider can send the token again.
  await requireFirstUse(context, provider, verified)
  const ended = await Promise.all(
    subjectRefs.map((subjectRef) =>
      askSubject(context, subjectRef, (subject) => subject.endUpstreamSessions({ ...from, sid }, context.now)),
    ),
  )
  context.log({ sessions_ended: ended.reduce((sum, each) => sum + each, 0) })
  return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
}

function findProvider({ configuration }: RequestContext, providerId: string): ExternalProvider {
  const provider = configuration.externalProviders.find((each) => each.provider_id === providerId)
  if (provider?.enabled) return provider
  throw refused({ expected: 'an enabled provider', received: providerId })
}

/** A replayed token would end sessions that began after it. */
async function requireFirstUse(
  context: RequestContext,
  provider: ExternalProvider,
  { jti, iat }: { jti: string; iat: number },
): Promise<void> {
  // The expiry derives from `iat`, not from now: OneTime stores rows by the hour of their expiry, so a replay must compute the same hour.
  const expiresAt = iat * 1000 + rememberedFor
  if (!(await isFirstUse(context, ['logout', provider.provider_id, jti], expiresAt)))
    throw refused({ expected: 'a jti that was never used', received: 'a logout token that was used before' })
}

function refused(found: { expected: string; received: string }): OAuthError {
  return invalidRequest({
    ...found,
    description: 'the logout token is not accepted',
    check: 'logout_token',
    fix: 'compare the provider’s issuer, client id and keys with its record here',
  })
}
