// Reads and writes DER (X.690 §8, §10), the encoding of X.509 and PKCS#8. Definite lengths and one-byte tags only, as those formats use.
import { concatBytes, utf8 } from './encoding.ts'

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

export function encode(tag: number, ...contents: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...contents)
  return concatBytes(Uint8Array.of(tag, ...encodeLength(content.length)), content)
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length]
  const digits: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff)
  return [0x80 | digits.length, ...digits]
}

export const sequence = (...members: Uint8Array[]) => encode(tags.sequence, ...members)

export const set = (...members: Uint8Array[]) => encode(tags.set, ...members)

export const octetString = (bytes: Uint8Array) => encode(tags.octetString, bytes)

export const utf8String = (text: string) => encode(tags.utf8String, utf8(text))

export const bitString = (bytes: Uint8Array, unusedBits = 0) => encode(tags.bitString, Uint8Array.of(unusedBits), bytes)

export const nil = () => encode(tags.null)

export const isTrue = () => encode(tags.boolean, Uint8Array.of(0xff))

/** A non-negative INTEGER from big-endian bytes, in the shortest form (X.690 §8.3.2). */
export function unsignedInteger(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = bytes.findIndex((byte) => byte !== 0)
  if (start < 0) return encode(tags.integer, Uint8Array.of(0))
  const magnitude = bytes.subarray(start)
  const sign = (magnitude[0] ?? 0) & 0x80 ? Uint8Array.of(0) : new Uint8Array(0)
  return encode(tags.integer, sign, magnitude)
}

/** An INTEGER from 0 to 2^32 - 1. */
export function count(value: number): Uint8Array<ArrayBuffer> {
  return unsignedInteger(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value))
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return encode(tags.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f))
  return digits
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, seconds always written. */
export function time(milliseconds: number): Uint8Array<ArrayBuffer> {
  const digits = new Date(milliseconds).toISOString().replaceAll(/\.\d+|[-:T]/g, '')
  return Number(digits.slice(0, 4)) < 2050
    ? encode(tags.utcTime, utf8(digits.slice(2)))
    : encode(tags.generalizedTime, utf8(digits))
}

export interface Element {
  tag: number
  content: Uint8Array<ArrayBuffer>
  /** Tag, length and content. */
  bytes: Uint8Array<ArrayBuffer>
}

/** The sequence of elements in `bytes`. Returns undefined unless they are DER to the last byte. */
export function parseElements(bytes: Uint8Array<ArrayBuffer>): Element[] | undefined {
  const elements: Element[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const element = parseElement(bytes.subarray(offset))
    if (!element) return undefined
    elements.push(element)
    offset += element.bytes.length
  }
  return elements
}

function parseElement(bytes: Uint8Array<ArrayBuffer>): Element | undefined {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthBytes > 4) return undefined
  const digits = bytes.subarray(2, 2 + lengthBytes)
  const length = lengthBytes === 0 ? first : digits.reduce((sum, digit) => sum * 256 + digit, 0)
  const end = 2 + lengthBytes + length
  // X.690 §10.1: the shortest form of a length.
  const isShortest = lengthBytes === 0 || (length >= 0x80 && digits[0] !== 0)
  if (digits.length < lengthBytes || !isShortest || end > bytes.length) return undefined
  return { tag, content: bytes.subarray(2 + lengthBytes, end), bytes: bytes.subarray(0, end) }
}

/** A UTCTime or GeneralizedTime as milliseconds since 1970 (RFC 5280 §4.1.2.5). Returns undefined if it is malformed. */
export function parseTime(element: Element): number | undefined {
  const text = String.fromCharCode(...element.content)
  const digits = element.tag === tags.utcTime ? (Number(text.slice(0, 2)) < 50 ? '20' : '19') + text : text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)
  if (!parts || (element.tag !== tags.utcTime && element.tag !== tags.generalizedTime)) return undefined
  const [, year, month, day, hour, minute, second] = parts
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(instant) ? undefined : instant
}
