// How somebody is to sign in: by password here, or by which external provider. A pure function of what is configured, what the application
// asks for, and what this browser remembers.
import type { ExternalProvider } from '../model/external-provider.ts'

export interface LoginChoiceInput {
  /** In the order of their buttons. */
  providers: readonly ExternalProvider[]
  allow_local_accounts: boolean
  /** A provider's id, or `local`: `acr_values=idp:ID` as IdentityServer has it, or the parameter `idp`. */
  idp?: string | undefined
  /** A mail domain (or Entra's and Google's word for it). */
  domain_hint?: string | undefined
  login_hint?: string | undefined
  /** What the person chose to be remembered: a provider's id, or `local`. */
  remembered?: string | undefined
  /** The person wants to see every way: nothing is taken for them, so a provider that fails cannot be gone to again and again. */
  wantsToChoose: boolean
}

/** `page`: with these. `isNarrowed`: there are more ways, which the page leads to. */
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

/** What the application says goes before what the browser remembers. */
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

/** Enabled, and read at least once: nothing is known of where to send people otherwise. */
export const usableProviders = (providers: readonly ExternalProvider[]): ExternalProvider[] =>
  providers.filter((provider) => provider.enabled && provider.metadata !== null)

/** Sessions and grants count as long as where they came from: provider id → its `created_at`, so that a namesake inherits nothing. */
export type AcceptedIdps = Record<string, number>

export const acceptedIdps = (providers: readonly ExternalProvider[]): AcceptedIdps =>
  Object.fromEntries(providers.filter((each) => each.enabled).map((each) => [each.provider_id, each.created_at]))

/** `since` in milliseconds: when the session or grant began. */
export function isAcceptedIdp(accepted: AcceptedIdps, idp: string, since: number): boolean {
  if (idp === 'local') return true
  const created = Object.hasOwn(accepted, idp) ? accepted[idp] : undefined
  return created !== undefined && since >= created
}
