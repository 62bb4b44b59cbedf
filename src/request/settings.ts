// Bindings and variables → Settings, once for each environment; all faults are reported together.
import { createSealer, parseSecretKeys, type Sealer, type SecretKey } from '../crypto/seal.ts'
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'
import { parseVaultSettings, type VaultSettings } from './vault-settings.ts'

export interface Settings {
  /** The issuer, byte for byte as in every token and document. No trailing slash. */
  issuer: string
  /** Path of the issuer, '' for none: every route stands below it. */
  basePath: string
  issuerOrigin: string
  /** An http issuer on a loopback name: cookies without `Secure`, names that carry the port. */
  isLoopback: boolean
  sealer: Sealer
  /** Seals signing keys at rest, under WRAP_KEY. */
  keyWrapper: Sealer
  pepper: SecretKey[]
  /** Where the signing certificate is shared with other instances. */
  vault: VaultSettings
  /** Absent: the operator's interface answers 404. */
  operatorToken: string | undefined
  playground: boolean
  requestLog: boolean
  cookies: CookieNames
}

export interface CookieNames {
  session: string
  browser: string
  device: string
  /** Prefix of one cookie for each sign-in that is under way at an external provider. */
  external: string
  /** How the person wants to sign in. */
  choice: string
  /** Read by script in check_session; worthless by itself. */
  state: string
}

/** Something the deployment must mend before anything is served. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly faults: string[]

  constructor(faults: string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

let last: { env: Env; settings: Settings } | undefined

/** The settings of an environment. Throws SettingsError with every fault at once. */
export function settingsOf(env: Env): Settings {
  if (last?.env === env) return last.settings
  const settings = parseSettings(env)
  last = { env, settings }
  return settings
}

/** Throws SettingsError. */
export function parseSettings(env: Partial<Record<keyof Env, unknown>>): Settings {
  const faults: string[] = []
  const issuer = parseIssuer(text(env.AUTHORITY_URL), faults)
  const secret = (name: 'SEAL_KEY' | 'WRAP_KEY' | 'PEPPER'): SecretKey[] => {
    const keys = parseSecretKeys(text(env[name]))
    if (!keys)
      faults.push(`${name}: 32 random bytes in base64url expected (openssl rand -base64 32 | tr '+/' '-_' | tr -d =)`)
    return keys ?? []
  }
  const [seal, wrap, pepper] = [secret('SEAL_KEY'), secret('WRAP_KEY'), secret('PEPPER')]
  const operatorToken = text(env.OPERATOR_TOKEN) || undefined
  if (operatorToken && operatorToken.length < 43) {
    faults.push(
      'OPERATOR_TOKEN: 32 random bytes in base64url expected, or nothing to switch the operator interface off',
    )
  }
  const vault = parseVaultSettings(env, faults)
  if (!issuer || faults.length > 0) throw new SettingsError(faults)

  return {
    issuer: issuer.text,
    basePath: issuer.url.pathname === '/' ? '' : issuer.url.pathname,
    issuerOrigin: issuer.url.origin,
    isLoopback: issuer.url.protocol === 'http:',
    sealer: createSealer(seal, issuer.text),
    keyWrapper: createSealer(wrap, issuer.text),
    pepper,
    vault,
    operatorToken,
    playground: text(env.PLAYGROUND) === 'on',
    requestLog: text(env.REQUEST_LOG) !== 'off',
    cookies: cookieNames(issuer.url),
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')

/** OIDC Discovery §3, RFC 8414 §2: https, no query, no fragment; http only on a loopback name. */
function parseIssuer(value: string, faults: string[]): { text: string; url: URL } | undefined {
  if (!value) {
    faults.push(
      'AUTHORITY_URL: missing; set it to the address clients use, for example https://id.example.com (wrangler.toml, [vars])',
    )
    return undefined
  }
  const url = URL.parse(value)
  const fault =
    !url || (url.protocol !== 'https:' && url.protocol !== 'http:')
      ? 'is not an http(s) URL'
      : url.protocol === 'http:' && !isLoopbackHost(url.hostname)
        ? 'must be https'
        : value.includes('?') || value.includes('#') || url.username || url.password
          ? 'must have no query, fragment or credentials'
          : value.endsWith('/')
            ? 'must not end with a slash'
            : url.origin + (url.pathname === '/' ? '' : url.pathname) !== value
              ? `must be in normal form: ${url.origin}${url.pathname === '/' ? '' : url.pathname}`
              : undefined
  if (!url || fault) {
    faults.push(`AUTHORITY_URL: ${JSON.stringify(value)} ${fault}`)
    return undefined
  }
  return { text: value, url }
}

/** Cookies ignore ports and `__Host-` forbids a path, so the names tell issuers on one host apart. */
function cookieNames(issuer: URL): CookieNames {
  const place = issuer.pathname === '/' ? '' : issuer.pathname.replaceAll(/[^\w]+/g, '-')
  const [prefix, suffix] = issuer.protocol === 'https:' ? ['__Host-', place] : ['', `-${issuer.port || '80'}${place}`]
  return {
    session: `${prefix}session${suffix}`,
    browser: `${prefix}browser${suffix}`,
    device: `${prefix}device${suffix}`,
    external: `${prefix}external${suffix}-`,
    choice: `${prefix}choice${suffix}`,
    state: `session-state${suffix}`,
  }
}
