// Turns the tokens of an OpenID Provider into a verified sign-in: the ID token, and userinfo for the claims that it lacks.

import type { ExternalProvider, ProviderMetadata, UpstreamLogin } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Budget } from './provider-fetch.ts'
import type { UpstreamTokens } from './token-request.ts'
import { fetchUserinfo, requireSubject } from './userinfo-request.ts'
import { type IdTokenClaims, knownOf, verifyIdToken } from './verify-id-token.ts'

/** Characters. A longer ID token would not fit into a sign-out URL. */
const longestHint = 4096

/** At most two hops: keys, userinfo. Throws BrokeringError. */
export async function openidLogin(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  tokens: UpstreamTokens,
  nonce: string,
  budget: Budget,
): Promise<UpstreamLogin> {
  const told = await verifyIdToken(context, provider, metadata, tokens, nonce, budget)
  const claims = await completed(context, provider, metadata, tokens, told, budget)
  const { auth_time, acr, amr, sid } = told
  const { id_token } = tokens
  return {
    issuer: told.iss,
    subject: told.sub,
    claims,
    ...(typeof auth_time === 'number' ? { authenticated_at: auth_time * 1000 } : {}),
    ...(typeof acr === 'string' ? { acr } : {}),
    ...(isTexts(amr) ? { amr } : {}),
    ...(isSid(sid) ? { sid } : {}),
    ...(id_token !== undefined && id_token.length <= longestHint ? { id_token } : {}),
  }
}

const isSid = (sid: unknown): sid is string => typeof sid === 'string' && sid !== '' && sid.length <= 512

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

/** Claims of the ID token take precedence, because they are signed. */
async function completed(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  tokens: UpstreamTokens,
  told: IdTokenClaims,
  budget: Budget,
): Promise<Record<string, unknown>> {
  const isComplete = neededClaims(provider).every((claim) => Object.hasOwn(told, claim))
  if (isComplete || metadata.userinfo_endpoint === undefined) return told
  try {
    const userinfo = await fetchUserinfo(context, provider, metadata, tokens, budget)
    requireSubject(userinfo, told.sub)
    return { ...aboutSameMail(userinfo, told), ...told }
  } catch (error) {
    throw error instanceof BrokeringError ? error.withKnown(knownOf(told)) : error
  }
}

/** OIDC Core §5.1: `email_verified` is about the address beside it, never about another document's. */
function aboutSameMail(userinfo: Record<string, unknown>, told: IdTokenClaims): Record<string, unknown> {
  if (!Object.hasOwn(told, 'email') || userinfo.email === told.email) return userinfo
  const { email_verified, ...others } = userinfo
  return others
}

/** The claims that matching, the template and the group rules read. */
export function neededClaims(provider: ExternalProvider): string[] {
  const { identifying_claim, provisioning_enabled, user_template, group_mappings } = provider
  if (!provisioning_enabled) return [identifying_claim]
  const ofFields = Object.values(user_template).map((field) => field?.claim)
  const ofGroups = group_mappings.map(({ when }) => when?.claim)
  return [...new Set([identifying_claim, ...ofFields, ...ofGroups])].filter((claim) => claim !== undefined)
}
