// D06: an icon is a drawing. What runs, loads, multiplies or is something else than it says is refused.
import { describe, expect, it } from 'vitest'
import { iconFault, parseIcon } from '../../src/pages/icon.ts'

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
const svgUrl = (document: string) => `data:image/svg+xml;base64,${base64(document)}`
const svg = (content: string, attributes = '') =>
  svgUrl(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"${attributes}>${content}</svg>`)

const drawings: [string, string][] = [
  ['a path', svg('<path d="M0 0h24v24H0z" fill="#4285f4"/>')],
  [
    'what drawing programs write',
    svgUrl(
      '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg" ' +
        'xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" xml:space="preserve" width="24" height=\'24\'>\n' +
        '<title>R&amp;D (&#x2713;)</title><defs><linearGradient id="a" gradientTransform="rotate(45)">' +
        '<stop offset="0" style="stop-color:rgb(1,2,3);stop-opacity:.5"/></linearGradient>' +
        '<clipPath id="c"><rect width="5" height="5"/></clipPath></defs>' +
        '<g clip-path="url(#c)"><use xlink:href="#a"/><circle cx="1" cy="1" r="1" fill="url(#a) red"/></g>\n</svg>\n',
    ),
  ],
]

describe('D06 an SVG that draws is taken', () => {
  it.each(drawings)('%s', (_, url) => expect(iconFault(url)).toBeUndefined())
})

const xlink = ' xmlns:xlink="http://www.w3.org/1999/xlink"'
const hostile: [string, string][] = [
  ['a script', svg('<script>alert(1)</script>')],
  ['a script in capitals', svg('<SCRIPT>alert(1)</SCRIPT>')],
  ['a script in a namespace of its own', svg('<s:script>alert(1)</s:script>', ' xmlns:s="http://www.w3.org/2000/svg"')],
  ['onload', svg('', ' onload="alert`1`"')],
  ['OnLoad behind a line break', svg('', '\nOnLoad\n=\n"alert`1`"')],
  ['foreignObject', svg('<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>')],
  ['an image from elsewhere', svg('<image href="https://evil.test/x.png"/>')],
  ['use of another document', svg('<use href="https://evil.test/x.svg#a"/>')],
  ['use of another document by xlink', svg('<use xlink:href="https://evil.test/x.svg#a"/>', xlink)],
  ['use of a data: URL', svg('<use href="data:image/svg+xml;base64,PHN2Zy8+#a"/>')],
  ['a link', svg('<a href="javascript:alert(1)"><path d="M0 0"/></a>')],
  ['a javascript: address in any attribute', svg('<path d="M0 0" fill="javascript:alert(1)"/>')],
  ['the same in character references', svg('<path d="M0 0" fill="java&#115;cript:alert(1)"/>')],
  ['an entity bomb', svgUrl('<!DOCTYPE svg [<!ENTITY a "&b;&b;"><!ENTITY b "bomb">]><svg xmlns="x">&a;</svg>')],
  ['a document type in lower case', svgUrl('<!doctype svg><svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['an entity that nobody defined', svg('<title>&a;</title>')],
  ['an entity without its end', svg('<title>&amp</title>')],
  ['CDATA', svg('<title><![CDATA[<script>]]></title>')],
  [
    'a style sheet by a processing instruction',
    svgUrl('<?xml-stylesheet href="https://evil.test/x.css"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
  ],
  ['a style sheet', svg('<style>@import "https://evil.test/x.css"</style>')],
  ['a style that loads', svg('<path style="fill:url(https://evil.test/x)"/>')],
  ['a style that refers', svg('<path style="fill:url(#a)"/>')],
  ['a style that imports', svg('<path style="@import \'https://evil.test/x\'"/>')],
  ['an escaped style', svg('<path style="fill:u\\72l(https://evil.test/x)"/>')],
  ['an escaped import', svg('<path style="@\\69mport \'//evil.test/x\'"/>')],
  ['a fill that loads', svg('<path fill="url(https://evil.test/x#a)"/>')],
  ['a fill that loads as its second', svg('<path fill="url(#a) url(https://evil.test/x)"/>')],
  ['a fill that loads by another function', svg('<path fill="image-set(\'https://evil.test/x\' 1x)"/>')],
  ['animation', svg('<animate attributeName="href" to="javascript:alert(1)"/>')],
  ...[
    'foreignObject',
    'image',
    'animate',
    'set',
    'style',
    'script',
    'iframe',
    'a',
    'switch',
    'text',
    'filter',
    'pattern',
    'symbol',
    'Svg',
  ].map((name): [string, string] => [`<${name}> with nothing in it`, svg(`<${name}/>`)]),
  ['copies of copies', svg('<g id="a"><use href="#b"/></g>'.repeat(17))],
  ['masks of masks', svg('<g mask="url(#a)"/>'.repeat(17))],
  ['two values of one attribute', svg('<use href="#a" href="#b"/>')],
  ['elements that cross', svg('<g><path></g></path>')],
  ['an element that stays open', svgUrl('<svg xmlns="http://www.w3.org/2000/svg"><g>')],
  [
    'something after the end',
    svgUrl('<svg xmlns="http://www.w3.org/2000/svg"/><svg xmlns="http://www.w3.org/2000/svg"/>'),
  ],
  ['text after the end', svgUrl('<svg xmlns="http://www.w3.org/2000/svg"/>text')],
  ['text among the shapes', svg('text')],
  ['an attribute without quotes', svg('<path d=M0/>')],
  ['an attribute without value', svg('<path hidden/>')],
  ['< within an attribute', svg('<path d="<"/>')],
  ['a page', svgUrl('<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>')],
  ['svg of no namespace', svgUrl('<svg><path d="M0 0"/></svg>')],
  ['a vocabulary called svg', svgUrl('<svg xmlns="http://www.w3.org/1999/xhtml"/>')],
  ['nothing', svgUrl(' ')],
  ['deep nesting', svg('<g>'.repeat(40) + '</g>'.repeat(40))],
  ['UTF-16', `data:image/svg+xml;base64,${btoa('\xff\xfe<\0s\0v\0g\0')}`],
  ['an encoding of its own', svgUrl('<?xml version="1.0" encoding="UTF-7"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['5 MB', `data:image/svg+xml;base64,${'A'.repeat(5 * 1024 * 1024)}`],
  ['5 MB of SVG', svgUrl(`<svg xmlns="http://www.w3.org/2000/svg"><path d="${'M0 0'.repeat(5000)}"/></svg>`)],
  ['an address', 'https://evil.test/x.svg'],
  ['text/html', `data:text/html;base64,${base64('<script>alert(1)</script>')}`],
  ['SVG with a charset', `data:image/svg+xml;charset=utf-8;base64,${base64('<svg/>')}`],
  ['not base64', 'data:image/svg+xml,<svg/>'],
  ['a PNG that is a page', `data:image/png;base64,${base64('<script>alert(1)</script>')}`],
  ['empty', ''],
]

describe('D06 anything else is refused', () => {
  it.each(hostile)('%s', (_, url) => expect(iconFault(url)).toBeTypeOf('string'))
})

it('says what is wrong', () => {
  expect(iconFault(svg('<script/>'))).toMatch(/^SVG has the element <script>/)
  expect(iconFault(svg('<path onload="x"/>'))).toBe('SVG <path onload> is an event handler')
  expect(iconFault(svg('<title>&a;</title>'))).toBe('SVG has the entity &a;')
})

it.each([
  ['png', '\x89PNG\r\n\x1a\n'],
  ['jpeg', '\xff\xd8\xff\xe0'],
  ['gif', 'GIF89a'],
  ['webp', 'RIFF\0\0\0\0WEBP'],
])('takes a bitmap that begins as %s does', (type, beginning) => {
  const parsed = parseIcon(`data:image/${type};base64,${btoa(`${beginning}rest`)}`)
  expect(parsed).toMatchObject({ icon: { type: `image/${type}` } })
  expect(iconFault(`data:image/${type};base64,${btoa('rest')}`)).toMatch(/is not an image/)
})
