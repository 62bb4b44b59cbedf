// User templates applied to claims: one row for each rule of the fields (SECURITY-CASES I18, I20).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type MappableUser,
  type MappingRules,
  namesToLookUp,
  plannedUserId,
  planUser,
} from '../../../src/brokering/provisioning/claim-mapping.ts'
import type { FieldTemplate, TemplateField, ValueMapping } from '../../../src/model/external-provider.ts'
import type { FieldChange } from '../../../src/model/login-attempt.ts'
import { longTexts, millisecondsOf } from '../../protocol/hostile.ts'

const blank: MappableUser = {
  login_name: 'ada',
  tenant_id: null,
  name: null,
  given_name: null,
  family_name: null,
  email: null,
  email_verified: false,
  gender: null,
  locale: null,
  zoneinfo: null,
  claims: {},
}

const tenants = new Set(['north', 'south'])
const rules = (
  user_template: MappingRules['user_template'],
  value_mappings: ValueMapping[] = [],
  identifying_claim = 'sub',
): MappingRules => ({ user_template, value_mappings, identifying_claim })

interface Outcome {
  value: unknown
  change: FieldChange | undefined
}

/** Plans one field by its template. Without `stored` the user is new. */
function plan(
  field: TemplateField,
  template: FieldTemplate,
  claims: Record<string, unknown>,
  options: { stored?: Partial<MappableUser>; mappings?: ValueMapping[] } = {},
): Outcome {
  const { stored, mappings } = options
  const base = { ...blank, ...stored }
  const { next, changes } = planUser(
    rules({ [field]: template }, mappings),
    claims,
    base,
    stored === undefined,
    tenants,
  )
  const value = field.startsWith('claims.') ? next.claims[field.slice(7)] : next[field as keyof MappableUser]
  return { value, change: changes.find((change) => change.field === field) }
}

const mapping = (field: ValueMapping['field'], claim_value: string, value: string, priority = 1): ValueMapping => ({
  field,
  claim_value,
  value,
  priority,
})

describe('a field takes', () => {
  const long = 'x'.repeat(201)
  const cases: [string, TemplateField, FieldTemplate, unknown, unknown, FieldChange['action'], RegExp?][] = [
    ['the claim', 'name', { claim: 'c' }, 'Ada', 'Ada', 'created', /^From the claim c\.$/],
    ['the claim, not the default', 'name', { claim: 'c', default: 'Nobody' }, 'Ada', 'Ada', 'created'],
    [
      'the default when the claim is missing',
      'name',
      { claim: 'c', default: 'Nobody' },
      undefined,
      'Nobody',
      'created',
      /The default: the claim c was not sent\./,
    ],
    ['the default when it is null', 'name', { claim: 'c', default: 'Nobody' }, null, 'Nobody', 'created'],
    ['the default when it is blank', 'name', { claim: 'c', default: 'Nobody' }, ' \t', 'Nobody', 'created'],
    ['the default when it is an empty list', 'name', { claim: 'c', default: 'Nobody' }, [], 'Nobody', 'created'],
    ['the default without a claim', 'gender', { default: 'unknown' }, undefined, 'unknown', 'created'],
    ['nothing without claim and default', 'name', { claim: 'c' }, undefined, null, 'unchanged', /was not sent/],
    ['a number as text', 'name', { claim: 'c' }, 42, '42', 'created'],
    ['a boolean as text', 'gender', { claim: 'c' }, false, 'false', 'created'],
    ['the first of a list', 'name', { claim: 'c' }, ['Ada', 'Eve'], 'Ada', 'created'],
    [
      'the first of a list that can be used',
      'name',
      { claim: 'c' },
      [{ a: 1 }, null, '', long, 'Eve'],
      'Eve',
      'created',
    ],
    ['no object', 'name', { claim: 'c' }, { first: 'Ada' }, null, 'failed', /An object.* must be a text/],
    [
      'no object, but the default',
      'name',
      { claim: 'c', default: 'Nobody' },
      { a: 1 },
      'Nobody',
      'created',
      /an object/,
    ],
    ['no list in a list', 'name', { claim: 'c' }, [['Ada']], null, 'failed'],
    ['nothing too long', 'name', { claim: 'c' }, long, null, 'failed', /at most 200 characters/],
    ['no line break', 'name', { claim: 'c' }, 'Ada\nroot', null, 'failed', /no control characters/],
    ['nothing invisible', 'name', { claim: 'c' }, 'A\u202eda', null, 'failed', /invisible/],
    ['a joiner that Persian writes with', 'name', { claim: 'c' }, 'علی\u200cرضا', 'علی\u200cرضا', 'created'],
    ['one form of an accent', 'name', { claim: 'c' }, ' Zoe\u0308 ', 'Zoë', 'created'],
    ['an address', 'email', { claim: 'c' }, 'Ada@idp.test', 'Ada@idp.test', 'created'],
    ['no address with two @', 'email', { claim: 'c' }, 'a@b@idp.test', null, 'failed'],
    ['no address with another @', 'email', { claim: 'c' }, 'ada＠idp.test', null, 'failed'],
    ['no address with a dot at the end', 'email', { claim: 'c' }, 'ada@idp.test.', null, 'failed'],
    ['no address with a variant of a letter', 'email', { claim: 'c' }, 'ada@ｉdp.test', null, 'failed', /NFKC/],
    ['a tenant that exists', 'tenant_id', { claim: 'c' }, 'north', 'north', 'created'],
    ['the tenant of a list that exists', 'tenant_id', { claim: 'c' }, ['east', 'south'], 'south', 'created'],
    [
      'no tenant that does not exist',
      'tenant_id',
      { claim: 'c' },
      'east',
      null,
      'failed',
      /"east" of the claim c cannot be used: it is not a tenant/,
    ],
    ['the default tenant instead', 'tenant_id', { claim: 'c', default: 'south' }, 'east', 'south', 'created', /"east"/],
    [
      'no default tenant that does not exist',
      'tenant_id',
      { claim: 'c', default: 'west' },
      undefined,
      null,
      'failed',
      /default "west" is not a tenant/,
    ],
    ['tenants by their exact id', 'tenant_id', { claim: 'c' }, 'North', null, 'failed'],
    ['a language', 'locale', { claim: 'c' }, 'nl-BE', 'nl-BE', 'created'],
    ['a language with an underscore (OIDC Core 5.1)', 'locale', { claim: 'c' }, 'en_US', 'en-US', 'created'],
    ['no language that is none', 'locale', { claim: 'c' }, 'English (US)', null, 'failed'],
    ['a time zone', 'zoneinfo', { claim: 'c' }, 'Europe/Amsterdam', 'Europe/Amsterdam', 'created'],
    [
      'no time zone that is unknown',
      'zoneinfo',
      { claim: 'c' },
      'Mars/Olympus',
      null,
      'failed',
      /not a known time zone/,
    ],
    ['no Windows time zone', 'zoneinfo', { claim: 'c', default: 'UTC' }, 'W. Europe Standard Time', 'UTC', 'created'],
    ['no offset as time zone', 'zoneinfo', { claim: 'c' }, '+01', null, 'failed'],
    ['a login name in its one form', 'login_name', { claim: 'c' }, ' ADA@idp.test ', 'ada@idp.test', 'created'],
    ['no login name with invisible characters', 'login_name', { claim: 'c' }, 'a\u200bda', 'ada', 'failed'],
    ['a claim of its own', 'claims.department', { claim: 'c' }, 'R&D', 'R&D', 'created'],
    ['a number for a claim of its own', 'claims.employee_number', { claim: 'c' }, 42, 42, 'created'],
    ['a boolean where the claim is one', 'claims.boss', { claim: 'c' }, true, true, 'created'],
    ['no claim of the protocol', 'claims.acr', { claim: 'c' }, '5', undefined, 'failed'],
    ['no claim that has a field of its own', 'claims.email_verified', { claim: 'c' }, true, undefined, 'failed'],
    ['no prototype', 'claims.__proto__', { claim: 'c' }, 'x', {}, 'failed'],
    [
      'a claim by the rules of its name',
      'claims.birthdate',
      { claim: 'c' },
      '31.12.1990',
      undefined,
      'failed',
      /must be a date/,
    ],
    ['no claim of 1,001 characters', 'claims.department', { claim: 'c' }, 'x'.repeat(1001), undefined, 'failed'],
  ]
  it.each(cases)('%s', (_rule, field, template, said, value, action, reason) => {
    const outcome = plan(field, template, said === undefined ? {} : { c: said })
    expect(outcome.change).toMatchObject({ field, action })
    expect(outcome.value).toEqual(value)
    if (reason) expect(outcome.change?.reason).toMatch(reason)
  })

  it('a claim is its own member, not one that every object has', () => {
    expect(plan('name', { claim: 'constructor' }, {}).change?.reason).toMatch(/was not sent/)
  })

  it('16,384 characters of claims are the most', () => {
    const claims = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`c${n}`, 'x'.repeat(990)]))
    const template = Object.fromEntries(Object.keys(claims).map((name) => [`claims.${name}`, { claim: name }]))
    const { changes } = planUser(rules(template), claims, blank, true, tenants)
    expect(changes.filter((change) => change.action === 'failed')).toHaveLength(1)
  })

  it('phone_number_verified needs phone_number, whatever the order of the template', () => {
    const template = { 'claims.phone_number_verified': { claim: 'v' }, 'claims.phone_number': { claim: 'p' } }
    const both = planUser(rules(template), { v: true, p: '+31201234567' }, blank, true, tenants)
    expect(both.next.claims).toEqual({ phone_number: '+31201234567', phone_number_verified: true })
    const alone = planUser(rules(template), { v: true }, blank, true, tenants)
    expect(alone.changes.map(({ action }) => action)).toEqual(['unchanged', 'failed'])
  })
})

describe('I20 value mappings', () => {
  const languages = [
    mapping('locale', 'fr', 'fr', 3),
    mapping('locale', 'de', 'de', 1),
    mapping('locale', 'en-GB', 'en', 2),
  ]
  const cases: [string, unknown, FieldTemplate, unknown, FieldChange['action'], RegExp][] = [
    [
      'the lowest priority number wins',
      ['en-GB', 'de', 'fr'],
      { claim: 'c' },
      'de',
      'created',
      /"de" of the claim c is mapped to "de"/,
    ],
    ['one value is compared whole', 'en-GB', { claim: 'c' }, 'en', 'created', /mapped to "en"/],
    [
      'a claim that no mapping fits gives the default',
      'nl',
      { claim: 'c', default: 'pt' },
      'pt',
      'created',
      /no value mapping fits "nl"/,
    ],
    ['never its own value', 'nl', { claim: 'c' }, null, 'unchanged', /No value mapping fits "nl"/],
    ['case counts', 'DE', { claim: 'c', default: 'pt' }, 'pt', 'created', /no value mapping fits/],
    [
      'part of a value is not the value',
      'de-AT',
      { claim: 'c', default: 'pt' },
      'pt',
      'created',
      /no value mapping fits/,
    ],
    [
      'an object fits nothing',
      { de: 'de' },
      { claim: 'c', default: 'pt' },
      'pt',
      'created',
      /no value mapping fits an object/,
    ],
  ]
  it.each(cases)('%s', (_rule, said, template, value, action, reason) => {
    const outcome = plan('locale', template, { c: said }, { mappings: languages })
    expect(outcome).toMatchObject({ value, change: { action } })
    expect(outcome.change?.reason).toMatch(reason)
  })

  it('numbers and booleans are compared as text', () => {
    const mappings = [mapping('gender', '2', 'female'), mapping('gender', 'true', 'yes')]
    expect(plan('gender', { claim: 'c' }, { c: 2 }, { mappings }).value).toBe('female')
    expect(plan('gender', { claim: 'c' }, { c: [true] }, { mappings }).value).toBe('yes')
  })

  it('the first in the list wins among equal priorities', () => {
    const mappings = [mapping('gender', 'a', 'first'), mapping('gender', 'b', 'second')]
    expect(plan('gender', { claim: 'c' }, { c: ['b', 'a'] }, { mappings }).value).toBe('first')
  })

  it('an issuer becomes a tenant; another one is a failure, not a user without tenant', () => {
    const mappings = [mapping('tenant_id', 'https://north.test', 'north')]
    const template = { claim: 'iss' }
    expect(plan('tenant_id', template, { iss: 'https://north.test' }, { mappings }).value).toBe('north')
    const other = plan(
      'tenant_id',
      template,
      { iss: 'https://east.test' },
      { mappings, stored: { tenant_id: 'south' } },
    )
    expect(other).toMatchObject({ value: 'south', change: { action: 'failed', before: 'south', after: 'south' } })
  })

  it('a mapping to a tenant that is gone gives the default, and without one fails', () => {
    const mappings = [mapping('tenant_id', 'x', 'gone')]
    expect(plan('tenant_id', { claim: 'c', default: 'north' }, { c: 'x' }, { mappings }).value).toBe('north')
    expect(plan('tenant_id', { claim: 'c' }, { c: 'x' }, { mappings }).change).toMatchObject({ action: 'failed' })
  })

  it('mappings of one field do not touch another', () => {
    const mappings = [mapping('locale', 'x', 'nl')]
    expect(plan('gender', { claim: 'c' }, { c: 'x' }, { mappings }).value).toBe('x')
  })
})

describe('an existing user', () => {
  it('has before and after in each change', () => {
    const { change } = plan('name', { claim: 'c' }, { c: 'Ada Byron' }, { stored: { name: 'Ada' } })
    expect(change).toEqual({
      field: 'name',
      action: 'updated',
      before: 'Ada',
      after: 'Ada Byron',
      reason: 'From the claim c.',
    })
  })

  it.each([
    ['an equal value', 'Ada', 'unchanged'],
    ['a missing claim', undefined, 'unchanged'],
    ['an unusable claim', { a: 1 }, 'failed'],
  ])('keeps the field at %s', (_what, said, action) => {
    const outcome = plan('name', { claim: 'c' }, { c: said }, { stored: { name: 'Ada' } })
    expect(outcome).toMatchObject({ value: 'Ada', change: { action, before: 'Ada', after: 'Ada' } })
  })

  it('I20 keeps language and time zone once they are set', () => {
    const stored = { locale: 'nl', zoneinfo: 'Europe/Amsterdam' }
    const locale = plan('locale', { claim: 'c' }, { c: 'de' }, { stored })
    expect(locale).toMatchObject({ value: 'nl', change: { action: 'ignored', before: 'nl', after: 'de' } })
    expect(locale.change?.reason).toMatch(/never overwritten/)
    const zone = plan('zoneinfo', { claim: 'c', default: 'UTC' }, {}, { stored })
    expect(zone).toMatchObject({ value: 'Europe/Amsterdam', change: { action: 'ignored', after: 'UTC' } })
    const unusable = plan('zoneinfo', { claim: 'c' }, { c: 'Mars/Olympus' }, { stored })
    expect(unusable).toMatchObject({ value: 'Europe/Amsterdam', change: { action: 'unchanged' } })
  })

  it('I20 gets a language where there is none yet', () => {
    const outcome = plan('locale', { claim: 'c' }, { c: 'de' }, { stored: { locale: null } })
    expect(outcome).toMatchObject({ value: 'de', change: { action: 'updated', before: null, after: 'de' } })
  })

  it('keeps claims that the template does not name', () => {
    const stored = { claims: { department: 'Sales', room: '4' } }
    const { next } = planUser(
      rules({ 'claims.department': { claim: 'd' } }),
      { d: 'R&D' },
      { ...blank, ...stored },
      false,
      tenants,
    )
    expect(next.claims).toEqual({ department: 'R&D', room: '4' })
    expect(stored.claims).toEqual({ department: 'Sales', room: '4' })
  })
})

describe('I15 whether an address is verified', () => {
  const said = (email_verified: unknown, email = 'ada@idp.test') => ({ email, mail: email, email_verified })
  const template = (email: FieldTemplate) => rules({ email })
  const stored = (email_verified: boolean) => ({ ...blank, email: 'ada@idp.test', email_verified })
  const cases: [string, FieldTemplate, Record<string, unknown>, MappableUser, boolean][] = [
    ['true is', { claim: 'email' }, said(true), blank, true],
    ['false is not', { claim: 'email' }, said(false), blank, false],
    ['"true" is not', { claim: 'email' }, said('true'), blank, false],
    ['1 is not', { claim: 'email' }, said(1), blank, false],
    ['absent is not', { claim: 'email' }, { email: 'ada@idp.test' }, blank, false],
    ['of a list nobody knows which', { claim: 'email' }, { ...said(true), email: ['eve@idp.test'] }, blank, false],
    ['another claim is not', { claim: 'mail' }, said(true), blank, false],
    ['a default is not', { claim: 'email', default: 'all@idp.test' }, { email_verified: true }, blank, false],
    [
      'a default in place of an unusable claim is not',
      { claim: 'email', default: 'all@idp.test' },
      said(true, 'x'),
      blank,
      false,
    ],
    [
      'another address is not verified because the last one was',
      { claim: 'email' },
      said(false, 'eve@idp.test'),
      stored(true),
      false,
    ],
    ['the same address stays so', { claim: 'mail' }, said(undefined), stored(true), true],
    ['the same address becomes so', { claim: 'email' }, said(true), stored(false), true],
  ]
  it.each(cases)('%s', (_rule, email, claims, base, expected) => {
    const { next, changes } = planUser(template(email), claims, base, base === blank, tenants)
    expect(next.email_verified).toBe(expected)
    expect(changes.some((change) => change.field === 'email_verified')).toBe(expected !== base.email_verified)
  })
})

describe('the user_id of a new user', () => {
  const id = (template: FieldTemplate | undefined, claims: Record<string, unknown>, mappings: ValueMapping[] = []) =>
    plannedUserId(rules(template ? { user_id: template } : {}, mappings, 'oid'), claims)

  it('is the value of the identifying claim, unless the template says otherwise', () => {
    expect(id(undefined, { oid: 'o-1', upn: 'ada' })).toMatchObject({ value: 'o-1' })
    expect(id({ claim: 'upn' }, { oid: 'o-1', upn: 'ada' })).toMatchObject({ value: 'ada' })
    expect(id({ claim: 'upn' }, { oid: 'o-1', upn: 'ada' }, [mapping('user_id', 'ada', 'A. Byron')])).toMatchObject({
      value: 'A. Byron',
    })
  })

  it('keeps its case', () => {
    expect(id(undefined, { oid: 'Admin' })).toMatchObject({ value: 'Admin' })
  })

  it.each([
    ['missing', undefined],
    ['blanks around', ' ada'],
    ['not ASCII', 'adä'],
    ['a variant of a letter', 'ａda'],
    ['invisible', 'a\u200bda'],
    ['too long', 'x'.repeat(256)],
    ['an object', { id: 1 }],
  ])('I18 is refused when %s', (_what, oid) => {
    expect(id(undefined, { oid })).toMatchObject({ outcome: 'fault' })
  })

  it('is not a default that several users would share', () => {
    expect(id({ claim: 'upn' }, { upn: 'eve' }, [mapping('user_id', 'ada', 'a')])).toMatchObject({ outcome: 'fault' })
  })

  it.each([[false], ['true'], [undefined]])('I15 is no address with email_verified %s', (email_verified) => {
    const claims = { email: 'ada@idp.test', email_verified }
    expect(id({ claim: 'email' }, claims)).toMatchObject({ outcome: 'fault' })
    expect(id({ claim: 'email' }, { ...claims, email_verified: true })).toMatchObject({ value: 'ada@idp.test' })
    const list = { email: ['ada@idp.test'], email_verified: true }
    expect(id({ claim: 'email' }, list)).toMatchObject({ outcome: 'fault' })
  })
})

it('the directory is asked for every tenant and login name that the rules can lead to', () => {
  const template = { tenant_id: { claim: 'org', default: 'north' }, login_name: { claim: 'upn' } }
  const asked = namesToLookUp(rules(template, [mapping('tenant_id', 'x', 'south')]), {
    org: ['a', { b: 1 }, 'a'],
    upn: 'ADA',
  })
  expect(asked).toEqual({ tenants: ['a', 'south', 'north'], loginNames: ['ada'] })
})

it('a reason quotes only visible characters, and not all of a long text', () => {
  const { change } = plan('zoneinfo', { claim: 'c' }, { c: `\u202e\n${'x'.repeat(500)}` })
  expect(change?.reason).toMatch(/^"\\u\{202e\}\\u\{a\}x{87}…"/)
})

describe('untrusted claims', () => {
  const fields = [
    'login_name',
    'tenant_id',
    'name',
    'given_name',
    'family_name',
    'email',
    'gender',
    'locale',
    'zoneinfo',
  ]
  const all = rules({
    ...Object.fromEntries(fields.map((field) => [field, { claim: 'c' }])),
    'claims.department': { claim: 'c' },
  })

  it('always give a plan in which each field keeps its value or takes one within its bounds', () => {
    const said = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.array(fc.string()),
      fc.constantFrom(...longTexts),
    )
    fc.assert(
      fc.property(said, (c) => {
        const { next, changes } = planUser(all, { c }, blank, true, tenants)
        expect(changes.filter((change) => change.field !== 'email_verified')).toHaveLength(10)
        for (const value of [next.name, next.gender, next.locale, next.zoneinfo, next.email, next.login_name]) {
          expect(value === null || (value.length <= 254 && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))).toBe(true)
        }
        for (const change of changes) expect(change.reason?.length).toBeLessThan(1000)
      }),
    )
  })

  it('F07 at most a hundred values of a list are validated and looked up', () => {
    const c = Array.from({ length: 15_000 }, (_, index) => `Zone${index}`)
    expect(millisecondsOf(() => planUser(all, { c }, blank, true, tenants))).toBeLessThan(50)
    expect(namesToLookUp(all, { c }).loginNames).toHaveLength(100)
  })

  it('F07 50 KB of claims are validated in milliseconds', () => {
    for (const c of longTexts) {
      expect(millisecondsOf(() => planUser(all, { c }, blank, true, tenants))).toBeLessThan(50)
      expect(millisecondsOf(() => plannedUserId(rules({}, [], 'c'), { c }))).toBeLessThan(50)
    }
  })
})
