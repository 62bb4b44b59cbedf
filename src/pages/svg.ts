// Validates SVG images: drawings are accepted, and nothing that runs script, loads a resource or multiplies. A parser of our own reads the small part of XML 1.0
// that drawings need and refuses the rest, so that no browser can find more in a file than was validated.

const elements = new Set(
  (
    'svg g path circle ellipse rect line polyline polygon defs linearGradient radialGradient stop clipPath mask title ' +
    'desc use'
  ).split(' '),
)
const textElements = new Set(['title', 'desc'])

const namespaces: Record<string, string> = {
  xmlns: 'http://www.w3.org/2000/svg',
  'xmlns:xlink': 'http://www.w3.org/1999/xlink',
}
const prefixedAttributes = new Set(['xmlns:xlink', 'xlink:href', 'xml:space'])

/** Functions of CSS and of `transform`. `url` is validated separately. */
const functions = new Set('rgb rgba hsl hsla matrix translate scale rotate skewX skewY calc'.split(' '))

/** Elements that copy others: copies of copies grow without bound in a small file. */
const mostCopies = 16
const deepest = 32

interface Tag {
  name: string
  attributes: Map<string, string>
  kind: 'opens' | 'closes' | 'empty'
}

/** Returns what is wrong with an SVG document; undefined if nothing is. */
export function svgFault(document: string): string | undefined {
  try {
    judge(document)
    return undefined
  } catch (fault) {
    if (fault instanceof SvgFault) return fault.message
    throw fault
  }
}

class SvgFault extends Error {
  override readonly name = 'SvgFault'
}

const refuse = (reason: string): never => {
  throw new SvgFault(reason)
}

function judge(document: string): void {
  const open: string[] = []
  let isDone = false
  let copies = 0
  for (const token of tokensOf(document)) {
    if (typeof token === 'string') {
      validateText(token, open.at(-1))
      continue
    }
    if (isDone) refuse('has an element after its end')
    if (token.kind === 'closes') {
      if (open.pop() !== token.name) refuse(`closes <${token.name}> where another element is open`)
    } else {
      if (open.length === 0) validateRoot(token)
      validateElement(token)
      copies += copiesOf(token)
      if (token.kind === 'opens') open.push(token.name)
    }
    if (open.length > deepest) refuse(`nests more than ${deepest} elements`)
    isDone = open.length === 0
  }
  if (!isDone) refuse('is not closed')
  if (copies > mostCopies) refuse(`copies, clips and masks more than ${mostCopies} times`)
}

/** XML 1.0 §2.8: the declaration is allowed; a document type is refused, because it can define entities. */
const declaration = /^<\?xml version=(["'])1\.0\1( encoding=(["'])utf-8\3)?( standalone=(["'])(yes|no)\5)?\s*\?>/i
const comment = /<!--(?:(?!--).)*-->/sy
const text = /[^<]+/y
const closingTag = /<\/([A-Za-z]+)\s*>/y
const openingTag = /<([A-Za-z][\w:.-]*)((?:\s+[A-Za-z][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y
const attribute = /([A-Za-z][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g

/** Tags, and the text between them. */
function* tokensOf(document: string): Generator<Tag | string> {
  let at = declaration.exec(document)?.[0].length ?? 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(document)
    if (match) at += match[0].length
    return match
  }
  while (at < document.length) {
    if (take(comment)) continue
    const words = take(text)
    const closing = words ? null : take(closingTag)
    const opening = words || closing ? null : take(openingTag)
    if (words) yield decode(words[0])
    else if (closing) yield { name: closing[1] ?? '', attributes: new Map(), kind: 'closes' }
    else if (opening) {
      const [, name = '', written = '', slash] = opening
      yield { name, attributes: attributesOf(name, written), kind: slash ? 'empty' : 'opens' }
    } else refuse(`cannot be read at: ${document.slice(at, at + 30)}`)
  }
}

function attributesOf(element: string, written: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single] of written.matchAll(attribute)) {
    if (attributes.has(name)) refuse(`<${element}> has ${name} twice`)
    attributes.set(name, decode(double ?? single ?? ''))
  }
  return attributes
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** XML 1.0 §4.6: the predefined entities and character references. Any other would need a document type. */
function decode(written: string): string {
  return written.replaceAll(/&([^;&]{0,10})(;?)/g, (whole, name: string, end: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? []
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal)
    if (end && code > 0 && code <= 0x10ffff) return String.fromCodePoint(code)
    return (end && Object.hasOwn(entities, name) && entities[name]) || refuse(`has the entity ${whole}`)
  })
}

function validateText(words: string, element: string | undefined): void {
  if (words.trim() === '') return
  if (element === undefined || !textElements.has(element)) refuse('has text outside of title and desc')
}

function validateRoot({ name, attributes }: Tag): void {
  if (name !== 'svg') refuse(`must be <svg>, not <${name}>`)
  if (attributes.get('xmlns') !== namespaces.xmlns) refuse(`must state xmlns="${namespaces.xmlns}"`)
}

function validateElement({ name, attributes }: Tag): void {
  if (!elements.has(name)) refuse(`has the element <${name}>, which is not one of ${[...elements].join(', ')}`)
  for (const [attributeName, value] of attributes) {
    const fault = attributeFault(attributeName, value)
    if (fault) refuse(`<${name} ${attributeName}> ${fault}`)
  }
}

function attributeFault(name: string, value: string): string | undefined {
  if (name.includes(':') && !prefixedAttributes.has(name)) return 'is of another vocabulary: export it as plain SVG'
  if (/^on/i.test(name)) return 'is an event handler'
  if (name.startsWith('xmlns')) return value === namespaces[name] ? undefined : 'names another vocabulary'
  if (/^(xlink:)?href$/i.test(name)) return /^#[\w.-]+$/.test(value) ? undefined : 'must lead to a #id of the image'
  if (/javascript:|data:|@import/i.test(value)) return 'has an address or a rule in it'
  // A CSS escape can spell any name, so escapes are refused.
  if (value.includes('\\')) return 'has a backslash'
  return functionFault(name, value)
}

/** CSS Values §3.4: a function's name ends at its parenthesis. */
function functionFault(name: string, value: string): string | undefined {
  const rest = name === 'style' ? value : value.replace(/^url\((["']?)#[\w.-]+\1\)/i, '')
  for (const [, called = ''] of rest.matchAll(/([\w-]+)\(/g)) {
    if (!functions.has(called)) return `calls ${called}(), which is not allowed here`
  }
  return undefined
}

function copiesOf({ name, attributes }: Tag): number {
  return Number(name === 'use') + Number(attributes.has('mask')) + Number(attributes.has('clip-path'))
}
