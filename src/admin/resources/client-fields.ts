// Schemas of a client: RFC 7591 §2 names where they exist, IAM's settings beside them.
import * as z from 'zod/mini'
import { methodNames } from '../../clients/authentication/methods.ts'
import { acceptedAlgorithms } from '../../crypto/accepted-algorithms.ts'
import { signingAlgorithms } from '../../crypto/signing-algorithms.ts'
import { grantTypes } from '../../model/grant-type.ts'
import { originFault, redirectUriFault, webUriFault } from '../../protocol/authorization-request/redirect-uri.ts'
import type { ClientRecord, ClientSecretRow } from '../../storage/clients.ts'
import { identifier, instant, line, seconds, set, toInstant, validatedBy } from '../fields.ts'
import { scopeName } from './scopes.ts'

export const clientId = identifier(100)

const uri = z.string().check(validatedBy(redirectUriFault))
const origin = z.string().check(validatedBy(originFault))
const link = z.nullable(z.string().check(validatedBy(webUriFault)))

const minute = 60
const day = 24 * 60 * minute
/** `null` means the issuer's setting. */
const lifetime = (least: number, most: number) => z.nullable(seconds(least, most))

const metadata = {
  client_name: line(200),
  enabled: z.boolean(),
  token_endpoint_auth_method: z.nullable(z.enum(methodNames)),
  token_endpoint_auth_signing_alg: z.nullable(z.enum(acceptedAlgorithms)),
  jwks: z.nullable(
    z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1), z.maxLength(20)) }),
  ),
  jwks_uri: z.nullable(z.string()),
  grant_types: z.array(z.enum(grantTypes)).check(z.minLength(1), z.maxLength(grantTypes.length)),
  redirect_uris: set(uri, 100),
  post_logout_redirect_uris: set(uri, 100),
  client_origins: set(origin, 100),
  /** Besides full_api_access and offline_access, which have their own flags. */
  scopes: set(scopeName, 100),
  api_access: z.boolean(),
  offline_access: z.boolean(),
  require_pkce: z.boolean(),
  require_consent: z.boolean(),
  /** user_id of the user that client_credentials tokens represent. */
  linked_user: z.nullable(z.string()),
  id_token_signed_response_alg: z.nullable(z.enum(signingAlgorithms)),
  access_token_lifetime: lifetime(minute, day),
  id_token_lifetime: lifetime(minute, day),
  code_lifetime: lifetime(10, 10 * minute),
  refresh_token_sliding_lifetime: lifetime(minute, 365 * day),
  refresh_token_absolute_lifetime: lifetime(minute, 5 * 365 * day),
  refresh_token_rotation: z.boolean(),
  refresh_token_grace: lifetime(0, 10 * minute),
  client_uri: link,
  logo_uri: link,
  policy_uri: link,
  tos_uri: link,
}

const secretLabel = line(100)

/** A secret as an administrator types it. It is never read back. */
const typedSecret = z.strictObject({
  value: z.string().check(z.minLength(1), z.maxLength(1000)),
  label: z._default(secretLabel, 'default'),
  expires_at: z._default(z.nullable(instant), null),
})

export const clientBody = z.partial(
  z.strictObject({ ...metadata, secrets: z.array(typedSecret).check(z.maxLength(20)) }),
)
export type ClientBody = z.output<typeof clientBody>

export const newSecretBody = z.partial(z.strictObject({ label: secretLabel, expires_at: z.nullable(instant) }))

export const secretAnswer = z.object({
  label: z.string(),
  expires_at: z.nullable(z.iso.datetime()),
  created_at: z.iso.datetime(),
  /** The first characters of its SHA-256, by which DELETE names it. */
  hash_prefix: z.string(),
})

export const clientAnswer = z.object({
  client_id: clientId,
  ...metadata,
  redirect_uris: z.array(z.string()),
  post_logout_redirect_uris: z.array(z.string()),
  client_origins: z.array(z.string()),
  scopes: z.array(z.string()),
  secrets: z.array(secretAnswer),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
})

export const hashPrefixLength = 8

export function serialiseSecret(secret: ClientSecretRow): z.input<typeof secretAnswer> {
  return {
    label: secret.label,
    expires_at: secret.expires_at === null ? null : toInstant(secret.expires_at),
    created_at: toInstant(secret.created_at),
    hash_prefix: secret.hash.slice(0, hashPrefixLength),
  }
}

export function serialiseClient({ row, lists, secrets }: ClientRecord): z.input<typeof clientAnswer> {
  const { linked_user_id, created_at, updated_at, ...columns } = row
  return {
    ...(columns as Omit<z.input<typeof clientAnswer>, keyof ClientRecord['lists'] | 'linked_user' | 'secrets'>),
    ...lists,
    linked_user: linked_user_id,
    secrets: secrets.map(serialiseSecret),
    created_at: toInstant(created_at),
    updated_at: toInstant(updated_at),
  }
}
