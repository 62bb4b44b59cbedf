import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseParameters } from '../../src/protocol/parameters.ts'
import { hostileText, longTexts, millisecondsOf, outcomeOf, refusalOf } from './hostile.ts'

function pairsOf(text: string): [string, string][] {
  const pairs: [string, string][] = []
  parseParameters(text).forEach((value, name) => {
    pairs.push([name, value])
  })
  return pairs
}

describe('RFC 6749 §3.1', () => {
  it('decodes form-encoded text', () => {
    expect(pairsOf('a=1&b=x%20y+z&c=%F0%9F%98%80')).toEqual([
      ['a', '1'],
      ['b', 'x y z'],
      ['c', '😀'],
    ])
    expect(pairsOf('')).toEqual([])
  })

  it('A25 treats an empty value as absent', () => {
    expect(pairsOf('scope=&nonce=&state&client_id=web')).toEqual([['client_id', 'web']])
  })

  it.each(['client_id', 'redirect_uri', 'scope', 'state', 'code', 'foo'])('refuses %s twice', (name) => {
    expect(refusalOf(() => parseParameters(`${name}=a&${name}=a`))).toBe('invalid_request')
  })

  it('RFC 8707 §2 accepts resource and audience more than once', () => {
    expect(parseParameters('resource=a&resource=b&audience=c&audience=d').getAll('resource')).toEqual(['a', 'b'])
  })
})

describe('A28 refuses', () => {
  it.each([
    ['a stray percent sign', 'a=%'],
    ['broken percent-encoding', 'a=%zz'],
    ['half an encoded byte', 'a=%4'],
    ['an overlong form of a slash', 'a=%C0%AF'],
    ['an overlong form of NUL', 'a=%E0%80%80'],
    ['half a surrogate pair', 'a=%ED%A0%80'],
    ['bytes that are not UTF-8', 'a=%FF%FE'],
    ['the same in a name', '%FF=1'],
    ['NUL', 'a=b%00c'],
    ['500 parameters', Array.from({ length: 500 }, (_, index) => `p${index}=1`).join('&')],
    ['500 empty parameters', '&'.repeat(499)],
  ])('%s', (_, text) => {
    expect(refusalOf(() => parseParameters(text))).toBe('invalid_request')
  })
})

it('throws only OAuthError', () => {
  fc.assert(fc.property(hostileText, (text) => void outcomeOf(() => parseParameters(text))))
})

it('decodes what URLSearchParams encoded', () => {
  const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\0\ufffd]/.test(text))
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,10}$/), value, { maxKeys: 20 }), (given) => {
      const parsed = pairsOf(new URLSearchParams({ ...given }).toString())
      expect(Object.fromEntries(parsed)).toEqual({ ...given })
    }),
  )
})

it.each(longTexts.map((text) => [text.slice(0, 20), text]))('F07 parses 50 KB of %j in 5 ms', (_, text) => {
  expect(millisecondsOf(() => outcomeOf(() => parseParameters(text)))).toBeLessThan(5)
  expect(millisecondsOf(() => outcomeOf(() => parseParameters(`scope=${text}`)))).toBeLessThan(5)
})
