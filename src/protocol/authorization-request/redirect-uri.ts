// `redirect_uri` (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1): which URIs a client may register, by an allow-list of
// schemes; and whether the URI of a request matches a registered one.
import type { Client } from '../../model/client.ts'
import type { OAuthError } from '../../model/errors.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { Received, Redirectable, WithClient } from './known.ts'

const longest = 2000

/** RFC 8252 §7.1: a private-use scheme is a reversed domain name, so it has a dot. */
const privateUseScheme = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/

/** A host name as URL.hostname gives it. */
export const isLoopbackHost = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)

/** Returns undefined if the URI may be registered. */
export function redirectUriFault(uri: string): string | undefined {
  const url = URL.parse(uri)
  const spelling = spellingFault(uri, url)
  if (spelling || !url) return spelling
  if (url.protocol === 'https:' || url.protocol === 'http:') return webFault(uri, url)
  if (privateUseScheme.test(url.protocol)) return undefined
  return 'must be https, http on a loopback host, or a private-use scheme with a dot such as com.example.app:/cb'
}

/** For addresses that a page links to (client_uri, logo_uri, policy_uri, tos_uri). Returns undefined if the URI may be used. */
export function webUriFault(uri: string): string | undefined {
  const url = URL.parse(uri)
  const spelling = spellingFault(uri, url)
  if (spelling || !url) return spelling
  if (url.protocol === 'https:' || url.protocol === 'http:') return webFault(uri, url)
  return 'must be https, or http on a loopback host'
}

/** For web origins (RFC 6454 §6.2), which are compared as text. Returns undefined if the origin may be registered. */
export function originFault(origin: string): string | undefined {
  const url = URL.parse(origin)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.origin !== origin) {
    return 'must be an exact origin: scheme, host and port, nothing after them'
  }
  return webFault(origin, url)
}

/** Refuses text that a URL parser would repair or drop, so that every reader of the URI sees the same address. */
function spellingFault(uri: string, url: URL | null): string | undefined {
  if (uri.length > longest) return `must have at most ${longest} characters`
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'must have printable ASCII characters only, without blanks'
  if (!url) return 'must be an absolute URI'
  // RFC 6749 §3.1.2
  if (uri.includes('#')) return 'must have no fragment'
  if (uri.includes('\\')) return 'must have no backslash'
  return undefined
}

function webFault(uri: string, url: URL): string | undefined {
  if (url.username || url.password) return 'must have no user name or password'
  const host = /^https?:\/\/([^/?]+)/i.exec(uri)?.[1]
  if (!host || !isSpelledOut(host, url)) return 'must have its host written in the usual form'
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    return 'must be https: plain http only on a loopback host'
  return undefined
}

/** True if the host is written as the parser reads it. `https:rp.test` and `http://0x7f.1` parse too, but only by repair. */
function isSpelledOut(spelled: string, url: URL): boolean {
  const host = spelled.toLowerCase()
  const defaultPort = url.protocol === 'https:' ? ':443' : ':80'
  return host === url.host || host === url.host + defaultPort
}

const loopbackUri = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::\d{1,5})?(\/.*)?$/s

/** Byte for byte (RFC 9700 §2.1), except that the port of a loopback address may vary (RFC 8252 §7.3). */
export function matchesRedirectUri(registered: string, requested: string): boolean {
  if (registered === requested) return true
  const ours = loopbackUri.exec(registered)
  const theirs = loopbackUri.exec(requested)
  // The pattern admits ports above 65535, which are not addresses.
  return ours !== null && theirs !== null && ours[1] === theirs[1] && ours[2] === theirs[2] && URL.canParse(requested)
}

/** Required even if the client registered only one URI (RFC 9700 §2.1). */
export function parseRedirectUri({ parameters, client }: Received & WithClient): { redirect_uri: string } {
  const redirect_uri = parameters.get('redirect_uri')
  if (redirect_uri === null)
    throw untrustedRedirectUri({ description: 'redirect_uri is missing', client, received: '(none)' })
  return { redirect_uri }
}

export interface ResponseTarget {
  redirect_uri: string
  response_mode: string
  state?: string | undefined
}

/** RFC 9700 §4.1.3. Returns `redirect`, which lets later errors be sent to the client. */
export function checkRedirectUri({
  client,
  redirect_uri,
  response_mode,
  state,
}: ResponseTarget & WithClient): Redirectable {
  if (!client.redirect_uris.some((registered) => matchesRedirectUri(registered, redirect_uri))) {
    throw untrustedRedirectUri({
      description: 'redirect_uri is not registered for this client',
      client,
      received: redirect_uri,
    })
  }
  return { redirect: { redirect_uri, response_mode, state } }
}

/** Shown as a page, never redirected (RFC 6749 §4.1.2.1). */
function untrustedRedirectUri({
  client,
  ...refused
}: {
  description: string
  client: Client
  received: string
}): OAuthError {
  return invalidRequest({
    ...refused,
    check: 'redirect_uri',
    expected: client.redirect_uris.join(' | ') || '(none registered)',
    fix: 'register exactly the redirect_uri that the application sends, or correct it there: every character counts',
  })
}
