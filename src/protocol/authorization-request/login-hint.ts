// Hints about the person (OIDC Core §3.1.2.1). They are never errors: they prefill and choose, and prove nothing.
import type { Received } from './known.ts'
import { spaceSeparated } from './space-separated.ts'

/** `login_hint`, cut to the longest login name. */
export const parseLoginHint = ({ parameters }: Received): { login_hint: string | undefined } => ({
  login_hint: parameters.get('login_hint')?.slice(0, 320),
})

/** `ui_locales`, in the order of preference. */
export const parseUiLocales = ({ parameters }: Received): { ui_locales: string[] | undefined } => ({
  ui_locales: spaceSeparated(parameters.get('ui_locales')),
})

/** `domain_hint`, by which Entra and Google name the mail domain of the person: an external provider may be known by it. */
export const parseDomainHint = ({ parameters }: Received): { domain_hint: string | undefined } => ({
  domain_hint: parameters.get('domain_hint')?.slice(0, 253),
})
