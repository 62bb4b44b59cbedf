import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/model/errors.ts'
import { printable, quoted, shown } from '../../src/model/untrusted-text.ts'
import { hostileText, longTexts, millisecondsOf } from '../protocol/hostile.ts'

describe('printing what a stranger sent', () => {
  it.each([
    ['plain text, also with accents, emoji and other scripts', 'Zoë 😀 שלום', 'Zoë 😀 שלום'],
    ['a line break, which could forge a line of a log', 'a\r\nb\u2028c', 'a\\u{d}\\u{a}b\\u{2028}c'],
    ['control characters of a terminal', '\u001b[31m\u0000\u009b', '\\u{1b}[31m\\u{0}\\u{9b}'],
    ['a bidirectional override, which reorders the line', 'user\u202egpj.exe', 'user\\u{202e}gpj.exe'],
    ['a bidirectional isolate', '\u2066admin\u2069', '\\u{2066}admin\\u{2069}'],
    ['zero-width characters, which make two values look alike', 'ad\u200bmin\ufeff', 'ad\\u{200b}min\\u{feff}'],
    ['letters that no font draws', 'a\u3164\u034f\u00ad', 'a\\u{3164}\\u{34f}\\u{ad}'],
    ['a blank that is not the space', 'a\u00a0b c', 'a\\u{a0}b c'],
    ['a lone half of a character', 'a\ud83d', 'a\\u{d83d}'],
    ['a tag character outside the first plane', '\u{e0041}', '\\u{e0041}'],
  ])('shows %s', (_, text, printed) => {
    expect(printable(text)).toBe(printed)
  })

  it('is bounded, and says so', () => {
    expect(printable('x'.repeat(300))).toBe('x'.repeat(300))
    expect(printable('x'.repeat(301))).toBe(`${'x'.repeat(300)}…`)
    expect(printable('\u202e'.repeat(300))).toBe(`${'\\u{202e}'.repeat(37)}…`)
    expect(printable(`${'x'.repeat(9)}😀`, 10)).toBe(`${'x'.repeat(9)}…`)
  })

  it('printed once or twice is the same', () => {
    fc.assert(fc.property(hostileText, (text) => printable(printable(text, 60), 60) === printable(text, 60)))
  })

  it('never has more than one line, or anything that is not seen', () => {
    const unseen = /[\p{C}\p{Zl}\p{Zp}]|[^\S ]/u
    fc.assert(
      fc.property(hostileText, fc.integer({ min: 0, max: 60 }), (text, longest) => {
        const printed = printable(text, longest)
        return !unseen.test(printed) && printed.length <= longest + 1
      }),
    )
  })

  it('takes no time for long texts', () => {
    for (const text of longTexts) expect(millisecondsOf(() => printable(text))).toBeLessThan(5)
  })

  it('quotes texts and shows other values as JSON', () => {
    expect(quoted('a\nb')).toBe('"a\\u{a}b"')
    expect([shown('a'), shown({ a: ['\u202e'] }), shown(undefined), shown(null)]).toEqual([
      'a',
      '{"a":["\\u{202e}"]}',
      'missing',
      'null',
    ])
  })
})

it('a refusal keeps only what can be seen of what it received', () => {
  const { detail } = new OAuthError('invalid_request', 'no', { check: 'state', received: `\u202e${'x'.repeat(9000)}` })
  expect(detail.received).toMatch(/^\\u\{202e\}x{1992}…$/)
})
