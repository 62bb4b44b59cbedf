// Hints about the person (OIDC Core §3.1.2.1). They only prefill and preselect, so no value is an error.
import type { Received } from './known.ts'
import { spaceSeparated } from './space-separated.ts'

/** `login_hint`, cut to 320 characters, the length of the longest login name. */
export const parseLoginHint = ({ parameters }: Received): { login_hint: string | undefined } => ({
  login_hint: parameters.get('login_hint')?.slice(0, 320),
})

/** `ui_locales`, in the order of preference. */
export const parseUiLocales = ({ parameters }: Received): { ui_locales: string[] | undefined } => ({
  ui_locales: spaceSeparated(parameters.get('ui_locales')),
})

/** `domain_hint`, the person's mail domain, as Entra and Google call it. It may select an external provider. */
export const parseDomainHint = ({ parameters }: Received): { domain_hint: string | undefined } => ({
  domain_hint: parameters.get('domain_hint')?.slice(0, 253),
})
