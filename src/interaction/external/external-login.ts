// Redirects to an external provider: from its button, or without the login page if there is nothing to choose.

import { isEntra } from '../../brokering/client/issuer-template.ts'
import { type SignAssertion, startUpstreamLogin } from '../../brokering/client/sign-in.ts'
import type { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { BrokeringError } from '../../model/login-attempt.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import { compact } from '../../model/record.ts'
import { printable } from '../../model/untrusted-text.ts'
import type { Prompt } from '../../protocol/authorization-request/prompt.ts'
import { usableProviders } from '../../protocol/login-choice.ts'
import { addressOf, fillPath, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'
import type { Incoming } from '../../request/incoming.ts'
import { signJwt } from '../../signing-keys/signing.ts'
import { choiceCookies } from '../choice-cookie.ts'
import { requireOwnForm } from '../form-guard.ts'
import type { Interaction } from '../interaction.ts'
import { type OngoingAuthorization, resume } from '../ongoing-authorization.ts'
import { seeOther } from '../page.ts'
import { showExternalProblem } from './external-problem.ts'
import { sealExternalState } from './external-state.ts'

/**
 * Returns the redirect_uri to register at an external provider. Each provider has its own, so that a response cannot be taken for another
 * provider's (RFC 9700 §4.4.2).
 */
export const callbackAddress = ({ issuer }: RequestContext, providerId: string): string =>
  addressOf(issuer, fillPath(paths.externalCallback, { provider_id: providerId }))

/** POST: a provider's button on the login page. Throws invalid_request if the external provider cannot be used. */
export async function externalLogin(context: RequestContext, incoming: Incoming): Promise<Response> {
  requireOwnForm(context, incoming.request)
  const { interaction, ongoing } = await resume(context, incoming)
  const providerId = incoming.parameters.get('provider') ?? ''
  const provider = usableProviders(context.configuration.externalProviders).find(
    (each) => each.provider_id === providerId,
  )
  if (!provider) throw unknownProvider(providerId)
  const cookies = choiceCookies(context, incoming, providerId)
  const remember = incoming.parameters.has('remember')
  const wantsOther = wantsOtherAccount(incoming)
  return redirectToProvider(context, incoming, { provider, interaction, ongoing, remember, wantsOther, cookies })
}

/** True if the login page's address or form asks for an account other than the one that is signed in. */
export const wantsOtherAccount = ({ parameters }: Incoming): boolean => parameters.get('account') === 'other'

export interface SignInAtProvider {
  provider: ExternalProvider
  interaction: Interaction
  ongoing: OngoingAuthorization | undefined
  remember: boolean
  /** The person asked for an account other than the one that is signed in. */
  wantsOther?: boolean
  cookies?: string[]
}

/** Redirects the browser to the external provider. No hop, unless the provider requires pushed authorization requests (RFC 9126). */
export async function redirectToProvider(
  context: RequestContext,
  incoming: Incoming,
  { provider, interaction, ongoing, remember, wantsOther = false, cookies = [] }: SignInAtProvider,
): Promise<Response> {
  const state = await sealExternalState(context, incoming.request, {
    provider_id: provider.provider_id,
    provider_since: provider.created_at,
    begun_at: context.now,
    remember,
    interaction,
  })
  context.log({ idp: provider.provider_id })
  const request = ongoing?.request
  const requested = {
    prompt: promptFor(provider, request?.prompt ?? [], wantsOther),
    ...compact({ max_age: request?.max_age, login_hint: request?.login_hint, ui_locales: request?.ui_locales }),
    acr_values: [...new Set([...(request?.claims?.essential_acr ?? []), ...(request?.acr_values ?? [])])],
  }
  try {
    const upstream = {
      provider,
      redirect_uri: callbackAddress(context, provider.provider_id),
      state: state.sealed,
      secret: state.secret,
      ...requested,
    }
    const location = await startUpstreamLogin(context, upstream, assertionSigner(context, provider))
    return seeOther(location, [...cookies, ...state.cookies])
  } catch (error) {
    if (!(error instanceof BrokeringError)) throw error
    return showExternalProblem(context, incoming, { provider, interaction, ongoing, error, cookies })
  }
}

/** Passes on the client's prompt. Without one, uses the prompt configured for the external provider. A configured `consent` is always added. */
function promptFor(provider: ExternalProvider, prompt: Prompt[], wantsOther: boolean): string[] {
  const requested = prompt.filter((each) => each === 'login' || each === 'select_account')
  if (requested.length === 0 && wantsOther) return promptForOther(provider)
  if (requested.length === 0) return provider.prompt ? [provider.prompt] : []
  return provider.prompt === 'consent' ? [...requested, 'consent'] : requested
}

/**
 * Without a prompt, the external provider would return the same account again. Prefers an account chooser if the metadata lists
 * `select_account`. If the metadata lists no prompts, uses `login`, which every OpenID Provider supports (OIDC Core §3.1.2.1), except at
 * Google and OAuth 2.0 providers, which get `select_account`.
 */
function promptForOther({ kind, metadata }: ExternalProvider): string[] {
  const hasChooser = kind === 'oauth2' || metadata?.issuer === 'https://accounts.google.com'
  const known = metadata?.prompt_values_supported ?? [hasChooser ? 'select_account' : 'login']
  const prompt = ['select_account', 'login'].find((each) => known.includes(each))
  return prompt === undefined ? [] : [prompt]
}

/**
 * Returns a function that signs private_key_jwt assertions with this issuer's signing key. The external provider finds the key at our jwks_uri
 * (RFC 7523bis §4); Entra ID knows it by a copy of the certificate.
 */
export function assertionSigner(context: RequestContext, { metadata }: ExternalProvider): SignAssertion {
  const alg = context.configuration.settings.id_token_signing_alg
  return (claims) =>
    isEntra(metadata?.issuer ?? '')
      ? signJwt(context, { alg: 'RS256', typ: 'JWT', claims, namedBy: 'certificate' })
      : signJwt(context, { alg, typ: 'client-authentication+jwt', claims })
}

function unknownProvider(providerId: string): OAuthError {
  return invalidRequest({
    description: 'this way of signing in does not exist (any more)',
    check: 'identity_provider',
    expected: 'an enabled provider whose metadata was read',
    received: printable(providerId, 100),
    fix: 'start again from the application; an administrator finds the provider under identity-providers',
  })
}
