// Validates an external provider's metadata before a browser is sent there (OIDC Discovery §3, §4.3, RFC 8414 §2, §3.3), and selects the members that are stored.

import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { shown } from '../../model/untrusted-text.ts'
import { parseOutboundUrl } from '../../outbound/outbound-url.ts'
import { isEntra } from '../client/issuer-template.ts'

export interface MetadataRules extends Pick<ExternalProvider, 'valid_issuers' | 'internal_hosts'> {
  metadata_endpoint: string
  allowLoopback: boolean
  /** Signature algorithms that we can verify. */
  algorithms: readonly string[]
}

type Document = Record<string, unknown>
type MetadataCheck = (document: Document, rules: MetadataRules) => string | undefined

const checks: MetadataCheck[] = [checkIssuer, checkEndpoints, checkResponseType, checkAlgorithms]

/** `fault`: one plain sentence. */
export function parseProviderMetadata(
  document: Document,
  rules: MetadataRules,
): { metadata: ProviderMetadata } | { fault: string } {
  for (const check of checks) {
    const fault = check(document, rules)
    if (fault !== undefined) return { fault }
  }
  return { metadata: reduced(document) }
}

/** OIDC Discovery §4.3: otherwise any document could claim to be any issuer's. */
function checkIssuer({ issuer }: Document, rules: MetadataRules): string | undefined {
  if (typeof issuer !== 'string' || issuer.length > 500) return 'The metadata names no issuer.'
  const { metadata_endpoint, allowLoopback, internal_hosts } = rules
  const url = parseOutboundUrl(issuer.replace('{tenantid}', 'tenantid'), allowLoopback, internal_hosts)
  if ('fault' in url) return `The metadata's issuer ${shown(issuer)} ${url.fault}.`
  if (fitsEndpoint(issuer, metadata_endpoint) || rules.valid_issuers.includes(issuer)) return undefined
  return `The metadata's issuer is ${shown(issuer)}, which does not belong to ${metadata_endpoint}: correct the metadata endpoint, or add this issuer to the additional issuers if the provider is known to differ.`
}

const wellKnown = /\/\.well-known\/(?:openid-configuration|oauth-authorization-server)/

function fitsEndpoint(issuer: string, endpoint: string): boolean {
  const url = URL.parse(endpoint)
  if (!url || !wellKnown.test(url.pathname)) return false
  // OIDC Discovery appends the well-known part to the issuer, RFC 8414 §3.1 puts it before its path. A query is the server's own (Entra's appid).
  const stated = url.origin + url.pathname.replace(wellKnown, '')
  const plain = issuer.replace(/\/$/, '')
  return stated === plain || (isEntra(issuer) && isEntra(endpoint) && fitsEntra(plain, stated))
}

/**
 * Entra's endpoints are below `common`, `organizations`, `consumers` or any name of a tenant, while its issuers contain `{tenantid}` or the id:
 * exactly one segment, at this place. Issuers of v1.0 have a host of their own.
 */
function fitsEntra(issuer: string, endpoint: string): boolean {
  const [of, at] = [new URL(issuer), new URL(endpoint)]
  const [, tenant = '', ...rest] = of.pathname.split('/')
  const [, name = '', ...further] = at.pathname.split('/')
  if (name === '' || !(tenant === placeholder || isTenantId(tenant))) return false
  // A record for one tenant must not become a record for another tenant, or for all.
  if (isTenantId(name) && name.toLowerCase() !== tenant.toLowerCase()) return false
  const isFirstVersion = of.hostname === 'sts.windows.net' && rest.length === 0 && further.length === 0
  return isFirstVersion || (of.origin === at.origin && rest.join('/') === further.join('/'))
}

/** `{tenantid}` as the URL parser encodes it in a path. */
const placeholder = '%7Btenantid%7D'
const isTenantId = (segment: string): boolean => /^[0-9a-f-]{36}$/i.test(segment)

const endpoints = {
  authorization_endpoint: true,
  token_endpoint: true,
  jwks_uri: true,
  userinfo_endpoint: false,
  end_session_endpoint: false,
  pushed_authorization_request_endpoint: false,
} as const

/** Another public host is allowed, since large providers have several (Google's token endpoint is not at its issuer); http or an internal host is not. */
function checkEndpoints(document: Document, rules: MetadataRules): string | undefined {
  for (const [name, isRequired] of Object.entries(endpoints)) {
    const value = document[name]
    if (value === undefined || value === null) {
      if (isRequired) return `The metadata names no ${name}.`
      continue
    }
    if (typeof value !== 'string' || value.length > 2000) return `The metadata's ${name} is no address.`
    const url = parseOutboundUrl(value, rules.allowLoopback, rules.internal_hosts)
    if ('fault' in url) return `The metadata's ${name} ${shown(value)} ${url.fault}.`
    if (url.url.hash) return `The metadata's ${name} ${shown(value)} must have no fragment.`
  }
  return undefined
}

function checkResponseType({ response_types_supported: types }: Document): string | undefined {
  if (types === undefined || (Array.isArray(types) && types.includes('code'))) return undefined
  return 'The provider does not support the authorization code flow (response type code), and no other is used here.'
}

function checkAlgorithms(
  { id_token_signing_alg_values_supported: stated }: Document,
  { algorithms }: MetadataRules,
): string | undefined {
  if (stated === undefined || algorithms.some((alg) => Array.isArray(stated) && stated.includes(alg))) return undefined
  return `The provider signs ID tokens with ${shown(stated)}, but one of ${algorithms.join(', ')} is expected.`
}

const lists = [
  'code_challenge_methods_supported',
  'id_token_signing_alg_values_supported',
  'token_endpoint_auth_methods_supported',
  'response_modes_supported',
  'scopes_supported',
  'claims_supported',
  'prompt_values_supported',
] as const
const flags = [
  'require_pushed_authorization_requests',
  'authorization_response_iss_parameter_supported',
  'backchannel_logout_supported',
] as const

/** Selects the known members, each of its type and within its bound. */
function reduced(document: Document): ProviderMetadata {
  const kept: Document = { issuer: document.issuer }
  for (const name of Object.keys(endpoints)) if (typeof document[name] === 'string') kept[name] = document[name]
  for (const name of lists) if (Array.isArray(document[name])) kept[name] = boundedList(document[name])
  for (const name of flags) if (typeof document[name] === 'boolean') kept[name] = document[name]
  return kept as unknown as ProviderMetadata
}

const [mostEntries, longestEntry] = [200, 200]

const boundedList = (list: unknown[]): string[] =>
  list
    .filter((entry): entry is string => typeof entry === 'string' && entry !== '' && entry.length <= longestEntry)
    .slice(0, mostEntries)
