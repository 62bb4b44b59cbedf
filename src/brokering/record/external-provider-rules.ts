// Rules for the fields of an external provider taken together. Each check names the field that is at fault.

import { directoryClaimFaults, directoryClaimNameFault } from '../../model/directory-claims.ts'
import type {
  ExternalProvider,
  MappedField,
  PlainField,
  ProviderMetadata,
  TemplateField,
} from '../../model/external-provider.ts'
import { parseOutboundUrl } from '../../outbound/outbound-url.ts'
import { iconFault } from '../../pages/icon.ts'
import { isLoopbackHost } from '../../protocol/authorization-request/redirect-uri.ts'
import { validateField, validateUserId } from '../provisioning/claim-fields.ts'

type Faults = Record<string, string>

/** The facts about our own issuer that the rules need. */
export interface IssuerFacts {
  /** Whether our issuer is on loopback. */
  isLoopback: boolean
}

type Check = (provider: ExternalProvider, faults: Faults, facts: IssuerFacts) => void

const checks: Check[] = [
  checkClientId,
  checkMetadataEndpoint,
  checkStatedEndpoints,
  checkAuthentication,
  checkWhatIsSupported,
  checkIssuers,
  checkTemplate,
  checkValueMappings,
  checkIcons,
]

/** Maps each faulty field to its fault. References to other records are checked separately. */
export function providerFaults(provider: ExternalProvider, facts: IssuerFacts): Faults {
  const faults: Faults = {}
  for (const check of checks) check(provider, faults, facts)
  return faults
}

function checkClientId({ client_id }: ExternalProvider, faults: Faults): void {
  if (client_id === '') faults.client_id = 'is missing: the id under which the provider knows this client'
}

function checkMetadataEndpoint(provider: ExternalProvider, faults: Faults, facts: IssuerFacts): void {
  const { kind, metadata_endpoint } = provider
  if (kind === 'oauth2') {
    if (metadata_endpoint !== null) faults.metadata_endpoint = 'is for kind openid: of kind oauth2, state endpoints'
  } else if (metadata_endpoint === null) {
    faults.metadata_endpoint = 'is missing: an address that ends with /.well-known/openid-configuration'
  } else {
    const fault = addressFault(metadata_endpoint, provider, facts)
    if (fault) faults.metadata_endpoint = fault
  }
}

function addressFault(text: string, { internal_hosts }: ExternalProvider, facts: IssuerFacts): string | undefined {
  const parsed = parseOutboundUrl(text, facts.isLoopback, internal_hosts)
  return 'fault' in parsed ? parsed.fault : undefined
}

/** For kind openid the metadata states the endpoints, and is validated when it is read. */
function checkStatedEndpoints(provider: ExternalProvider, faults: Faults, facts: IssuerFacts): void {
  const { kind, metadata } = provider
  if (kind !== 'oauth2') return
  if (!metadata) faults.endpoints = 'is missing: kind oauth2 has no metadata that would say them'
  for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint'] as const) {
    const fault = metadata && addressFault(metadata[name] ?? '', provider, facts)
    if (fault) faults[`endpoints.${name}`] = fault
  }
  if (metadata && issuerFault(metadata.issuer)) faults['endpoints.issuer'] = issuerFault(metadata.issuer) ?? ''
}

function checkAuthentication(provider: ExternalProvider, faults: Faults): void {
  const { token_endpoint_auth_method: method, sealed_client_secret } = provider
  if (method.startsWith('client_secret_') && sealed_client_secret === null) faults.client_secret = `${method} needs one`
}

/** A member that the metadata does not have is not checked, since most lists are optional (OIDC Discovery §3). */
function checkWhatIsSupported(provider: ExternalProvider, faults: Faults): void {
  const { metadata, token_endpoint_auth_method, response_mode, prompt } = provider
  const supports = (list: keyof ProviderMetadata, field: string, value: string | null) => {
    const values = metadata?.[list]
    if (value === null || !Array.isArray(values) || values.includes(value)) return
    faults[field] = `is ${value}, which the provider does not support: its ${list} are ${values.join(', ')}`
  }
  supports('token_endpoint_auth_methods_supported', 'token_endpoint_auth_method', token_endpoint_auth_method)
  supports('response_modes_supported', 'response_mode', response_mode)
  supports('prompt_values_supported', 'prompt', prompt)
}

function checkIssuers({ metadata, allow_all_issuers, valid_issuers }: ExternalProvider, faults: Faults): void {
  // "All issuers" means all of one template, never every issuer.
  if (allow_all_issuers && metadata && !metadata.issuer.includes('{tenantid}')) {
    faults.allow_all_issuers = `needs an issuer with {tenantid} in it, and this provider's is ${metadata.issuer}: list others in valid_issuers`
  }
  for (const [index, issuer] of valid_issuers.entries()) {
    const fault = issuerFault(issuer)
    if (fault) faults[`valid_issuers.${index}`] = fault
  }
}

/** OIDC Core §2, iss. Plain http is for development. */
function issuerFault(issuer: string): string | undefined {
  const url = URL.parse(issuer)
  const isWeb = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))
  if (!isWeb || !/^[\x21-\x7e]+$/.test(issuer)) return 'must be an https address, as it stands in `iss`'
  return issuer.includes('?') || issuer.includes('#') ? 'must have no query and no fragment' : undefined
}

/** A default for an identifying field would make all people the same user. */
const personal: readonly string[] = ['user_id', 'login_name', 'email']

function checkTemplate({ user_template }: ExternalProvider, faults: Faults): void {
  for (const [field, template] of Object.entries(user_template)) {
    const path = `user_template.${field}`
    if (template?.claim === undefined && template?.default === undefined) faults[path] = 'needs a claim or a default'
    const nameFault = field.startsWith('claims.') ? directoryClaimNameFault(field.slice('claims.'.length)) : undefined
    if (nameFault) faults[path] = nameFault
    if (template?.default === undefined || nameFault) continue
    const fault = personal.includes(field)
      ? 'differs from person to person: it has no default'
      : valueFault(field as TemplateField, template.default)
    if (fault) faults[`${path}.default`] = fault
  }
}

function checkValueMappings({ value_mappings, user_template }: ExternalProvider, faults: Faults): void {
  for (const [index, { field, value }] of value_mappings.entries()) {
    const path = `value_mappings.${index}`
    if (user_template[field]?.claim === undefined)
      faults[`${path}.field`] = `needs a claim: user_template.${field}.claim`
    const fault = valueFault(field, value)
    if (fault) faults[`${path}.value`] = fault
  }
}

/** Whether the value is valid for the field. A tenant is looked up separately. */
function valueFault(field: TemplateField | MappedField, value: string): string | undefined {
  if (field.startsWith('claims.')) {
    const claim = field.slice('claims.'.length)
    return directoryClaimFaults({ [claim]: value })[claim]
  }
  const judged =
    field === 'user_id' ? validateUserId(value) : validateField(field as PlainField, value, new Set([value]))
  return 'fault' in judged ? judged.fault : undefined
}

function checkIcons(provider: ExternalProvider, faults: Faults): void {
  for (const name of ['sign_in_icon', 'sign_out_icon'] as const) {
    const icon = provider[name]
    const fault = icon === null ? undefined : iconFault(icon)
    if (fault) faults[name] = fault
  }
}

/** The tenants that the rules can assign, each with the field that names it. */
export function tenantsOf({ user_template, value_mappings }: ExternalProvider): { path: string; id: string }[] {
  const mapped = value_mappings.map(({ field, value }, index) => ({
    field,
    path: `value_mappings.${index}.value`,
    id: value,
  }))
  const ofMappings = mapped.filter(({ field }) => field === 'tenant_id').map(({ path, id }) => ({ path, id }))
  const fallback = user_template.tenant_id?.default
  return fallback === undefined
    ? ofMappings
    : [{ path: 'user_template.tenant_id.default', id: fallback }, ...ofMappings]
}
