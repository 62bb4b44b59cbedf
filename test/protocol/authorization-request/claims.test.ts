import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowedClaims, parseClaimsRequest } from '../../../src/protocol/authorization-request/claims.ts'
import { hostileText, longTexts, millisecondsOf, outcomeOf, refusalOf } from '../hostile.ts'

const allowed = new Set(['email', 'name'])
const parse = (document: unknown) =>
  allowedClaims(parseClaimsRequest(typeof document === 'string' ? document : JSON.stringify(document)), allowed)

describe('A27 the claims parameter', () => {
  it('returns only claims of scopes that the client may request', () => {
    expect(
      parse({ userinfo: { email: null, groups: { essential: true } }, id_token: { name: {}, sub: null } }),
    ).toEqual({
      userinfo: ['email'],
      id_token: ['name'],
    })
  })

  it('ignores unknown members (OIDC Core §5.5)', () => {
    expect(parse({ other: 1, id_token: { email: { purpose: 'because', nested: [[]] } } })).toEqual({
      userinfo: [],
      id_token: ['email'],
    })
    expect(parse({ userinfo: null })).toEqual({ userinfo: [], id_token: [] })
  })

  it.each([
    ['[]'],
    ['1'],
    ['"x"'],
    ['null'],
    ['true'],
    ['{'],
    ['{"id_token":[]}'],
    ['{"id_token":"email"}'],
    ['{"userinfo":1}'],
    ['{"id_token":{"email":1}}'],
    ['{"id_token":{"email":[]}}'],
    ['{"id_token":{"email":true}}'],
    ['{"id_token":{"sub":{"value":1}}}'],
    ['{"id_token":{"sub":{"value":["ada"]}}}'],
    ['{"userinfo":{"sub":{"value":{}}}}'],
    ['{"id_token":{"sub":{"value":"ada"}},"userinfo":{"sub":{"value":"bob"}}}'],
  ])('is refused as %s', (text) => {
    expect(refusalOf(() => parse(text))).toBe('invalid_request')
  })

  it('names the required subject in either member (§5.5.1)', () => {
    expect(parse({ id_token: { sub: { value: 'ada' } } }).sub).toBe('ada')
    expect(parse({ userinfo: { sub: { value: 'ada' } } }).sub).toBe('ada')
    expect(parse({ userinfo: { sub: { value: 'ada' } }, id_token: { sub: { value: 'ada' } } }).sub).toBe('ada')
    expect(parse({ id_token: { sub: { essential: true } } })).not.toHaveProperty('sub')
  })

  it('§5.5.1.1 requires an essential acr only if it has values', () => {
    expect(parse({ id_token: { acr: { essential: true, values: ['1', '2', 3] } } }).essential_acr).toEqual(['1', '2'])
    expect(parse({ id_token: { acr: { essential: true, value: '2' } } }).essential_acr).toEqual(['2'])
    expect(parse({ id_token: { acr: { essential: true, values: [] } } }).essential_acr).toEqual([])
    expect(parse({ id_token: { acr: { essential: true } } })).not.toHaveProperty('essential_acr')
    expect(parse({ id_token: { acr: { values: ['2'] } } })).not.toHaveProperty('essential_acr')
    expect(parse({ id_token: { acr: { essential: 'yes', values: ['2'] } } })).not.toHaveProperty('essential_acr')
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('treats %s as an ordinary name', (name) => {
    const text = `{"id_token":{"${name}":{"essential":true,"value":"x"}},"${name}":{"polluted":true,"email":null}}`
    expect(parse(text)).toEqual({ userinfo: [], id_token: [] })
    expect(allowedClaims(parseClaimsRequest(text), new Set([name])).id_token).toEqual([name])
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('may be nested deeply', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = `{"id_token":{"email":{"x":${open.repeat(8000)}1${close.repeat(8000)}}}}`
      expect(parse(deep).id_token).toEqual(['email'])
    }
  })

  it('throws only OAuthError, and returns only allowed claims', () => {
    const json = fc.json({ maxDepth: 5 })
    const shaped = fc
      .record({ id_token: fc.dictionary(fc.constantFrom('email', 'sub', 'acr', 'x'), fc.jsonValue()) })
      .map((document) => JSON.stringify(document))
    fc.assert(
      fc.property(fc.oneof(hostileText, json, shaped), (text) => {
        const outcome = outcomeOf(() => parse(text))
        if ('refusal' in outcome) return
        for (const claim of [...outcome.value.id_token, ...outcome.value.userinfo]) expect(allowed).toContain(claim)
      }),
    )
  })

  it.each(longTexts.map((text) => [text.slice(0, 20), text]))('F07 is parsed in 5 ms from 50 KB of %j', (_, text) => {
    expect(millisecondsOf(() => outcomeOf(() => parse(text)))).toBeLessThan(5)
  })
})
