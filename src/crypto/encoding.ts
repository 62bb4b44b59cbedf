// Bytes to text and back, as the specifications spell it: base64url without padding (RFC 7515 §2), UTF-8, hex.

declare global {
  // In workerd's V8, not yet in TypeScript's library.
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
/** By length modulo 4: how a text ends whose bits that belong to no byte are zero. A rest of 1 is no text at all. */
const endings = [/$/, undefined, /[AQgw]$/, /[AEIMQUYcgkosw048]$/]

/** Strict: no padding, no other alphabet, no stray bits, so that one value has one spelling. Undefined otherwise. */
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

/** SHA-256, base64url: how every secret of ours is kept. */
export async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))))
}

/** In constant time for texts of one length. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [utf8(a), utf8(b)]
  return left.length === right.length && crypto.subtle.timingSafeEqual(left, right)
}
