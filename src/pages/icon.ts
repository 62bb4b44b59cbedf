// The icon of a provider's button: a small image, stored as the data: URL (RFC 2397) that an administrator supplies, and validated before it is stored.
import { svgFault } from './svg.ts'

export interface Icon {
  /** Media type. */
  type: string
  bytes: Uint8Array<ArrayBuffer>
}

const mostBytes = 16 * 1024

/** The first bytes of a file of each type; SVG has none. */
const beginnings: Record<string, RegExp | undefined> = {
  'image/svg+xml': undefined,
  'image/png': /^\x89PNG\r\n.\n/,
  'image/jpeg': /^\xff\xd8\xff/,
  'image/gif': /^GIF8[79]a/,
  'image/webp': /^RIFF.{4}WEBP/s,
}
const types = Object.keys(beginnings)

/** Returns the image, or what is wrong with it. */
export function parseIcon(dataUrl: string): { icon: Icon } | { fault: string } {
  // Base64 is a third longer.
  if (dataUrl.length > mostBytes * 1.4) return { fault: `must be an image of at most ${mostBytes} bytes` }
  const [, type = '', base64 = ''] = /^data:([a-z+/]+);base64,([A-Za-z0-9+/]+={0,2})$/.exec(dataUrl) ?? []
  if (!types.includes(type)) {
    return { fault: `must be a data: URL in base64 of one of ${types.join(', ')}: data:image/png;base64,…` }
  }
  const binary = decodeBase64(base64)
  if (binary === undefined) return { fault: 'is not base64' }
  if (binary.length > mostBytes) return { fault: `must be an image of at most ${mostBytes} bytes` }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  const fault = contentFault(type, binary, bytes)
  return fault === undefined ? { icon: { type, bytes } } : { fault }
}

/** Returns what is wrong with an icon; undefined if nothing is. */
export function iconFault(dataUrl: string): string | undefined {
  const parsed = parseIcon(dataUrl)
  return 'fault' in parsed ? parsed.fault : undefined
}

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text)
  } catch {
    return undefined
  }
}

function contentFault(type: string, binary: string, bytes: Uint8Array): string | undefined {
  const beginning = beginnings[type]
  if (beginning) return beginning.test(binary) ? undefined : `is not an image of type ${type}`
  const document = decodeText(bytes)
  const fault = document === undefined ? 'is not UTF-8' : svgFault(document)
  return fault && `SVG ${fault}`
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
