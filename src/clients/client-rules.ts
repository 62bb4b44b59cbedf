// The rules that hold between the settings of a client. Each check names the faulty field.
import { acceptedAlgorithms } from '../crypto/accepted-algorithms.ts'
import { importForeignKey, isPublicKey } from '../crypto/foreign-jwt.ts'
import { signsInUsers } from '../model/grant-type.ts'
import type { ProviderSettings } from '../model/settings.ts'
import { webUriFault } from '../protocol/authorization-request/redirect-uri.ts'
import type { ClientRecord } from '../storage/clients.ts'
import { findMethod } from './authentication/methods.ts'

type Faults = Record<string, string>

/** What the rules need of the provider. */
export interface IssuerFacts {
  settings: ProviderSettings
  /** True if the issuer is on a loopback host. */
  isLoopback: boolean
}

const checks: ((record: ClientRecord, faults: Faults, facts: IssuerFacts) => void | Promise<void>)[] = [
  checkGrants,
  checkAuthentication,
  checkPublicClient,
  checkKeys,
  checkKeyUri,
  checkAlgorithms,
  checkLifetimes,
  checkFlaggedScopes,
]

/** Field → fault. References to other records are checked in change-client.ts. */
export async function clientFaults(record: ClientRecord, facts: IssuerFacts): Promise<Faults> {
  const faults: Faults = {}
  for (const check of checks) await check(record, faults, facts)
  return faults
}

function checkGrants({ row, lists }: ClientRecord, faults: Faults): void {
  const { grant_types } = row
  if (grant_types.includes('authorization_code') && lists.redirect_uris.length === 0) {
    faults.redirect_uris = 'authorization_code needs at least one'
  }
  // offline_access alone decides about refresh tokens; refresh_token in grant_types is accepted but has no effect.
  if (row.offline_access && !signsInUsers(row)) {
    faults.offline_access = 'needs the grant type authorization_code'
  }
  // DESIGN §6: the linked user is the subject of the token.
  if (grant_types.includes('client_credentials') && row.linked_user_id === null) {
    faults.linked_user = 'client_credentials needs one'
  }
}

function checkAuthentication({ row }: ClientRecord, faults: Faults): void {
  const method = findMethod(row.token_endpoint_auth_method)
  if (method?.needs === 'keys' && !row.jwks && row.jwks_uri === null) {
    faults.token_endpoint_auth_method = `${method.name} needs jwks or jwks_uri`
  }
  // RFC 7591 §2
  if (row.jwks && row.jwks_uri !== null) faults.jwks_uri = 'excludes jwks'
}

/** Applies only to clients with a public method: a client without a registered method may still get secrets. */
function checkPublicClient({ row, secrets }: ClientRecord, faults: Faults): void {
  if (findMethod(row.token_endpoint_auth_method)?.needs !== 'nothing') return
  if (secrets.length > 0) faults.secrets = 'a public client (token_endpoint_auth_method none) has no secrets'
  // RFC 6749 §4.4
  if (row.grant_types.includes('client_credentials')) faults.grant_types = 'a public client has no client_credentials'
  // RFC 9700 §2.1.1
  if (!row.require_pkce) faults.require_pkce = 'a public client needs PKCE'
}

async function checkKeys({ row }: ClientRecord, faults: Faults): Promise<void> {
  for (const [index, jwk] of (row.jwks?.keys ?? []).entries()) {
    const fault = await keyFault(jwk)
    if (fault) faults[`jwks.keys.${index}`] = fault
  }
  const kids = (row.jwks?.keys ?? []).flatMap((jwk) => ('kid' in jwk ? [jwk.kid] : []))
  if (new Set(kids).size < kids.length) faults.jwks = 'has two keys with the same kid'
}

async function keyFault(jwk: JsonWebKey): Promise<string | undefined> {
  if (!isPublicKey(jwk)) return 'must be a public key: it has a private or secret member'
  for (const alg of acceptedAlgorithms) if (await importForeignKey(jwk, alg)) return undefined
  return `must be an RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519 key that verifies ${acceptedAlgorithms.join(', ')}`
}

/** The provider fetches the jwks_uri, so plain http is allowed only if the issuer is on loopback. */
function checkKeyUri({ row }: ClientRecord, faults: Faults, facts: IssuerFacts): void {
  if (row.jwks_uri === null) return
  const fault = webUriFault(row.jwks_uri)
  const isPlain = row.jwks_uri.toLowerCase().startsWith('http:')
  if (fault) faults.jwks_uri = fault
  else if (isPlain && !facts.isLoopback) faults.jwks_uri = 'must be https'
}

function checkAlgorithms({ row }: ClientRecord, faults: Faults, facts: IssuerFacts): void {
  const { signing_algs } = facts.settings
  const alg = row.id_token_signed_response_alg
  if (alg !== null && !signing_algs.some((each) => each === alg)) {
    faults.id_token_signed_response_alg = `must be one of the setting signing_algs: ${signing_algs.join(', ')}`
  }
}

function checkLifetimes({ row }: ClientRecord, faults: Faults, { settings }: IssuerFacts): void {
  const sliding = row.refresh_token_sliding_lifetime ?? settings.refresh_token_sliding_lifetime
  const absolute = row.refresh_token_absolute_lifetime ?? settings.refresh_token_absolute_lifetime
  if (sliding > absolute) {
    faults.refresh_token_sliding_lifetime = `must be at most refresh_token_absolute_lifetime (${absolute})`
  }
}

function checkFlaggedScopes({ lists }: ClientRecord, faults: Faults): void {
  if (lists.scopes.includes('full_api_access')) faults.scopes = 'full_api_access is given by api_access'
  if (lists.scopes.includes('offline_access')) faults.scopes = 'offline_access is given by offline_access'
}
