// Declares the functions of node:crypto that Web Crypto lacks, as workerd has them. @types/node would add Node's globals, too.
declare module 'node:crypto' {
  interface Hmac {
    update(data: Uint8Array): Hmac
    digest(): Uint8Array<ArrayBuffer>
  }
  interface ScryptOptions {
    N: number
    r: number
    p: number
    /** Bytes. */
    maxmem: number
  }
  interface Cipher {
    update(data: Uint8Array): Uint8Array<ArrayBuffer>
    final(): Uint8Array<ArrayBuffer>
  }
  type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512'
  type CipherName = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc'
  export function hash(algorithm: Digest, data: Uint8Array, encoding: 'buffer'): Uint8Array<ArrayBuffer>
  export function createHmac(algorithm: Digest, key: Uint8Array): Hmac
  export function createCipheriv(algorithm: CipherName, key: Uint8Array, iv: Uint8Array): Cipher
  export function createDecipheriv(algorithm: CipherName, key: Uint8Array, iv: Uint8Array): Cipher
  export function pbkdf2Sync(
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    keyLength: number,
    digest: Digest,
  ): Uint8Array<ArrayBuffer>
  export function scryptSync(
    password: Uint8Array,
    salt: Uint8Array,
    keyLength: number,
    options: ScryptOptions,
  ): Uint8Array<ArrayBuffer>
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}
