// Schemas of an external provider. The client secret is written and never read.
import * as z from 'zod/mini'
import { presetNames } from '../../brokering/record/presets.ts'
import {
  type ExternalProvider,
  isProviderId,
  mappedFields,
  templateFields,
  upstreamAuthMethods,
} from '../../model/external-provider.ts'
import { identifier, line, set, toInstant, validatedBy } from '../fields.ts'

export const providerKey = z
  .string()
  .check(
    validatedBy((id) =>
      isProviderId(id)
        ? undefined
        : 'must be 1 to 50 of a-z, 0-9, dot, dash and underscore, begin with a letter or digit, and not be `local`',
    ),
  )

/** A claim name as the provider spells it, often a URL. */
const claimName = line(255)
const claimNames = set(claimName, 500)
/** RFC 6749 §3.3 */
const scopeToken = z
  .string()
  .check(z.minLength(1), z.maxLength(255), z.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be a scope name' }))
const address = z.string().check(z.maxLength(2000))

const lowered = (item: z.ZodMiniType<string, string>, most: number) =>
  z.pipe(
    z.array(item).check(z.maxLength(most)),
    z.transform((items) => [...new Set(items.map((text) => text.toLowerCase()))].sort()),
  )
const domain = z.string().check(
  z.maxLength(253),
  z.regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/i, {
    error: 'must be a mail domain such as example.com',
  }),
)
const host = z
  .string()
  .check(z.maxLength(253), z.regex(/^[a-z0-9.:[\]-]+$/i, { error: 'must be a host name or an IP address' }))

const templateField = z
  .string()
  .check(
    validatedBy((name) =>
      templateFields.some((field) => field === name) || /^claims\../.test(name)
        ? undefined
        : `is not a field: ${templateFields.join(', ')}, or claims.NAME`,
    ),
  )
const fieldTemplate = z.strictObject({ claim: z.optional(claimName), default: z.optional(line(1000)) })
const valueMapping = z.strictObject({
  field: z.enum(mappedFields),
  claim_value: line(1000),
  value: line(255),
  priority: z.int().check(z.minimum(0), z.maximum(100_000)),
})
const groupMapping = z.strictObject({
  group_id: z.string(),
  when: z.optional(z.strictObject({ claim: claimName, value: line(1000) })),
})

const buttonText = z.nullable(line(100))
const icon = z.nullable(z.string())

const settable = {
  name: line(100),
  kind: z.enum(['openid', 'oauth2']),
  enabled: z.boolean(),
  metadata_endpoint: z.nullable(address),
  client_id: identifier(500),
  token_endpoint_auth_method: z.enum(upstreamAuthMethods),
  identifying_claim: claimName,
  link_existing_users: z.boolean(),
  prompt: z.nullable(z.enum(['consent', 'login', 'select_account'])),
  response_mode: z.nullable(z.enum(['query', 'form_post'])),
  allow_all_issuers: z.boolean(),
  provisioning_enabled: z.boolean(),
  value_mappings: z.array(valueMapping).check(z.maxLength(1000)),
  group_mappings: z.array(groupMapping).check(z.maxLength(1000)),
  sign_in_text: buttonText,
  sign_in_icon: icon,
  sign_out_text: buttonText,
  sign_out_icon: icon,
  position: z.int().check(z.minimum(0), z.maximum(10_000)),
}

/** Endpoints of a provider of kind `oauth2`, which publishes no metadata. */
export const statedEndpoints = z.strictObject({
  authorization_endpoint: address,
  token_endpoint: address,
  userinfo_endpoint: address,
  issuer: z.optional(address),
  code_challenge_methods_supported: z.optional(z.array(z.string()).check(z.maxLength(5))),
})

export const externalProviderBody = z.partial(
  z.strictObject({
    ...settable,
    /** At creation, supplies the fields that the body leaves out. */
    preset: z.enum(presetNames),
    /** `null` means that the client has no secret at the provider. */
    client_secret: z.nullable(line(2000)),
    /** `null` means client_secret_basic with a secret, none without. */
    token_endpoint_auth_method: z.nullable(settable.token_endpoint_auth_method),
    endpoints: statedEndpoints,
    scopes: set(scopeToken, 100),
    claims: claimNames,
    valid_issuers: set(address, 1000),
    domains: lowered(domain, 200),
    internal_hosts: lowered(host, 20),
    user_template: z.record(templateField, fieldTemplate),
  }),
)
export type ExternalProviderBody = z.output<typeof externalProviderBody>

export const externalProviderAnswer = z.object({
  provider_id: z.string(),
  ...settable,
  scopes: z.array(z.string()),
  claims: z.array(z.string()),
  valid_issuers: z.array(z.string()),
  domains: z.array(z.string()),
  internal_hosts: z.array(z.string()),
  user_template: z.record(z.string(), fieldTemplate),
  has_client_secret: z.boolean(),
  /** The metadata as last read, or as stated for kind `oauth2`; `null` if it was never read. */
  metadata: z.nullable(z.record(z.string(), z.unknown())),
  metadata_fetched_at: z.nullable(z.iso.datetime()),
  /** Why the last read failed. The metadata of the read before stays in use. */
  metadata_fault: z.nullable(z.string()),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
})

export function serialiseProvider(provider: ExternalProvider): z.input<typeof externalProviderAnswer> {
  const { sealed_client_secret, jwks, metadata, ...shown } = provider
  return {
    ...shown,
    user_template: { ...shown.user_template } as z.input<typeof externalProviderAnswer>['user_template'],
    has_client_secret: sealed_client_secret !== null,
    metadata: metadata && { ...metadata },
    metadata_fetched_at: provider.metadata_fetched_at === 0 ? null : toInstant(provider.metadata_fetched_at),
    created_at: toInstant(provider.created_at),
    updated_at: toInstant(provider.updated_at),
  }
}
