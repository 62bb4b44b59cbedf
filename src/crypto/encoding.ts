// Converts bytes to text and back: base64url without padding (RFC 7515 §2), base64, UTF-8; concatenation, hashes, comparison.

declare global {
  // workerd has these methods; TypeScript's library does not declare them yet.
  interface Uint8Array {
    toBase64(options?: { alphabet?: 'base64' | 'base64url'; omitPadding?: boolean }): string
    toHex(): string
  }
  interface SubtleCrypto {
    timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
  }
  interface Uint8ArrayConstructor {
    fromBase64(text: string, options?: { alphabet?: 'base64' | 'base64url' }): Uint8Array<ArrayBuffer>
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text) as Uint8Array<ArrayBuffer>

/** Throws on bytes that are not UTF-8. */
export const fromUtf8 = (bytes: ArrayBuffer | Uint8Array): string => decoder.decode(bytes)

export const base64url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: 'base64url', omitPadding: true })

export const base64 = (bytes: Uint8Array): string => bytes.toBase64()

const alphabet = /^[\w-]*$/
/** By length modulo 4: the last character of a text whose surplus bits are zero. No base64url text has a remainder of 1. */
const endings = [/$/, undefined, /[AQgw]$/, /[AEIMQUYcgkosw048]$/]

/** Strict, so that each value has one spelling. Returns undefined for padding, another alphabet or non-zero surplus bits. */
export function parseBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const isStrict = alphabet.test(text) && endings[text.length % 4]?.test(text)
  return isStrict ? Uint8Array.fromBase64(text, { alphabet: 'base64url' }) : undefined
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

export const randomBytes = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length))

/** SHA-256 in base64url, the form in which codes, refresh tokens, session ids and client secrets are stored. */
export async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))))
}

/** Compares in constant time if both texts have the same length. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [utf8(a), utf8(b)]
  return left.length === right.length && crypto.subtle.timingSafeEqual(left, right)
}
