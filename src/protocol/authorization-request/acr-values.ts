// `acr_values` (OIDC Core §3.1.2.1), and the hint of an external provider that IdentityServer puts there: `idp:ID`.
import type { Received, WithProvider } from './known.ts'
import { spaceSeparated } from './space-separated.ts'

const idpPrefix = 'idp:'

export function parseAcrValues({ parameters }: Received): {
  acr_values: string[] | undefined
  requested_idp: string | undefined
} {
  const values = spaceSeparated(parameters.get('acr_values'))
  const hint = values?.find((value) => value.startsWith(idpPrefix))?.slice(idpPrefix.length)
  return {
    acr_values: values?.filter((value) => !value.startsWith(idpPrefix)),
    requested_idp: parameters.get('idp') ?? hint,
  }
}

/** A provider that does not exist or cannot be used now is no error: the person chooses. */
export function chooseIdp({ requested_idp, provider }: { requested_idp?: string | undefined } & WithProvider): {
  idp: string | undefined
} {
  return { idp: requested_idp !== undefined && provider.isUsableIdp(requested_idp) ? requested_idp : undefined }
}
