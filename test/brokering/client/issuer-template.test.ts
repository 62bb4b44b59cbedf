import { describe, expect, it } from 'vitest'
import { acceptsIssuer, fitsIssuer, keyServesIssuer } from '../../../src/brokering/client/issuer-template.ts'

const [ours, theirs] = ['11111111-2222-3333-4444-555555555555', '99999999-2222-3333-4444-555555555555']
const v2 = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
const v1 = (tenant: string) => `https://sts.windows.net/${tenant}/`
const template = v2('{tenantid}')

interface Case {
  issuer: string
  all?: boolean
  valid?: string[]
  iss: unknown
  tid?: unknown
  accepted: boolean
}

const cases: Record<string, Case> = {
  'the issuer itself': { issuer: 'https://idp.test', iss: 'https://idp.test', accepted: true },
  'another one': { issuer: 'https://idp.test', iss: 'https://idp.test/', accepted: false },
  'another one although all are allowed': {
    issuer: 'https://idp.test',
    all: true,
    iss: 'https://evil.test',
    accepted: false,
  },
  'a path below although all are allowed': {
    issuer: 'https://idp.test',
    all: true,
    iss: 'https://idp.test/x',
    accepted: false,
  },
  'a listed one': { issuer: 'https://idp.test', valid: ['https://b.test'], iss: 'https://b.test', accepted: true },
  'one that begins like a listed one': {
    issuer: 'https://idp.test',
    valid: ['https://b.test'],
    iss: 'https://b.test/',
    accepted: false,
  },
  none: { issuer: 'https://idp.test', all: true, iss: undefined, accepted: false },

  'the template itself': { issuer: template, all: true, iss: template, tid: '{tenantid}', accepted: false },
  'a tenant of the template, none allowed': { issuer: template, iss: v2(ours), tid: ours, accepted: false },
  'a listed tenant': { issuer: template, valid: [v2(ours)], iss: v2(ours), tid: ours, accepted: true },
  'another than the listed tenant': {
    issuer: template,
    valid: [v2(ours)],
    iss: v2(theirs),
    tid: theirs,
    accepted: false,
  },
  'any tenant, all allowed': { issuer: template, all: true, iss: v2(theirs), tid: theirs, accepted: true },
  'the tid of another tenant': { issuer: template, all: true, iss: v2(ours), tid: theirs, accepted: false },
  'no tid': { issuer: template, all: true, iss: v2(ours), accepted: false },
  'a tid that is no GUID': { issuer: template, all: true, iss: v2('evil'), tid: 'evil', accepted: false },
  'a tid with a path': { issuer: template, all: true, iss: v2(`${ours}/x`), tid: `${ours}/x`, accepted: false },
  'a tid with $&': { issuer: template, all: true, iss: v2('$&'), tid: '$&', accepted: false },
  'a tid in a list': { issuer: template, all: true, iss: v2(ours), tid: [ours], accepted: false },
  'the template on another host': {
    issuer: template,
    all: true,
    iss: `https://evil.test/${ours}/v2.0`,
    tid: ours,
    accepted: false,
  },
  'v1.0 for v2.0': { issuer: template, all: true, iss: v1(ours), tid: ours, accepted: false },
  'v1.0 for v1.0': { issuer: v1('{tenantid}'), all: true, iss: v1(ours), tid: ours, accepted: true },

  'another tenant for the metadata of one': { issuer: v2(ours), iss: v2(theirs), tid: theirs, accepted: false },
  'the same, all allowed': { issuer: v2(ours), all: true, iss: v2(theirs), tid: theirs, accepted: true },
  'the same of v1.0': { issuer: v1(ours), all: true, iss: v1(theirs), tid: theirs, accepted: true },
  'the like of somebody who is not Entra': {
    issuer: `https://idp.test/${ours}/v2.0`,
    all: true,
    iss: `https://idp.test/${theirs}/v2.0`,
    tid: theirs,
    accepted: false,
  },
}

describe('the issuer of a token', () => {
  it.each(Object.entries(cases))('%s', (_, { issuer, all = false, valid = [], iss, tid, accepted }) => {
    expect(acceptsIssuer({ issuer, allow_all_issuers: all, valid_issuers: valid }, { iss, tid })).toBe(accepted)
  })
})

describe('the issuer that a key names (Entra)', () => {
  it.each([
    [undefined, true],
    [v2(ours), true],
    [template, true],
    [v2(theirs), false],
    [v1('{tenantid}'), false],
    [7, false],
  ])('%s', (keyIssuer, serves) => {
    expect(keyServesIssuer(keyIssuer, { iss: v2(ours), tid: ours })).toBe(serves)
  })

  it('as a template says nothing without tid', () => {
    expect(keyServesIssuer(template, { iss: v2(ours) })).toBe(false)
  })
})

describe('the issuer of an authorization response (RFC 9207)', () => {
  const fits = (iss: string, all = false, issuer = template) =>
    fitsIssuer({ issuer, allow_all_issuers: all, valid_issuers: [v2(theirs)] }, iss)

  it('is the metadata’s, a listed one, or with all allowed a tenant of the template', () => {
    expect(fits(template)).toBe(true)
    expect(fits(v2(theirs))).toBe(true)
    expect(fits(v2(ours))).toBe(false)
    expect(fits(v2(ours), true)).toBe(true)
    expect(fits(v2('evil'), true)).toBe(false)
    expect(fits('https://evil.test', true)).toBe(false)
    expect(fits('https://idp.test', true, 'https://idp.test')).toBe(true)
    expect(fits('', true, 'https://idp.test')).toBe(false)
  })
})
