// `acr_values` (OIDC Core §3.1.2.1). As in IdentityServer, the value `idp:ID` in it asks for an external provider.
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

/** An external provider that is unknown or cannot be used now is not an error: the person chooses how to sign in. */
export function chooseIdp({ requested_idp, provider }: { requested_idp?: string | undefined } & WithProvider): {
  idp: string | undefined
} {
  return { idp: requested_idp !== undefined && provider.isUsableIdp(requested_idp) ? requested_idp : undefined }
}
