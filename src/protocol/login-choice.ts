// How a person signs in: by password here, or at an external provider. A pure function of the configuration, the client's request, and the choice
// that this browser remembers.
import type { ExternalProvider } from '../model/external-provider.ts'

export interface LoginChoiceInput {
  /** In the order of their buttons. */
  providers: readonly ExternalProvider[]
  allow_local_accounts: boolean
  /** An external provider's id, or `local`: from `acr_values=idp:ID`, as in IdentityServer, or from the parameter `idp`. */
  idp?: string | undefined
  /** A mail domain: the parameter of this name that Entra and Google have. */
  domain_hint?: string | undefined
  login_hint?: string | undefined
  /** The way that this browser remembers: an external provider's id, or `local`. */
  remembered?: string | undefined
  /** The person asked for every way to sign in. None is then chosen for them, so a failing provider cannot cause a loop. */
  wantsToChoose: boolean
}

/** `isNarrowed`: the page hides further ways to sign in, and links to them. */
export type LoginChoice =
  | { kind: 'provider'; provider: ExternalProvider }
  | { kind: 'page'; providers: ExternalProvider[]; hasLocal: boolean; isNarrowed: boolean }

export function chooseLogin(input: LoginChoiceInput): LoginChoice {
  const providers = usableProviders(input.providers)
  const hasLocal = input.allow_local_accounts
  const all: LoginChoice = { kind: 'page', providers, hasLocal, isNarrowed: false }
  if (input.wantsToChoose) return all

  const wanted = wantedBy(input, providers)
  if (wanted === 'local' && hasLocal) return { kind: 'page', providers: [], hasLocal, isNarrowed: providers.length > 0 }
  if (wanted !== undefined && wanted !== 'local') return { kind: 'provider', provider: wanted }
  const [only] = providers
  return !hasLocal && only && providers.length === 1 ? { kind: 'provider', provider: only } : all
}

/** What the client requests takes precedence over what the browser remembers. */
function wantedBy(input: LoginChoiceInput, providers: ExternalProvider[]): ExternalProvider | 'local' | undefined {
  const byId = (id: string | undefined) => (id === 'local' ? id : providers.find((each) => each.provider_id === id))
  return (
    byId(input.idp) ??
    byDomain(providers, input.domain_hint) ??
    byDomain(providers, mailDomain(input.login_hint)) ??
    byId(input.remembered)
  )
}

const byDomain = (providers: ExternalProvider[], domain: string | undefined): ExternalProvider | undefined =>
  domain === undefined ? undefined : providers.find((each) => each.domains.includes(domain.toLowerCase()))

function mailDomain(hint: string | undefined): string | undefined {
  const at = hint?.lastIndexOf('@') ?? -1
  return at > 0 ? hint?.slice(at + 1) : undefined
}

/** Providers that are enabled and whose metadata was read: without metadata, the address to redirect to is unknown. */
export const usableProviders = (providers: readonly ExternalProvider[]): ExternalProvider[] =>
  providers.filter((provider) => provider.enabled && provider.metadata !== null)

/**
 * Provider id → its `created_at` (milliseconds), for each enabled external provider. Sessions and grants from other providers no longer count, nor
 * those older than a provider that was created again under the same id.
 */
export type AcceptedIdps = Record<string, number>

export const acceptedIdps = (providers: readonly ExternalProvider[]): AcceptedIdps =>
  Object.fromEntries(providers.filter((each) => each.enabled).map((each) => [each.provider_id, each.created_at]))

/** True if a session or grant that began at `since` (milliseconds) still counts. */
export function isAcceptedIdp(accepted: AcceptedIdps, idp: string, since: number): boolean {
  if (idp === 'local') return true
  const created = Object.hasOwn(accepted, idp) ? accepted[idp] : undefined
  return created !== undefined && since >= created
}
