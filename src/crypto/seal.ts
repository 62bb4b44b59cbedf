// Seals values that leave the server and must come back unread and unchanged: AES-256-GCM under a key per purpose (HKDF, RFC 5869).
// Sealed form: version byte, key id byte, 12 bytes of nonce, ciphertext with tag; base64url.
import { base64url, concatBytes, parseBase64url, utf8 } from './encoding.ts'

/** One of a list: the first is the current secret, which seals; the others are its predecessors, which only open. */
export interface SecretKey {
  id: number
  bytes: Uint8Array<ArrayBuffer>
}

export type SealPurpose =
  | 'code'
  | 'refresh-token'
  | 'session'
  | 'token-id'
  | 'interaction'
  | 'device'
  | 'authorization-request'
  | 'signing-key'
  | 'provider-secret'
  | 'external-state'
  | 'external-response'
  | 'upstream-id-token'

export interface Sealer {
  seal(purpose: SealPurpose, plaintext: Uint8Array): Promise<string>
  /** Returns undefined if the value was not sealed here, or for another purpose or issuer, or under a removed key, or was changed. */
  open(purpose: SealPurpose, sealed: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Whether the value was sealed under the current key, not a predecessor. */
  isCurrent(sealed: string): boolean
}

const formatVersion = 1
const nonceLength = 12
const tagLength = 16
const headerLength = 2 + nonceLength

/** `issuer` separates deployments that share a secret by accident. Throws if `keys` is empty. */
export function createSealer(keys: SecretKey[], issuer: string): Sealer {
  const [current] = keys
  if (!current) throw new Error('a sealer needs at least one key')
  const derived = new Map<string, CryptoKey>()

  // Cache the key, not its promise: a promise belongs to the request that created it and never resolves after that request ends.
  async function keyFor(purpose: SealPurpose, key: SecretKey): Promise<CryptoKey> {
    const name = `${purpose} ${key.id}`
    const known = derived.get(name)
    if (known) return known
    const derivedKey = await derive(key, issuer, purpose)
    derived.set(name, derivedKey)
    return derivedKey
  }

  return {
    async seal(purpose, plaintext) {
      const header = new Uint8Array(headerLength)
      crypto.getRandomValues(header.subarray(2))
      header[0] = formatVersion
      header[1] = current.id
      const key = await keyFor(purpose, current)
      const algorithm = { name: 'AES-GCM', iv: header.subarray(2), additionalData: utf8(purpose) }
      const ciphertext = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plaintext as BufferSource))
      return base64url(concatBytes(header, ciphertext))
    },

    isCurrent: (sealed) => parseBase64url(sealed)?.[1] === current.id,

    async open(purpose, sealed) {
      const bytes = parseBase64url(sealed)
      if (!bytes || bytes.length < headerLength + tagLength || bytes[0] !== formatVersion) return undefined
      const key = keys.find((each) => each.id === bytes[1])
      if (!key) return undefined
      const algorithm = {
        name: 'AES-GCM',
        iv: bytes.subarray(2, headerLength),
        additionalData: utf8(purpose),
      }
      try {
        const plaintext = await crypto.subtle.decrypt(
          algorithm,
          await keyFor(purpose, key),
          bytes.subarray(headerLength),
        )
        return new Uint8Array(plaintext)
      } catch {
        return undefined
      }
    },
  }
}

async function derive(key: SecretKey, issuer: string, purpose: SealPurpose): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey('raw', key.bytes, 'HKDF', false, ['deriveKey'])
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: utf8(issuer), info: utf8(`countersign ${purpose}`) }
  return crypto.subtle.deriveKey(parameters, material, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/**
 * Parses `SEAL_KEY`, `WRAP_KEY` or `PEPPER`: 32 random bytes or more in base64url. During a rotation there are several, separated by
 * blanks, each with its id: `2.NEW 1.OLD`. A value without id has id 1. Returns undefined if the text is malformed.
 */
export function parseSecretKeys(text: string): SecretKey[] | undefined {
  const keys: SecretKey[] = []
  for (const part of text.trim().split(/\s+/)) {
    const match = /^(?:(\d{1,3})\.)?([\w-]+)$/.exec(part)
    const bytes = match?.[2] ? parseBase64url(match[2]) : undefined
    const id = Number(match?.[1] ?? 1)
    if (!bytes || bytes.length < 32 || id > 255 || keys.some((key) => key.id === id)) return undefined
    keys.push({ id, bytes })
  }
  return keys.length > 0 ? keys : undefined
}
