// Fetches the claims of the person from the userinfo endpoint of an external provider (OIDC Core §5.3; for kind `oauth2` its own API).

import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { shown } from '../../model/untrusted-text.ts'
import type { RequestContext } from '../../request/context.ts'
import { type Budget, fetchJson } from './provider-fetch.ts'
import type { UpstreamTokens } from './token-request.ts'
import { said } from './upstream-response.ts'

/** One hop. Throws BrokeringError, because a claim that could not be fetched must not count as withdrawn. */
export async function fetchUserinfo(
  context: RequestContext,
  provider: ExternalProvider,
  { userinfo_endpoint: url }: ProviderMetadata,
  { access_token }: UpstreamTokens,
  budget: Budget,
): Promise<Record<string, unknown>> {
  if (url === undefined) throw failed('The metadata names no user-info endpoint.')
  if (access_token === undefined) throw failed('The token endpoint sent no access token of type Bearer.')
  const call = { step: 'userinfo', name: 'user-info endpoint', check: 'userinfo_endpoint', url } as const
  const headers = { authorization: `Bearer ${access_token}` }
  const { status, body } = await fetchJson(context, provider, budget, { ...call, headers })
  if (status === 200 && body.error === undefined) return body
  throw failed(`The user-info endpoint answered with status ${status}: ${errorOf(body)}.`)
}

/** OIDC Core §5.3.2: without this comparison the claims of another person could be substituted. */
export function requireSubject(userinfo: Record<string, unknown>, sub: string): void {
  if (userinfo.sub === sub) return
  throw new BrokeringError({
    step: 'userinfo',
    check: 'userinfo_sub',
    publicCause: 'invalid_answer',
    cause: `The user-info endpoint tells of sub ${shown(userinfo.sub)}, but the ID token is of ${shown(sub)}.`,
    fix: 'Tell the administrator of the provider: both must name the same person.',
  })
}

/** The APIs of Facebook and Google put an object there. */
function errorOf({ error, error_description, message }: Record<string, unknown>): string {
  if (typeof error === 'string') return said(error, shown(error_description ?? ''))
  return shown(error ?? message ?? 'nothing that we understand')
}

function failed(cause: string): BrokeringError {
  return new BrokeringError({
    step: 'userinfo',
    check: 'userinfo_endpoint',
    publicCause: 'invalid_answer',
    cause,
    fix: 'Request the scopes that give access to the claims of this provider, or map fewer claims.',
    outcome: 'failed',
  })
}
