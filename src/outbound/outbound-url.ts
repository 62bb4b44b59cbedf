// Validates URLs that a client or an external provider names and we fetch: none may be internal (SECURITY-CASES T24, I09, L08).
// A Worker cannot see what a name resolves to, so a public name for a private address passes here. On Cloudflare's edge no private address
// can be reached; workerd refuses private addresses unless its configuration allows them.
import { isLoopbackAddress, isPublicAddress, parseAddress } from './internet-address.ts'

/** Names with a meaning only inside a network (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`). */
const internalNames = /(^|\.)(localhost|local|internal|intranet|private|corp|home|lan|home\.arpa|localdomain)$/

/**
 * Returns the URL, or the fault. `allowLoopback` is for an issuer that is itself on a loopback name, for development: it allows loopback
 * hosts, also with http. `internalHosts`: internal names and addresses that the administrator allows; compared exactly, https only.
 */
export function parseOutboundUrl(
  text: string,
  allowLoopback: boolean,
  internalHosts: readonly string[] = [],
): { url: URL } | { fault: string } {
  const url = URL.parse(text)
  if (!url) return { fault: 'is not a URL' }
  if (url.username || url.password) return { fault: 'must have no credentials' }
  const host = withoutDots(url.hostname)
  const address = parseAddress(host)
  const isLoopback = address ? isLoopbackAddress(address) : /(^|\.)localhost$/.test(host)
  if (allowLoopback && isLoopback && (url.protocol === 'http:' || url.protocol === 'https:')) return { url }
  if (url.protocol !== 'https:') return { fault: 'must be https' }
  if (internalHosts.some((allowed) => isSameHost(allowed, host))) return { url }
  if (address) return isPublicAddress(address) ? { url } : { fault: 'must not be an internal address' }
  return host.includes('.') && !internalNames.test(host) ? { url } : { fault: 'must not be an internal name' }
}

/** A name may end in one dot (RFC 1034 §3.1). Two are invalid, but the URL parser accepts them, also after a numeric address. */
const withoutDots = (hostname: string): string => hostname.replace(/\.+$/, '')

/** `host`: as the URL parser normalises it. */
function isSameHost(allowed: string, host: string): boolean {
  const name = parseAddress(allowed)?.length === 16 ? `[${allowed.replace(/^\[|\]$/g, '')}]` : allowed
  return withoutDots(URL.parse(`https://${name}/`)?.hostname ?? '') === host
}
