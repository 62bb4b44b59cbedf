// Parses BER (X.690 §8), which PKCS#12 allows: indefinite lengths, and octet strings in pieces. One-byte tags only, as PKCS#12 uses.
import { tags } from '../der.ts'
import { concatBytes } from '../encoding.ts'
import { KeyFileError } from '../key-file-error.ts'
import { countElement, deepestNesting, malformed, type Reading } from './limits.ts'

export interface BerElement {
  tag: number
  /** Empty unless the element is primitive. */
  content: Uint8Array<ArrayBuffer>
  /** Empty unless the element is constructed. */
  children: BerElement[]
}

const constructed = 0x20
const nothing = new Uint8Array(0)

/** Parses `bytes` as exactly one element. Throws KeyFileError. */
export function parseBer(bytes: Uint8Array<ArrayBuffer>, reading: Reading): BerElement {
  const { element, end } = parseAt({ bytes, reading }, 0, bytes.length, 1)
  if (end !== bytes.length) throw malformed(reading, 'bytes after its end')
  return element
}

interface Source {
  bytes: Uint8Array<ArrayBuffer>
  reading: Reading
}

interface Parsed {
  element: BerElement
  /** Where the next element begins. */
  end: number
}

function parseAt(source: Source, start: number, limit: number, depth: number): Parsed {
  const { bytes, reading } = source
  if (depth > deepestNesting) throw new KeyFileError('too_deep', `nested more than ${deepestNesting} levels deep`)
  countElement(reading)
  const { tag, from, length } = parseHeader(source, start, limit)
  const to = length === undefined ? undefined : from + length
  if (tag & constructed) {
    const { children, end } = parseChildren(source, from, to, limit, depth)
    return { element: { tag, content: nothing, children }, end }
  }
  if (to === undefined) throw malformed(reading, 'a primitive value without a length')
  return { element: { tag, content: bytes.subarray(from, to), children: [] }, end: to }
}

function parseChildren(source: Source, from: number, to: number | undefined, limit: number, depth: number) {
  const children: BerElement[] = []
  let at = from
  while (to === undefined ? !isEndOfContents(source.bytes, at, limit) : at < to) {
    const { element, end } = parseAt(source, at, to ?? limit, depth + 1)
    children.push(element)
    at = end
  }
  return { children, end: to ?? at + 2 }
}

/** Two zero bytes end an element of indefinite length (X.690 §8.1.5). */
const isEndOfContents = (bytes: Uint8Array, at: number, limit: number): boolean =>
  at + 2 <= limit && bytes[at] === 0 && bytes[at + 1] === 0

/** `length` is undefined if it is indefinite (X.690 §8.1.3.6). */
function parseHeader({ bytes, reading }: Source, start: number, limit: number) {
  const [tag, first] = [bytes[start], bytes[start + 1]]
  if (start + 2 > limit || tag === undefined || first === undefined) throw malformed(reading, 'it ends too early')
  if ((tag & 0x1f) === 0x1f) throw malformed(reading, 'a tag of more than one byte')
  if (first === 0x80) return { tag, from: start + 2, length: undefined }
  const from = start + 2 + (first < 0x80 ? 0 : first & 0x7f)
  if (from > start + 6 || from > limit) throw malformed(reading, 'a length out of range')
  const length = first < 0x80 ? first : numberOf(bytes.subarray(start + 2, from))
  if (from + length > limit) throw malformed(reading, 'it ends too early')
  return { tag, from, length }
}

const numberOf = (digits: Uint8Array): number => digits.reduce((sum, digit) => sum * 256 + digit, 0)

/** The members of a SEQUENCE, SET or explicit tag. Throws if the element is missing or has another tag. */
export function childrenOf(element: BerElement | undefined, tag: number, reading: Reading): BerElement[] {
  if (element?.tag !== tag) throw malformed(reading, `no element of tag ${tag} where it belongs`)
  return element.children
}

/** The bytes of an OCTET STRING, whole or in pieces (X.690 §8.7). `tag`: an implicit tag that replaces its own. */
export function octetsOf(
  element: BerElement | undefined,
  reading: Reading,
  tag: number = tags.octetString,
): Uint8Array<ArrayBuffer> {
  if (element?.tag === tag) return element.content
  return concatBytes(...childrenOf(element, tag | constructed, reading).map((piece) => octetsOf(piece, reading)))
}

/** A non-negative INTEGER. Returns Infinity if it has more than eight bytes. */
export function countOf(element: BerElement | undefined, reading: Reading): number {
  const digits = element?.tag === tags.integer ? element.content : nothing
  if (digits.length === 0 || (digits[0] ?? 0) & 0x80) throw malformed(reading, 'no count where it belongs')
  return digits.length > 8 ? Number.POSITIVE_INFINITY : numberOf(digits)
}

/** An OBJECT IDENTIFIER in its dotted form (X.690 §8.19). */
export function oidOf(element: BerElement | undefined, reading: Reading): string {
  const bytes = element?.tag === tags.oid ? element.content : nothing
  if (bytes.length === 0 || bytes.length > 32) throw malformed(reading, 'no object identifier where it belongs')
  const arcs: number[] = []
  let arc = 0
  for (const byte of bytes) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [head = 0, ...rest] = arcs
  const root = Math.min(Math.floor(head / 40), 2)
  return [root, head - root * 40, ...rest].join('.')
}
