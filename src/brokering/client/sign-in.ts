// Countersign as the client of an external provider: the two halves of a sign-in, before the browser leaves and after it returns.

import type { ExternalProvider, ProviderMetadata, UpstreamLogin } from '../../model/external-provider.ts'
import { type AttemptStep, BrokeringError } from '../../model/login-attempt.ts'
import type { RequestContext } from '../../request/context.ts'
import { oauth2Login } from './oauth2-client.ts'
import { openidLogin } from './openid-client.ts'
import { startBudget } from './provider-fetch.ts'
import { redeemCode } from './token-request.ts'
import type { SignAssertion } from './upstream-client-authentication.ts'
import { authorizationUrl, nonceOf, type UpstreamRequest } from './upstream-request.ts'
import { parseCallback } from './upstream-response.ts'

export type { SignAssertion } from './upstream-client-authentication.ts'
export type { UpstreamRequest } from './upstream-request.ts'

/** `parameters` are those that the browser brought, with a `state` that was verified. */
export interface UpstreamAnswer {
  provider: ExternalProvider
  redirect_uri: string
  secret: Uint8Array<ArrayBuffer>
  parameters: URLSearchParams
}

/** Returns the URL to send the browser to. No hop, or one if the provider requires pushed requests. Throws BrokeringError. */
export async function startUpstreamLogin(
  context: RequestContext,
  request: UpstreamRequest,
  sign: SignAssertion,
): Promise<string> {
  return authorizationUrl(context, request, metadataOf(request.provider, 'start'), sign)
}

/** Returns the verified sign-in. Hops: token endpoint; keys and userinfo if needed. Throws BrokeringError. */
export async function completeUpstreamLogin(
  context: RequestContext,
  { provider, redirect_uri, secret, parameters }: UpstreamAnswer,
  sign: SignAssertion,
): Promise<UpstreamLogin> {
  const metadata = metadataOf(provider, 'callback')
  const code = parseCallback(parameters, metadata, provider)
  const budget = startBudget()
  const tokens = await redeemCode(context, provider, metadata, { code, redirect_uri, secret }, sign, budget)
  return provider.kind === 'openid'
    ? openidLogin(context, provider, metadata, tokens, await nonceOf(secret), budget)
    : oauth2Login(context, provider, metadata, tokens, budget)
}

function metadataOf({ metadata, metadata_fault }: ExternalProvider, step: AttemptStep): ProviderMetadata {
  if (metadata) return metadata
  throw new BrokeringError({
    step,
    check: 'metadata',
    publicCause: 'unreachable',
    cause: `The provider's metadata was never read${metadata_fault ? `: ${metadata_fault}` : ''}.`,
    fix: 'Correct the metadata endpoint, then reload scopes and claims.',
    outcome: 'failed',
  })
}
