// Parses internet addresses: the network of a caller, and which addresses are internal (RFC 6890, RFC 4291, IANA special-purpose registries).

/** Returns four or sixteen bytes, or undefined if the text is not an address. IPv6 may be in brackets, as in a URL. */
export function parseAddress(text: string): number[] | undefined {
  if (!text.includes(':')) return parseIPv4(text)
  return parseIPv6(text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text)
}

function parseIPv4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  const bytes = match?.slice(1).map(Number)
  return bytes?.every((byte) => byte <= 255) ? bytes : undefined
}

function parseIPv6(text: string): number[] | undefined {
  // The URL parser checks the grammar, normalises, and converts an embedded IPv4 address to hexadecimal.
  const host = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1)
  if (host === undefined) return undefined
  const [left = '', right] = host.split('::')
  const [head, tail] = [groups(left), groups(right ?? '')]
  const zeros = right === undefined ? [] : new Array<number>(8 - head.length - tail.length).fill(0)
  return [...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 255])
}

const groups = (text: string): number[] =>
  text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))

/**
 * The key for rate limits of one caller: its IPv4 address, or the first 64 bits of its IPv6 address, since a whole /64 belongs to one
 * customer. Text that is not an address is returned unchanged.
 */
export function networkOf(address: string): string {
  const bytes = parseAddress(address)
  if (bytes?.length !== 16) return address
  const mapped = ipv4Within(bytes)
  if (mapped) return mapped.join('.')
  const prefix = [0, 2, 4, 6].map((at) => (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16))
  return `${prefix.join(':')}::/64`
}

/** The IPv4 address in an IPv4-mapped one, ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
function ipv4Within(bytes: number[]): number[] | undefined {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  return isMapped ? bytes.slice(12) : undefined
}

/** Addresses that belong to no server on the public internet: private, shared, loopback, link-local, documentation, multicast, … */
const specialIPv4: [number[], number][] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 0, 0], 24],
  [[192, 0, 2], 24],
  [[192, 88, 99], 24],
  [[192, 168], 16],
  [[198, 18], 15],
  [[198, 51, 100], 24],
  [[203, 0, 113], 24],
  [[224], 3],
]

/** Special ranges within 2000::/3, the public part of IPv6: protocol assignments and Teredo, documentation, 6to4. */
const specialIPv6: [number[], number][] = [
  [[0x20, 0x01, 0x00, 0x00], 23],
  [[0x20, 0x01, 0x0d, 0xb8], 32],
  [[0x20, 0x02], 16],
  [[0x3f, 0xff, 0x00], 20],
]

export function isPublicAddress(bytes: number[]): boolean {
  if (bytes.length === 4) return !specialIPv4.some(([prefix, bits]) => startsWith(bytes, prefix, bits))
  return startsWith(bytes, [0x20], 3) && !specialIPv6.some(([prefix, bits]) => startsWith(bytes, prefix, bits))
}

export function isLoopbackAddress(bytes: number[]): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, at) => byte === (at === 15 ? 1 : 0))
}

function startsWith(bytes: number[], prefix: number[], bits: number): boolean {
  for (let at = 0; at * 8 < bits; at += 1) {
    const mask = (0xff << Math.max(0, 8 - (bits - at * 8))) & 0xff
    if (((bytes[at] ?? 0) & mask) !== ((prefix[at] ?? 0) & mask)) return false
  }
  return true
}
