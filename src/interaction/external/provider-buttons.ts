// Text and icon of the external providers' buttons: the text an administrator configured, or ours in the person's language.

import type { ExternalProvider } from '../../model/external-provider.ts'
import type { ProviderButton } from '../../pages/login.tsx'
import type { Texts } from '../../pages/texts.ts'
import { hrefOf, paths } from '../../request/addresses.ts'
import type { Issuer } from '../../request/issuer.ts'

export const signInButton = (provider: ExternalProvider, issuer: Issuer, texts: Texts): ProviderButton => ({
  provider_id: provider.provider_id,
  name: provider.name,
  text: provider.sign_in_text ?? texts.login_with_provider.replace('{provider}', () => provider.name),
  ...iconOf(provider, issuer, 'sign-in', provider.sign_in_icon),
})

export const signOutButton = (provider: ExternalProvider, issuer: Issuer, texts: Texts): ProviderButton => ({
  provider_id: provider.provider_id,
  name: provider.name,
  text: provider.sign_out_text ?? texts.account_sign_out_upstream.replace('{provider}', () => provider.name),
  ...iconOf(provider, issuer, 'sign-out', provider.sign_out_icon),
})

/** Returns the address of the icon. It changes with the record, so that browsers may cache the icon. */
function iconOf(
  { provider_id, updated_at }: ExternalProvider,
  issuer: Issuer,
  purpose: 'sign-in' | 'sign-out',
  icon: string | null,
): { icon?: string } {
  if (icon === null) return {}
  return {
    icon: `${hrefOf(issuer, paths.providerIcon)}?provider=${provider_id}&for=${purpose}&v=${updated_at.toString(36)}`,
  }
}
