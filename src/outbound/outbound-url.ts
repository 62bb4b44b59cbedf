// Addresses that others name and we fetch (client keys, upstream providers): none of them may lead inside (SECURITY-CASES T24, I09, L08).
// What a name resolves to cannot be seen in a Worker, so a public name for a private address is not caught here. On Cloudflare's edge there
// is nothing private to reach; workerd refuses private addresses unless its configuration allows them.
import { isLoopbackAddress, isPublicAddress, parseAddress } from './internet-address.ts'

/** Names that only mean something inside a network (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`). */
const insideNames = /(^|\.)(localhost|local|internal|intranet|private|corp|home|lan|home\.arpa|localdomain)$/

/**
 * The URL, or what is wrong with it. `allowLoopback`: for an issuer that is itself on a loopback name, where http and this one host are for
 * development. `internalHosts`: names and addresses inside that an operator allows, exactly; they must be https all the same.
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
  return host.includes('.') && !insideNames.test(host) ? { url } : { fault: 'must not be an internal name' }
}

/** A name may end in a dot (RFC 1034 §3.1). With two of them it is no name, but the URL parser lets it pass, numbers and all. */
const withoutDots = (hostname: string): string => hostname.replace(/\.+$/, '')

/** `host` is as the URL parser spells it. */
function isSameHost(allowed: string, host: string): boolean {
  const name = parseAddress(allowed)?.length === 16 ? `[${allowed.replace(/^\[|\]$/g, '')}]` : allowed
  return withoutDots(URL.parse(`https://${name}/`)?.hostname ?? '') === host
}
