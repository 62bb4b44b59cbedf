// Presets of well-known providers: the values that an administrator need not look up. Client id and secret come from the provider's own pages.
import type { ExternalProvider, UserTemplate } from '../../model/external-provider.ts'

export const presetNames = ['github', 'facebook', 'google', 'entra'] as const
export type PresetName = (typeof presetNames)[number]

/** The metadata of kind `oauth2` is stated here, since those providers publish none. */
export type Preset = Partial<ExternalProvider> & Pick<ExternalProvider, 'name' | 'kind'>

const standardTemplate: UserTemplate = {
  name: { claim: 'name' },
  given_name: { claim: 'given_name' },
  family_name: { claim: 'family_name' },
  email: { claim: 'email' },
}

const graph = 'https://graph.facebook.com/v24.0'

export const presets: Record<PresetName, Preset> = {
  // https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
  github: {
    name: 'GitHub',
    kind: 'oauth2',
    metadata: {
      issuer: 'https://github.com',
      authorization_endpoint: 'https://github.com/login/oauth/authorize',
      token_endpoint: 'https://github.com/login/oauth/access_token',
      userinfo_endpoint: 'https://api.github.com/user',
      code_challenge_methods_supported: ['S256'],
    },
    token_endpoint_auth_method: 'client_secret_post',
    scopes: ['read:user', 'user:email'],
    claims: ['avatar_url', 'company', 'email', 'html_url', 'id', 'login', 'name'],
    // The number `id`, because a login can be released and taken by another person.
    identifying_claim: 'sub',
    // Anyone can have an account there, and ids are plain numbers.
    link_existing_users: false,
    user_template: {
      user_id: { claim: 'login' },
      name: { claim: 'name' },
      email: { claim: 'email' },
      'claims.profile': { claim: 'html_url' },
      'claims.picture': { claim: 'avatar_url' },
    },
  },
  // https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
  facebook: {
    name: 'Facebook',
    kind: 'oauth2',
    metadata: {
      issuer: 'https://www.facebook.com',
      authorization_endpoint: 'https://www.facebook.com/v24.0/dialog/oauth',
      token_endpoint: `${graph}/oauth/access_token`,
      userinfo_endpoint: `${graph}/me?fields=id,name,first_name,last_name,email`,
    },
    token_endpoint_auth_method: 'client_secret_post',
    scopes: ['public_profile', 'email'],
    claims: ['email', 'first_name', 'id', 'last_name', 'name'],
    identifying_claim: 'sub',
    // Anyone can have an account there, and ids are plain numbers.
    link_existing_users: false,
    user_template: {
      name: { claim: 'name' },
      given_name: { claim: 'first_name' },
      family_name: { claim: 'last_name' },
      email: { claim: 'email' },
    },
  },
  google: {
    name: 'Google',
    kind: 'openid',
    metadata_endpoint: 'https://accounts.google.com/.well-known/openid-configuration',
    scopes: ['openid', 'profile', 'email'],
    user_template: standardTemplate,
  },
  // Accounts of every organisation; none is accepted until its issuer is listed or all are allowed.
  entra: {
    name: 'Microsoft Entra ID',
    kind: 'openid',
    metadata_endpoint: 'https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration',
    scopes: ['openid', 'profile', 'email'],
    claims: ['groups', 'oid', 'tid', 'upn'],
    user_template: standardTemplate,
  },
}
