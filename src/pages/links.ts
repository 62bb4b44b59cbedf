// Validates the addresses in a page: those of clients and administrators are untrusted text (SECURITY-CASES D05).

/** The address in normal form when it is https, or http on a loopback name; anything else (`javascript:`, `data:`) is no link. */
export function safeLink(address: string | null | undefined): string | undefined {
  const url = address ? URL.parse(address) : null
  if (!url || url.username || url.password) return undefined
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback) ? url.href : undefined
}

/** Also a path on this origin: `/account`, but neither `//elsewhere.test` nor `/\elsewhere.test`. */
export function safeTarget(address: string | undefined): string | undefined {
  const here = 'https://here.invalid'
  const url = address?.startsWith('/') ? URL.parse(address, here) : null
  return url?.origin === here ? address : safeLink(address)
}
