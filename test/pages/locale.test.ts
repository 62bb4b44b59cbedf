import { describe, expect, it } from 'vitest'
import { chooseLocale } from '../../src/pages/locale.ts'

describe('chooseLocale', () => {
  it.each([
    ['ui_locales before Accept-Language', ['de'], 'nl', 'de'],
    ['the first ui_locale we speak', ['fr-CA', 'nl-BE', 'de'], null, 'nl'],
    ['Accept-Language when no ui_locale is spoken', ['fr', 'xx'], 'de-AT,en;q=0.5', 'de'],
    ['the highest weight', undefined, 'en;q=0.3, de;q=0.8, nl;q=0.5', 'de'],
    ['the first of equal weights', undefined, 'fr, nl, de', 'nl'],
    ['not what has weight 0', undefined, 'nl;q=0, de;q=0.1', 'de'],
    ['any case', ['NL-nl'], null, 'nl'],
    ['the fallback for no header', undefined, null, 'en'],
    ['the fallback for a wildcard', [], '*', 'en'],
    ['the fallback for words of JavaScript', ['constructor', '__proto__'], 'toString', 'en'],
    ['the fallback for nonsense', [''], ';;q=,,;q=x,nl;q=x', 'en'],
  ] as const)('takes %s', (_, uiLocales, acceptLanguage, expected) => {
    expect(chooseLocale(uiLocales && [...uiLocales], acceptLanguage, 'en')).toBe(expected)
  })

  it.each([
    ['commas', ','.repeat(50_000)],
    ['spaces before a semicolon', `nl${' '.repeat(50_000)};q=1`],
    ['one long tag', 'a-'.repeat(25_000)],
    ['semicolons', ';'.repeat(50_000)],
    ['tags', 'fr;q=0.1,'.repeat(5_600)],
    ['a long weight', `nl;q=${'9'.repeat(50_000)}`],
  ])('F07 answers 50 KB of %s within 5 ms', (_, header) => {
    const began = performance.now()
    for (let i = 0; i < 20; i += 1) chooseLocale(header.split(' '), header, 'en')
    expect((performance.now() - began) / 20).toBeLessThan(5)
  })
})
