// All D1 tables: the configuration and the directory (DESIGN §8). State that must be used only once is kept in Durable Objects, never here.
import { sql } from 'drizzle-orm'
import {
  type AnySQLiteColumn,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'
import type { GroupMapping, ProviderMetadata, UserTemplate, ValueMapping } from '../model/external-provider.ts'
import type { GrantType } from '../model/grant-type.ts'
import type { FieldChange } from '../model/login-attempt.ts'

/** Milliseconds since 1970. */
const instant = (name: string) => integer(name)
const flag = (name: string) => integer(name, { mode: 'boolean' })
const json = <T>(name: string) => text(name, { mode: 'json' }).$type<T>()

export const tenants = sqliteTable('tenants', {
  tenant_id: text('tenant_id').primaryKey(),
  name: text('name').notNull(),
})

export const users = sqliteTable(
  'users',
  {
    user_id: text('user_id').primaryKey(),
    /** The name that the person types at sign-in, normalised: NFKC, trimmed, lower case. */
    login_name: text('login_name').notNull().unique(),
    sub: text('sub').notNull().unique(),
    subject_ref: text('subject_ref').notNull().unique(),
    version: integer('version').notNull().default(1),
    tenant_id: text('tenant_id').references(() => tenants.tenant_id),
    name: text('name'),
    given_name: text('given_name'),
    family_name: text('family_name'),
    email: text('email'),
    email_verified: flag('email_verified').notNull().default(false),
    gender: text('gender'),
    locale: text('locale'),
    zoneinfo: text('zoneinfo'),
    enabled: flag('enabled').notNull().default(true),
    /** A service account cannot sign in at the login page. Tokens from the client_credentials grant represent it. */
    service_account: flag('service_account').notNull().default(false),
    /** A PHC string; `null` means that the user has no local password. */
    password_hash: text('password_hash'),
    not_before: instant('not_before').notNull().default(0),
    /** The claims that have no column of their own, by claim name. */
    claims: json<Record<string, unknown>>('claims').notNull().default({}),
    created_at: instant('created_at').notNull(),
    updated_at: instant('updated_at').notNull(),
  },
  (table) => [
    // The query by an external provider's e-mail address uses this form. SQLite folds ASCII letters only, so it never equates two other letters.
    index('users_email').on(sql`lower(${table.email})`),
    index('users_tenant').on(table.tenant_id),
  ],
)

/** Subject identifiers of deleted users, which are kept because no subject identifier may be given to a second person. */
export const deletedSubjects = sqliteTable('deleted_subjects', {
  sub: text('sub').primaryKey(),
  user_id: text('user_id').notNull(),
  subject_ref: text('subject_ref').notNull(),
  deleted_at: instant('deleted_at').notNull(),
})

export const userGroups = sqliteTable('user_groups', {
  group_id: text('group_id').primaryKey(),
  name: text('name').notNull(),
  tenant_id: text('tenant_id').references(() => tenants.tenant_id),
})

export const userGroupMembers = sqliteTable(
  'user_group_members',
  {
    user_id: text('user_id')
      .notNull()
      .references(() => users.user_id, { onDelete: 'cascade' }),
    group_id: text('group_id')
      .notNull()
      .references(() => userGroups.group_id, { onDelete: 'cascade' }),
    /** The external provider that granted the membership and may withdraw it; `null` means that an operator granted it. */
    granted_by: text('granted_by').references((): AnySQLiteColumn => identityProviders.provider_id, {
      onDelete: 'set null',
    }),
  },
  (table) => [
    primaryKey({ columns: [table.user_id, table.group_id] }),
    index('user_group_members_group').on(table.group_id),
  ],
)

export const administrators = sqliteTable('administrators', {
  user_id: text('user_id')
    .primaryKey()
    .references(() => users.user_id, { onDelete: 'cascade' }),
  role: text('role', { enum: ['main_administrator', 'administrator', 'auditor'] }).notNull(),
})

export const clients = sqliteTable(
  'clients',
  {
    client_id: text('client_id').primaryKey(),
    client_name: text('client_name').notNull(),
    enabled: flag('enabled').notNull().default(true),
    token_endpoint_auth_method: text('token_endpoint_auth_method'),
    token_endpoint_auth_signing_alg: text('token_endpoint_auth_signing_alg'),
    jwks: json<{ keys: JsonWebKey[] }>('jwks'),
    jwks_uri: text('jwks_uri'),
    grant_types: json<GrantType[]>('grant_types').notNull(),
    api_access: flag('api_access').notNull().default(false),
    offline_access: flag('offline_access').notNull().default(false),
    require_pkce: flag('require_pkce').notNull().default(true),
    require_consent: flag('require_consent').notNull().default(false),
    linked_user_id: text('linked_user_id').references(() => users.user_id, { onDelete: 'set null' }),
    id_token_signed_response_alg: text('id_token_signed_response_alg'),
    access_token_lifetime: integer('access_token_lifetime'),
    id_token_lifetime: integer('id_token_lifetime'),
    code_lifetime: integer('code_lifetime'),
    refresh_token_sliding_lifetime: integer('refresh_token_sliding_lifetime'),
    refresh_token_absolute_lifetime: integer('refresh_token_absolute_lifetime'),
    refresh_token_rotation: flag('refresh_token_rotation').notNull().default(true),
    refresh_token_grace: integer('refresh_token_grace'),
    client_uri: text('client_uri'),
    logo_uri: text('logo_uri'),
    policy_uri: text('policy_uri'),
    tos_uri: text('tos_uri'),
    created_at: instant('created_at').notNull(),
    updated_at: instant('updated_at').notNull(),
  },
  (table) => [index('clients_linked_user').on(table.linked_user_id)],
)

const ofClient = () =>
  text('client_id')
    .notNull()
    .references(() => clients.client_id, { onDelete: 'cascade' })

export const clientRedirectUris = sqliteTable(
  'client_redirect_uris',
  { client_id: ofClient(), uri: text('uri').notNull() },
  (table) => [primaryKey({ columns: [table.client_id, table.uri] })],
)

export const clientPostLogoutUris = sqliteTable(
  'client_post_logout_uris',
  { client_id: ofClient(), uri: text('uri').notNull() },
  (table) => [primaryKey({ columns: [table.client_id, table.uri] })],
)

export const clientOrigins = sqliteTable(
  'client_origins',
  { client_id: ofClient(), origin: text('origin').notNull() },
  (table) => [primaryKey({ columns: [table.client_id, table.origin] })],
)

export const clientSecrets = sqliteTable(
  'client_secrets',
  {
    client_id: ofClient(),
    /** SHA-256 of the secret, base64url. */
    hash: text('hash').notNull(),
    label: text('label').notNull(),
    expires_at: instant('expires_at'),
    created_at: instant('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.client_id, table.hash] })],
)

export const clientScopes = sqliteTable(
  'client_scopes',
  { client_id: ofClient(), scope: text('scope').notNull() },
  (table) => [primaryKey({ columns: [table.client_id, table.scope] })],
)

/** Protected resources. A token with one of a resource's scopes has the resource's identifier as its audience (RFC 9068 §3). */
export const resources = sqliteTable('resources', {
  identifier: text('identifier').primaryKey(),
  name: text('name').notNull(),
  scopes: json<string[]>('scopes').notNull(),
  /** The confidential client that may introspect its tokens (RFC 7662 §4). */
  introspection_client_id: text('introspection_client_id').references(() => clients.client_id, {
    onDelete: 'set null',
  }),
})

export const scopes = sqliteTable('scopes', {
  name: text('name').primaryKey(),
  /** The consent page shows it, by locale: `{ "en": "Your profile" }`. `null` means the built-in text or the name. */
  title: json<Record<string, string>>('title'),
  description: json<Record<string, string>>('description'),
  enabled: flag('enabled').notNull().default(true),
  /** Discovery lists a published scope in scopes_supported. */
  published: flag('published').notNull().default(true),
})

export const scopeClaims = sqliteTable(
  'scope_claims',
  {
    scope: text('scope')
      .notNull()
      .references(() => scopes.name, { onDelete: 'cascade' }),
    claim: text('claim').notNull(),
    /** The place where the claim appears when the scope is granted. */
    destination: text('destination', { enum: ['userinfo', 'id_token', 'access_token'] })
      .notNull()
      .default('userinfo'),
  },
  (table) => [primaryKey({ columns: [table.scope, table.claim, table.destination] })],
)

/** The key ring, which every isolate reads. The private keys are wrapped under WRAP_KEY. */
export const signingKeys = sqliteTable('signing_keys', {
  kid: text('kid').primaryKey(),
  alg: text('alg').notNull(),
  state: text('state', { enum: ['announced', 'active', 'retired', 'gone'] }).notNull(),
  /** The key version that this entry belongs to. Entries share a version when one certificate serves both RS256 and PS256. */
  version: text('version').notNull(),
  /** The name of the vault that holds the key: `local`, … */
  vault: text('vault').notNull(),
  public_jwk: json<JsonWebKey & { kid: string; alg: string }>('public_jwk').notNull(),
  /** DER certificate, base64. */
  certificate: text('certificate').notNull(),
  /** The sealed PKCS#8 key; `null` when the key is gone. */
  wrapped_private_key: text('wrapped_private_key'),
  created_at: instant('created_at').notNull(),
  /** The time from which an announced key may sign. */
  activates_at: instant('activates_at').notNull(),
  retired_at: instant('retired_at'),
  /** The time at which a retired key leaves the JWKS. */
  gone_at: instant('gone_at'),
})

export const settings = sqliteTable('settings', {
  name: text('name').primaryKey(),
  value: json<unknown>('value').notNull(),
})

/**
 * External providers. Each row is read and written as a whole. Groups and tenants that its rules name may be deleted before a person signs
 * in, so provisioning checks them, not a foreign key.
 */
export const identityProviders = sqliteTable('identity_providers', {
  provider_id: text('provider_id').primaryKey(),
  name: text('name').notNull(),
  kind: text('kind', { enum: ['openid', 'oauth2'] }).notNull(),
  enabled: flag('enabled').notNull(),
  metadata_endpoint: text('metadata_endpoint'),
  metadata: json<ProviderMetadata>('metadata'),
  metadata_fetched_at: instant('metadata_fetched_at').notNull().default(0),
  metadata_fault: text('metadata_fault'),
  jwks: json<{ keys: JsonWebKey[] }>('jwks'),
  client_id: text('client_id').notNull(),
  /** Sealed under WRAP_KEY. */
  sealed_client_secret: text('sealed_client_secret'),
  token_endpoint_auth_method: text('token_endpoint_auth_method', {
    enum: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  }).notNull(),
  scopes: json<string[]>('scopes').notNull(),
  claims: json<string[]>('claims').notNull(),
  identifying_claim: text('identifying_claim').notNull(),
  link_existing_users: flag('link_existing_users').notNull().default(true),
  prompt: text('prompt', { enum: ['consent', 'login', 'select_account'] }),
  response_mode: text('response_mode', { enum: ['query', 'form_post'] }),
  allow_all_issuers: flag('allow_all_issuers').notNull(),
  valid_issuers: json<string[]>('valid_issuers').notNull(),
  domains: json<string[]>('domains').notNull(),
  internal_hosts: json<string[]>('internal_hosts').notNull(),
  provisioning_enabled: flag('provisioning_enabled').notNull(),
  user_template: json<UserTemplate>('user_template').notNull(),
  value_mappings: json<ValueMapping[]>('value_mappings').notNull(),
  group_mappings: json<GroupMapping[]>('group_mappings').notNull(),
  sign_in_text: text('sign_in_text'),
  sign_in_icon: text('sign_in_icon'),
  sign_out_text: text('sign_out_text'),
  sign_out_icon: text('sign_out_icon'),
  position: integer('position').notNull().default(0),
  created_at: instant('created_at').notNull(),
  updated_at: instant('updated_at').notNull(),
})

/**
 * The links between accounts at external providers and users. Once a link exists, the user is never searched by e-mail address or name again
 * (OIDC Core §5.7). A link stays when its provider is deleted, so that a later provider that sends the same `sub` is not taken for it.
 */
export const externalIdentities = sqliteTable(
  'external_identities',
  {
    provider_id: text('provider_id').notNull(),
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    user_id: text('user_id')
      .notNull()
      .references(() => users.user_id, { onDelete: 'cascade' }),
    created_at: instant('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.provider_id, table.issuer, table.subject] }),
    // A user has at most one account at a provider, because a second account with the same name or e-mail address is another person's.
    uniqueIndex('external_identities_user').on(table.user_id, table.provider_id),
  ],
)

/** Sign-ins by external providers, kept for `login_attempts_kept`. The rows stay when their user or provider is deleted. */
export const loginAttempts = sqliteTable(
  'login_attempts',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: instant('at').notNull(),
    provider_id: text('provider_id').notNull(),
    outcome: text('outcome', { enum: ['signed_in', 'refused', 'failed'] }).notNull(),
    step: text('step', {
      enum: ['start', 'callback', 'token', 'id_token', 'userinfo', 'match', 'provisioning', 'session'],
    }).notNull(),
    check_name: text('check_name'),
    cause: text('cause'),
    fix: text('fix'),
    user_id: text('user_id'),
    issuer: text('issuer'),
    subject: text('subject'),
    sid: text('sid'),
    request_id: text('request_id').notNull(),
    changes: json<FieldChange[]>('changes').notNull(),
    claims: json<Record<string, unknown>>('claims'),
  },
  (table) => [
    index('login_attempts_at').on(table.at),
    index('login_attempts_provider').on(table.provider_id, table.id),
    index('login_attempts_user').on(table.user_id, table.id),
    index('login_attempts_sid').on(table.provider_id, table.sid),
  ],
)

/** All changes of the configuration, written in the same batch as the change. The highest epoch is the epoch of the configuration. */
export const configChanges = sqliteTable('config_changes', {
  epoch: integer('epoch').primaryKey({ autoIncrement: true }),
  /** client | scope | resource | settings | keys | identity-provider | all */
  kind: text('kind').notNull(),
  /** The client_id, if `kind` is `client`. */
  record: text('record'),
  changed_at: instant('changed_at').notNull(),
})

export const auditEvents = sqliteTable(
  'audit_events',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: instant('at').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    target: text('target').notNull(),
    request_id: text('request_id').notNull(),
    detail: json<Record<string, unknown>>('detail').notNull().default(sql`'{}'`),
  },
  (table) => [index('audit_events_at').on(table.at)],
)
