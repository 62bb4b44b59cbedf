// Decides which issuers' tokens a provider's record accepts: its own issuer, further issuers by name, or every tenant of one template, but never any issuer.
// Entra's metadata for several tenants states `https://login.microsoftonline.com/{tenantid}/v2.0`; its tokens name the tenant, and `tid` with it.
import type { ExternalProvider } from '../../model/external-provider.ts'

export interface IssuerRules extends Pick<ExternalProvider, 'allow_all_issuers' | 'valid_issuers'> {
  /** Of the metadata. */
  issuer: string
}

const placeholder = '{tenantid}'
const guid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const isGuid = (text: unknown): text is string => typeof text === 'string' && new RegExp(`^${guid}$`, 'i').test(text)

/** On these hosts one template serves all tenants, although the metadata of a single tenant names that tenant. */
const hostsOfTenants = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'sts.windows.net',
])

export const isTemplate = (issuer: string): boolean => issuer.includes(placeholder)

export const isEntra = (issuer: string): boolean => hostsOfTenants.has(URL.parse(issuer)?.hostname ?? '')

export function acceptsIssuer({ issuer, allow_all_issuers, valid_issuers }: IssuerRules, claims: Claims): boolean {
  const { iss, tid } = claims
  if (typeof iss !== 'string') return false
  if (iss === issuer && !isTemplate(issuer)) return true
  if (valid_issuers.includes(iss)) return true
  const template = allow_all_issuers ? templateOf(issuer) : undefined
  return template !== undefined && isFilledBy(template, iss, tid)
}

/** An Entra key may name the issuer whose tokens it signs. It is then accepted for no other issuer. */
export function keyServesIssuer(keyIssuer: unknown, { iss, tid }: Claims): boolean {
  if (keyIssuer === undefined || keyIssuer === iss) return true
  return typeof keyIssuer === 'string' && isTemplate(keyIssuer) && isFilledBy(keyIssuer, iss, tid)
}

/** RFC 9207: the `iss` of an authorization response, before a token states the tenant. */
export function fitsIssuer(rules: IssuerRules, iss: string): boolean {
  const [before = '', after = ''] = (templateOf(rules.issuer) ?? '').split(placeholder)
  const tid = iss.slice(before.length, iss.length - after.length)
  return iss === rules.issuer || acceptsIssuer(rules, { iss, tid })
}

interface Claims {
  iss?: unknown
  tid?: unknown
}

/** Returns undefined if every token of this provider has the same issuer. */
function templateOf(issuer: string): string | undefined {
  if (isTemplate(issuer)) return issuer
  return isEntra(issuer) ? issuer.replace(new RegExp(`(?<=/)${guid}(?=/)`, 'i'), placeholder) : undefined
}

/** Fills the template with the token's own `tid`, which must be a GUID, so that nothing else fits between the slashes. */
const isFilledBy = (template: string, iss: unknown, tid: unknown): boolean =>
  isGuid(tid) && template.replace(placeholder, tid) === iss
