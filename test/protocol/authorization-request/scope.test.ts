import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grantableScopes, parseScope } from '../../../src/protocol/authorization-request/scope.ts'
import { aClient } from '../../context.ts'
import { hostileText, longTexts, millisecondsOf, outcomeOf, refusalOf } from '../hostile.ts'

const enabled = new Set(['openid', 'profile', 'email', 'offline_access', 'full_api_access'])
const isEnabled = (scope: string): boolean => enabled.has(scope)

describe('A26 a scope parameter', () => {
  it('is a set, in the order asked for', () => {
    expect(parseScope('openid  email openid')).toEqual(['openid', 'email'])
    expect(parseScope(null)).toEqual([])
    expect(parseScope('')).toEqual([])
  })

  it.each(['open"id', 'open\\id', 'openid\temail', 'openid\nemail', 'ópenid', 'openid\0', '\u00a0', 'a\u2028b'])(
    'is refused as %j',
    (text) => {
      expect(refusalOf(() => parseScope(text))).toBe('invalid_scope')
    },
  )

  it('throws nothing but OAuthError, and lets no other character through (RFC 6749 §3.3)', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const outcome = outcomeOf(() => parseScope(text))
        if ('value' in outcome) expect(outcome.value.every((name) => /^[!#-[\]-~]+$/.test(name))).toBe(true)
      }),
    )
  })

  it.each(longTexts.map((text) => [text.slice(0, 20), text]))('F07 of 50 KB, %j, is judged in 5 ms', (_, text) => {
    expect(millisecondsOf(() => outcomeOf(() => parseScope(text)))).toBeLessThan(5)
  })
})

describe('A26 what is granted', () => {
  const client = aClient({ scopes: ['profile', 'disabled'], api_access: false, offline_access: false })
  const granted = (requested: string[], overrides = {}) =>
    grantableScopes(requested, { ...client, ...overrides }, isEnabled)

  it.each([
    ['what is registered and enabled', ['openid', 'profile'], {}, ['openid', 'profile']],
    ['nothing unknown', ['openid', 'nope'], {}, ['openid']],
    ['nothing of another client', ['openid', 'email'], {}, ['openid']],
    ['nothing disabled', ['openid', 'disabled'], {}, ['openid']],
    ['no full_api_access without API access', ['openid', 'full_api_access'], {}, ['openid']],
    ['no offline_access without Offline', ['openid', 'offline_access'], {}, ['openid']],
    ['full_api_access with API access', ['full_api_access'], { api_access: true }, ['full_api_access']],
    [
      'full_api_access by its flag only',
      ['openid', 'full_api_access'],
      { scopes: ['full_api_access', 'offline_access'] },
      ['openid'],
    ],
    [
      'offline_access with Offline',
      ['openid', 'offline_access'],
      { offline_access: true },
      ['openid', 'offline_access'],
    ],
    ['names of Object.prototype as any unknown name', ['openid', 'constructor', '__proto__'], {}, ['openid']],
  ])('is %s', (_, requested, overrides, expected) => {
    expect(granted(requested, overrides)).toEqual(expected)
  })

  it.each([
    ['nothing was asked for', [], {}],
    ['nothing remains', ['nope', 'full_api_access'], {}],
    [
      'a client of client_credentials asks for what only a person can give',
      ['openid', 'offline_access'],
      { grant_types: ['client_credentials'], offline_access: true },
    ],
  ])('is refused when %s', (_, requested, overrides) => {
    expect(refusalOf(() => granted(requested, overrides))).toBe('invalid_scope')
  })

  it('is never more than was asked for, nor more than the client may have', () => {
    const names = fc.array(fc.oneof(fc.constantFrom(...enabled, 'disabled', 'nope'), fc.string()), { maxLength: 12 })
    const flags = fc.record({ api_access: fc.boolean(), offline_access: fc.boolean(), scopes: names })
    fc.assert(
      fc.property(names, flags, (requested, overrides) => {
        const outcome = outcomeOf(() => granted(requested, overrides))
        if ('refusal' in outcome) return
        for (const scope of outcome.value) {
          expect(requested).toContain(scope)
          expect(enabled).toContain(scope)
          if (scope === 'full_api_access') expect(overrides.api_access).toBe(true)
          else if (scope === 'offline_access') expect(overrides.offline_access).toBe(true)
          else if (scope !== 'openid') expect(overrides.scopes).toContain(scope)
        }
      }),
    )
  })
})
