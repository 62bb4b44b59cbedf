import { describe, expect, it } from 'vitest'
import { base64url, parseBase64url } from '../../src/crypto/encoding.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('base64url (RFC 7515 §2)', () => {
  it('has one spelling for each value: non-zero surplus bits in the last character are refused', () => {
    for (const start of ['', 'A', 'AB', 'A-_9', 'A-_9z', 'A-_9zQ']) {
      for (const last of alphabet) {
        const text = start + last
        const bytes = parseBase64url(text)
        if (bytes) expect(base64url(bytes)).toBe(text)
        else expect(readLeniently(text)).not.toBe(text)
      }
    }
  })

  it('refuses padding, the other alphabet, line breaks and impossible lengths', () => {
    for (const text of ['QQ==', 'QQ=', 'a+b/', 'QU\nJD', 'QUJD\n', 'QUJD ', 'A', 'QUJDR', 'é']) {
      expect(parseBase64url(text), JSON.stringify(text)).toBeUndefined()
    }
  })

  it('decodes every value that it encoded', () => {
    for (let length = 0; length < 70; length += 1) {
      const bytes = crypto.getRandomValues(new Uint8Array(length))
      expect(parseBase64url(base64url(bytes))).toEqual(bytes)
    }
  })
})

/** Encodes again the bytes that a lenient decoder reads; undefined if it cannot decode the text. */
function readLeniently(text: string): string | undefined {
  try {
    return base64url(Uint8Array.fromBase64(text, { alphabet: 'base64url' }))
  } catch {
    return undefined
  }
}
