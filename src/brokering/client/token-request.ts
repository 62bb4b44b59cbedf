// Exchanges the code that the browser brought for the tokens of an external provider (RFC 6749 §4.1.3, OIDC Core §3.1.3). A code is never sent twice.

import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { shown } from '../../model/untrusted-text.ts'
import type { RequestContext } from '../../request/context.ts'
import { type Budget, fetchJson } from './provider-fetch.ts'
import { clientCredentials, type SignAssertion } from './upstream-client-authentication.ts'
import { codeVerifierOf, usesPkce } from './upstream-request.ts'
import { said } from './upstream-response.ts'

export interface UpstreamTokens {
  access_token: string | undefined
  id_token: string | undefined
}

export interface CodeToRedeem {
  code: string
  redirect_uri: string
  secret: Uint8Array<ArrayBuffer>
}

/** One hop. Throws BrokeringError. */
export async function redeemCode(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  { code, redirect_uri, secret }: CodeToRedeem,
  sign: SignAssertion,
  budget: Budget,
): Promise<UpstreamTokens> {
  const { headers, fields } = await clientCredentials(context, provider, metadata, sign, 'token')
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri, ...fields })
  if (usesPkce(provider, metadata)) form.set('code_verifier', await codeVerifierOf(secret))
  const call = { step: 'token', name: 'token endpoint', check: 'token_endpoint' } as const
  const { status, body } = await fetchJson(context, provider, budget, {
    ...call,
    url: metadata.token_endpoint,
    headers,
    form,
  })
  // GitHub sends errors with status 200.
  if (status !== 200 || typeof body.error === 'string') throw refusedBy(status, body)
  return parseTokens(body)
}

function refusedBy(status: number, { error, error_description }: Record<string, unknown>): BrokeringError {
  const answer = typeof error === 'string' ? said(error, shown(error_description ?? '')) : 'nothing that we understand'
  return new BrokeringError({
    step: 'token',
    check: 'token_endpoint',
    publicCause: 'invalid_answer',
    cause: `The token endpoint answered with status ${status}: ${answer}.`,
    fix: fixOf(error),
    outcome: 'failed',
  })
}

const fixOf = (error: unknown): string =>
  error === 'invalid_client' || error === 'unauthorized_client' || error === 'incorrect_client_credentials'
    ? 'Enter the client id and secret again, and choose the client authentication that the provider registered.'
    : error === 'invalid_grant' || error === 'bad_verification_code'
      ? 'Sign in again: a code is good for a minute and for one use. Compare the redirect URI with what the provider registered.'
      : "Compare the provider's registration of this client with its record here."

/** The most characters of an access token. */
const longestToken = 16 * 1024

function parseTokens({ access_token, id_token, token_type }: Record<string, unknown>): UpstreamTokens {
  // RFC 6749 §7.1: a token of an unknown type must not be used. Without it only userinfo is lost.
  const isBearer = token_type === undefined || (typeof token_type === 'string' && token_type.toLowerCase() === 'bearer')
  const isUsable = typeof access_token === 'string' && /^[\x21-\x7e]+$/.test(access_token)
  return {
    access_token: isBearer && isUsable && access_token.length <= longestToken ? access_token : undefined,
    id_token: typeof id_token === 'string' ? id_token : undefined,
  }
}
