// An issuer: everything that belongs to one issuer identifier (RFC 8414 §2) and not to the Worker as a whole. Only this file decides which issuer a request is for.
import { createSealer, type Sealer, type SecretKey } from '../crypto/seal.ts'
import { isLoopbackHost } from '../protocol/authorization-request/redirect-uri.ts'

export interface Issuer {
  /** The issuer identifier, byte for byte as in every token and document. No trailing slash. */
  url: string
  origin: string
  /** Path of the issuer identifier, '' for none: every route is below it. */
  basePath: string
  /** The issuer is http on a loopback name: cookies have no `Secure` and carry the port in their names. */
  isLoopback: boolean
  cookies: CookieNames
  /** Seals what leaves the server and must come back unread and unchanged. */
  sealer: Sealer
  /** Seals signing keys and the client secrets of external providers at rest, under WRAP_KEY. */
  keyWrapper: Sealer
}

export interface CookieNames {
  session: string
  browser: string
  device: string
  /** Prefix; each sign-in that is under way at an external provider has a cookie of its own. */
  external: string
  /** The way the person chose to sign in. */
  choice: string
  /** Script in check_session reads it; it is worthless by itself. */
  state: string
}

/** The issuer of an address, which is the URL of a request or an issuer identifier. A Worker serves one issuer today. */
export function issuerAt(issuers: readonly [Issuer, ...Issuer[]], _address: string): Issuer {
  return issuers[0]
}

export function createIssuer(identifier: URL, seal: SecretKey[], wrap: SecretKey[]): Issuer {
  const basePath = identifier.pathname === '/' ? '' : identifier.pathname
  const url = identifier.origin + basePath
  return {
    url,
    origin: identifier.origin,
    basePath,
    isLoopback: identifier.protocol === 'http:',
    cookies: cookieNames(identifier),
    sealer: createSealer(seal, url),
    keyWrapper: createSealer(wrap, url),
  }
}

/**
 * OIDC Discovery §3, RFC 8414 §2: https, no query, no fragment; http only on a loopback name. Adds what is wrong to `faults` and returns
 * undefined.
 */
export function parseIssuer(value: string, faults: string[]): URL | undefined {
  if (!value) {
    faults.push(
      'AUTHORITY_URL: missing; set it to the address clients use, for example https://id.example.com (wrangler.toml, [vars])',
    )
    return undefined
  }
  const url = URL.parse(value)
  const fault = url ? issuerFault(url, value) : 'is not an http(s) URL'
  if (!fault) return url ?? undefined
  faults.push(`AUTHORITY_URL: ${JSON.stringify(value)} ${fault}`)
  return undefined
}

function issuerFault(url: URL, value: string): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'is not an http(s) URL'
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) return 'must be https'
  if (value.includes('?') || value.includes('#') || url.username || url.password) {
    return 'must have no query, fragment or credentials'
  }
  if (value.endsWith('/')) return 'must not end with a slash'
  const normal = url.origin + (url.pathname === '/' ? '' : url.pathname)
  return normal === value ? undefined : `must be in normal form: ${normal}`
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
