// The few functions of node:crypto that Web Crypto lacks, as workerd offers them. @types/node would bring Node's globals with it.
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
  export function createHmac(algorithm: 'sha256', key: Uint8Array): Hmac
  export function pbkdf2Sync(
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    keyLength: number,
    digest: 'sha256',
  ): Uint8Array<ArrayBuffer>
  export function scryptSync(
    password: Uint8Array,
    salt: Uint8Array,
    keyLength: number,
    options: ScryptOptions,
  ): Uint8Array<ArrayBuffer>
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}
