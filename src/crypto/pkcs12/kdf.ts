// Derives keys from a password: PKCS#12's own function (RFC 7292 appendix B), where the password is UTF-16 with a terminator, and PBKDF2,
// where it is UTF-8.
import { hash, pbkdf2Sync } from 'node:crypto'
import { concatBytes, utf8 } from '../encoding.ts'

export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512'

export const digestLength: Readonly<Record<Digest, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

/** RFC 7292 §B.3. */
export const purposes = { key: 1, iv: 2, mac: 3 } as const

export interface PasswordForm {
  /** RFC 7292 §B.1: big-endian UTF-16, two zero bytes at the end. */
  bmp: Uint8Array<ArrayBuffer>
  utf8: Uint8Array<ArrayBuffer>
}

/** The encodings to try. The empty password has two: some programs encode its terminator, others nothing at all. */
export function passwordForms(password: string): [PasswordForm, ...PasswordForm[]] {
  const form = { bmp: bmpString(`${password}\0`), utf8: utf8(password) }
  return password === '' ? [form, { bmp: new Uint8Array(0), utf8: form.utf8 }] : [form]
}

export function bmpString(text: string): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(2 * text.length))
  for (let index = 0; index < text.length; index += 1) view.setUint16(2 * index, text.charCodeAt(index))
  return new Uint8Array(view.buffer)
}

export interface KdfInput {
  digest: Digest
  salt: Uint8Array
  iterations: number
  /** Bytes of key. */
  length: number
}

/** RFC 7292 §B.2. Runs all iterations, of some microseconds each, once per digest length of the key. */
export function pkcs12Kdf(
  { digest, salt, iterations, length }: KdfInput,
  purpose: (typeof purposes)[keyof typeof purposes],
  { bmp }: Pick<PasswordForm, 'bmp'>,
): Uint8Array<ArrayBuffer> {
  const width = digest === 'sha1' || digest === 'sha256' ? 64 : 128
  const diversifier = new Uint8Array(width).fill(purpose)
  const input = concatBytes(repeatToFill(salt, width), repeatToFill(bmp, width))
  const key = new Uint8Array(length)
  for (let filled = 0; filled < length; filled += digestLength[digest]) {
    let block: Uint8Array = hash(digest, concatBytes(diversifier, input), 'buffer')
    for (let round = 1; round < iterations; round += 1) block = hash(digest, block, 'buffer')
    key.set(block.subarray(0, length - filled), filled)
    addToEach(input, repeatToFill(block, width).subarray(0, width))
  }
  return key
}

export const pbkdf2 = ({ digest, salt, iterations, length }: KdfInput, form: PasswordForm): Uint8Array<ArrayBuffer> =>
  pbkdf2Sync(form.utf8, salt, iterations, length, digest)

/** Repeats `bytes` up to the next multiple of `width`. Returns no bytes for no bytes. */
function repeatToFill(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const filled = new Uint8Array(width * Math.ceil(bytes.length / width))
  for (let index = 0; index < filled.length; index += 1) filled[index] = bytes[index % bytes.length] ?? 0
  return filled
}

/** RFC 7292 §B.2 step 6C: adds `addend` + 1 to each block of `input` of its length; a carry beyond the block is dropped. */
function addToEach(input: Uint8Array, addend: Uint8Array): void {
  for (let start = 0; start < input.length; start += addend.length) {
    let carry = 1
    for (let index = addend.length - 1; index >= 0; index -= 1) {
      carry += (input[start + index] ?? 0) + (addend[index] ?? 0)
      input[start + index] = carry
      carry >>>= 8
    }
  }
}
