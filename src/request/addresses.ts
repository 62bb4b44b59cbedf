// Every path that this provider serves is written here and nowhere else. All are below the issuer. `:name` is one segment and `*` the rest of the path, as in
// itty-router.
import type { Issuer } from './issuer.ts'

export const paths = {
  home: '/',
  health: '/health',

  discovery: '/.well-known/openid-configuration',
  authorizationServerMetadata: '/.well-known/oauth-authorization-server',
  jwks: '/.well-known/openid-configuration/jwks',

  authorize: '/connect/authorize',
  token: '/connect/token',
  userinfo: '/connect/userinfo',
  introspection: '/connect/introspect',
  revocation: '/connect/revocation',

  account: '/account',
  login: '/account/login',
  selectAccount: '/account/select',
  consent: '/account/consent',
  signOut: '/account/logout',

  externalLogin: '/external/login',
  externalCallback: '/external/callback/:provider_id',
  externalSignedOut: '/external/signed-out',
  externalBackchannelLogout: '/external/backchannel-logout/:provider_id',
  providerIcon: '/external/icon',

  playground: '/playground',
  playgroundIndex: '/playground/',
  playgroundFiles: '/playground/*',

  /** The prefix of the administration API; its rows state the rest (admin/table.ts). */
  admin: '/admin/api',
} as const

/** A link within our own pages and redirects. */
export const hrefOf = ({ basePath }: Pick<Issuer, 'basePath'>, path: string): string => basePath + path

/** An absolute address: for metadata, external providers and assertions. */
export const addressOf = ({ url }: Pick<Issuer, 'url'>, path: string): string => url + path

/** `'provider_id'` of `/external/callback/:provider_id`. */
export type ParameterName<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterName<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** A path with a value for each of its parameters. */
export const fillPath = <Path extends string>(path: Path, parameters: Record<ParameterName<Path>, string>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: ParameterName<Path>) => encodeURIComponent(parameters[name]))
