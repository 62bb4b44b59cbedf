import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grantableScopes, parseScope } from '../../../src/protocol/authorization-request/scope.ts'
import { aClient } from '../../context.ts'
import { hostileText, longTexts, millisecondsOf, outcomeOf, refusalOf } from '../hostile.ts'

const enabled = new Set(['openid', 'profile', 'email', 'offline_access', 'full_api_access'])
const isEnabled = (scope: string): boolean => enabled.has(scope)

describe('A26 a scope parameter', () => {
  it('is parsed to distinct names, in the requested order', () => {
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

  it('throws only OAuthError, and admits only the characters of RFC 6749 §3.3', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const outcome = outcomeOf(() => parseScope(text))
        if ('value' in outcome) expect(outcome.value.every((name) => /^[!#-[\]-~]+$/.test(name))).toBe(true)
      }),
    )
  })

  it.each(longTexts.map((text) => [text.slice(0, 20), text]))('F07 is parsed in 5 ms from 50 KB of %j', (_, text) => {
    expect(millisecondsOf(() => outcomeOf(() => parseScope(text)))).toBeLessThan(5)
  })
})

describe('A26 the granted scope', () => {
  const client = aClient({ scopes: ['profile', 'disabled'], api_access: false, offline_access: false })
  const granted = (requested: string[], overrides = {}) =>
    grantableScopes(requested, { ...client, ...overrides }, isEnabled)

  it.each([
    ['every scope that is registered and enabled', ['openid', 'profile'], {}, ['openid', 'profile']],
    ['without unknown names', ['openid', 'nope'], {}, ['openid']],
    ['without scopes of other clients', ['openid', 'email'], {}, ['openid']],
    ['without disabled scopes', ['openid', 'disabled'], {}, ['openid']],
    ['without full_api_access if the client has no api_access', ['openid', 'full_api_access'], {}, ['openid']],
    ['without offline_access if the client has no offline_access', ['openid', 'offline_access'], {}, ['openid']],
    ['full_api_access if the client has api_access', ['full_api_access'], { api_access: true }, ['full_api_access']],
    [
      'without full_api_access if only the list of scopes has it',
      ['openid', 'full_api_access'],
      { scopes: ['full_api_access', 'offline_access'] },
      ['openid'],
    ],
    [
      'offline_access if the client has offline_access',
      ['openid', 'offline_access'],
      { offline_access: true },
      ['openid', 'offline_access'],
    ],
    ['without the names of Object.prototype', ['openid', 'constructor', '__proto__'], {}, ['openid']],
  ])('is %s', (_, requested, overrides, expected) => {
    expect(granted(requested, overrides)).toEqual(expected)
  })

  it.each([
    ['no scope is requested', [], {}],
    ['no scope remains', ['nope', 'full_api_access'], {}],
    [
      'a client_credentials client requests what needs a user',
      ['openid', 'offline_access'],
      { grant_types: ['client_credentials'], offline_access: true },
    ],
  ])('is refused when %s', (_, requested, overrides) => {
    expect(refusalOf(() => granted(requested, overrides))).toBe('invalid_scope')
  })

  it('never exceeds the request or what the client may have', () => {
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
