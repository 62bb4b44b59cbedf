// Which user an external account belongs to: the linked user, at the first sign-in the user that the identifying claim names, no other.
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext, noon } from '../../context.ts'
import { aLogin, audit, emptyDirectory, links, refusalOf, signIn, storeUser, userIds, userOf } from '../directory.ts'
import { aProvider, storeProvider } from '../provider-record.ts'

const provider = (overrides: Partial<ExternalProvider> = {}) => storeProvider(aProvider(overrides))
const byMail = (overrides: Partial<ExternalProvider> = {}) => provider({ identifying_claim: 'email', ...overrides })
const verified = (email: unknown) => ({ email, email_verified: true })
const provisioning = { provisioning_enabled: true }

beforeEach(emptyDirectory)

describe('a first sign-in', () => {
  it('finds the user whose user_id is the identifying claim, and links the account in one write', async () => {
    await storeUser('ada')
    const context = aContext()
    const { person, isNew, changes } = await signIn(await provider(), aLogin('ada', { name: 'Upstream' }), context)
    expect(person).toMatchObject({ user_id: 'ada', version: 1 })
    expect(person.claims.name).toBeUndefined()
    expect({ isNew, hops: context.hops }).toEqual({ isNew: false, hops: 2 })
    expect(changes).toMatchObject([{ field: 'link', action: 'created', after: 'ada of https://idp.test' }])
    expect(await links()).toEqual({ 'acme:ada': 'ada' })
    expect(await audit()).toEqual(['provider:acme user.link ada'])
  })

  it('without a matching user is refused with the claim, its value and what to do', async () => {
    await storeUser('ada', { name: 'bob', email: 'bob@idp.test', email_verified: true, login_name: 'bob' })
    const claims = { ...verified('bob@idp.test'), name: 'bob', preferred_username: 'bob' }
    const error = await refusalOf(signIn(await provider(), aLogin('bob', claims)))
    expect(error).toMatchObject({ step: 'match', check: 'no_account', publicCause: 'no_account', outcome: 'refused' })
    expect(error.message).toBe('The claim sub of Acme is "bob", and no user has that user_id.')
    expect(error.fix).toMatch(/enable provisioning/)
    expect(error.known).toMatchObject({ issuer: 'https://idp.test', subject: 'bob', claims })
    expect(await links()).toEqual({})
  })

  it('I16 matches no existing user if link_existing_users is off: it is refused, or creates a user', async () => {
    await storeUser('583231', { email: 'root@idp.test', email_verified: true })
    const shut = { link_existing_users: false }
    const asId = await refusalOf(signIn(await provider(shut), aLogin('583231')))
    expect(asId).toMatchObject({ step: 'match', check: 'no_account' })
    const asMail = await refusalOf(signIn(await byMail(shut), aLogin('x', verified('root@idp.test'))))
    expect(asMail).toMatchObject({ step: 'match', publicCause: 'no_account' })
    const { person, isNew } = await signIn(await provider({ ...shut, ...provisioning }), aLogin('583231'))
    expect(isNew).toBe(true)
    expect(person.user_id).not.toBe('583231')
    expect(await links()).toEqual({ 'acme:583231': person.user_id })
  })

  it('uses the identifying claim that the administrator chose instead of sub', async () => {
    await storeUser('4711')
    const { person } = await signIn(
      await provider({ identifying_claim: 'employee' }),
      aLogin('u-1', { employee: 4711 }),
    )
    expect(person.user_id).toBe('4711')
  })

  it.each([
    ['missing', undefined],
    ['a list', ['ada']],
    ['an object', { id: 'ada' }],
    ['a number that JSON cannot tell from others', 2 ** 53],
    ['a boolean', true],
  ])('refuses an identifying claim that is %s', async (_what, employee) => {
    await storeUser('ada')
    const wanted = await provider({ identifying_claim: 'employee' })
    const error = await refusalOf(signIn(wanted, aLogin('u-1', { employee })))
    expect(error).toMatchObject({ check: 'identifying_claim', publicCause: 'no_account' })
    expect(error.message).toMatch(/Acme did not send the identifying claim employee, or it is neither/)
  })
})

describe('a linked account', () => {
  it('is found by provider, issuer and subject, whatever the other claims are', async () => {
    await storeUser('ada', { email: 'ada@idp.test' })
    await storeUser('eve', { email: 'eve@idp.test' })
    const mail = await byMail()
    await signIn(mail, aLogin('s-1', verified('ada@idp.test')))
    for (const claims of [verified('eve@idp.test'), { email: 'eve@idp.test' }, {}]) {
      const context = aContext()
      expect((await signIn(mail, aLogin('s-1', claims), context)).person.user_id).toBe('ada')
      expect(context.hops).toBe(1)
    }
  })

  it('stays linked when the user is renamed here', async () => {
    await storeUser('ada')
    const acme = await provider()
    await signIn(acme, aLogin('ada'))
    await storeUser('impostor', { login_name: 'other' })
    expect((await signIn(acme, aLogin('ada', { preferred_username: 'impostor' }))).person.user_id).toBe('ada')
  })

  it('is the only one of its provider that can sign in as the user', async () => {
    await storeUser('ada', { email: 'ada@idp.test' })
    const mail = await byMail()
    await signIn(mail, aLogin('s-1', verified('ada@idp.test')))
    const error = await refusalOf(signIn(mail, aLogin('s-2', verified('ada@idp.test'))))
    expect(error).toMatchObject({ check: 'linked_elsewhere', known: { user_id: 'ada' } })
    expect(error.message).toMatch(/the subject "s-1" of https:\/\/idp.test, not "s-2"/)
    expect(await links()).toEqual({ 'acme:s-1': 'ada' })
  })

  it('of a disabled user or a service account cannot sign in, the first time or later', async () => {
    await storeUser('ada', { enabled: false })
    await storeUser('robot', { service_account: true })
    const acme = await provider()
    for (const [subject, check] of [
      ['ada', 'enabled'],
      ['robot', 'service_account'],
    ] as const) {
      const error = await refusalOf(signIn(acme, aLogin(subject)))
      expect(error).toMatchObject({ check, publicCause: 'account_disabled', known: { user_id: subject } })
    }
    expect(await links()).toEqual({})
  })
})

describe('I15 by e-mail address', () => {
  it.each([[false], [undefined], ['true'], [1], [null]])(
    'nobody is found with email_verified %s',
    async (email_verified) => {
      await storeUser('victim', { email: 'victim@idp.test', email_verified: true })
      await storeUser('victim@idp.test')
      for (const overrides of [{}, provisioning]) {
        const mail = await byMail(overrides)
        const error = await refusalOf(signIn(mail, aLogin('s-1', { email: 'victim@idp.test', email_verified })))
        expect(error).toMatchObject({ check: 'email_verified', publicCause: 'no_account' })
      }
      expect(await links()).toEqual({})
      expect(await userIds()).toEqual(['victim', 'victim@idp.test'])
    },
  )

  it('a user is found with a verified address, ignoring case', async () => {
    await storeUser('ada', { email: 'Ada.Example@IDP.test' })
    expect((await signIn(await byMail(), aLogin('s-1', verified('ADA.example@idp.TEST')))).person.user_id).toBe('ada')
  })

  it('a user is found whose user_id is exactly the address', async () => {
    await storeUser('ada@idp.test')
    const mail = await byMail()
    expect((await refusalOf(signIn(mail, aLogin('s-1', verified('Ada@idp.test'))))).check).toBe('no_account')
    expect((await signIn(mail, aLogin('s-1', verified('ada@idp.test')))).person.user_id).toBe('ada@idp.test')
  })

  it('the sign-in is refused if several users have the address', async () => {
    await storeUser('ada', { email: 'shared@idp.test' })
    await storeUser('bob', { email: 'Shared@idp.test' })
    const error = await refusalOf(signIn(await byMail(provisioning), aLogin('s-1', verified('shared@idp.test'))))
    expect(error).toMatchObject({ check: 'ambiguous' })
    expect(error.message).toMatch(/ada and bob/)
    await storeUser('carol@idp.test')
    await storeUser('carol', { email: 'carol@idp.test' })
    const both = await refusalOf(signIn(await byMail(), aLogin('s-2', verified('carol@idp.test'))))
    expect(both.check).toBe('ambiguous')
  })

  it('the address does not count under another identifying claim', async () => {
    await storeUser('ada', { email: 'ada@idp.test', email_verified: true })
    await storeUser('ada@idp.test', { login_name: 'x' })
    const error = await refusalOf(signIn(await provider(), aLogin('s-1', verified('ada@idp.test'))))
    expect(error.check).toBe('no_account')
  })

  it('an unverified address from another provider does not match: the owner of the address gets a separate user', async () => {
    const careless = await provider({
      ...provisioning,
      provider_id: 'careless',
      user_template: { email: { claim: 'email' } },
    })
    await signIn(careless, aLogin('attacker', { email: 'victim@idp.test', email_verified: false }))
    const mail = await byMail({ ...provisioning, user_template: { email: { claim: 'email' } } })
    const { person } = await signIn(mail, aLogin('s-1', verified('victim@idp.test')))
    expect(person.user_id).toBe('victim@idp.test')
    expect(await links()).toEqual({ 'careless:attacker': 'attacker', 'acme:s-1': 'victim@idp.test' })
  })

  it('an unverified address set by an administrator matches for any provider, unless another provider of the user writes addresses', async () => {
    await storeUser('ada', { email: 'ada@idp.test' })
    const first = await byMail({ provider_id: 'first' })
    const second = await byMail({ provider_id: 'second' })
    await signIn(first, aLogin('a-1', verified('ada@idp.test')))
    const writer = aProvider({ ...first, user_template: { email: { claim: 'email' } } })
    const context = aContext({ configuration: { externalProviders: [writer, second] } })
    const error = await refusalOf(signIn(second, aLogin('b-1', verified('ada@idp.test')), context))
    expect(error.message).toMatch(/the user ada has that address, but it is not verified/)
    expect(error.fix).toMatch(/set email_verified of ada/)
    expect((await signIn(second, aLogin('b-1', verified('ada@idp.test')))).person.user_id).toBe('ada')
  })

  it('a user_id that another provider let a person choose does not match', async () => {
    const careless = await provider({ ...provisioning, provider_id: 'careless', identifying_claim: 'upn' })
    await signIn(careless, aLogin('attacker', { upn: 'victim@idp.test' }))
    const error = await refusalOf(signIn(await byMail(provisioning), aLogin('s-1', verified('victim@idp.test'))))
    expect(error).toMatchObject({ step: 'provisioning', check: 'user_id' })
    expect(await links()).toEqual({ 'careless:attacker': 'victim@idp.test' })
  })
})

describe('I18 the text of a claim', () => {
  it('keeps its case: Admin is not admin', async () => {
    await storeUser('admin')
    const acme = await provider()
    expect((await refusalOf(signIn(acme, aLogin('Admin')))).check).toBe('no_account')
    expect((await refusalOf(signIn(acme, aLogin('ADMIN')))).check).toBe('no_account')
    const creating = await provider(provisioning)
    const error = await refusalOf(signIn(creating, aLogin('Admin')))
    expect(error).toMatchObject({ step: 'provisioning', check: 'login_name' })
    expect(error.message).toBe('The login_name "admin" belongs to the user admin.')
    expect(await userIds()).toEqual(['admin'])
  })

  it.each([
    ['a letter of another width', 'ａdmin'],
    ['a ligature', 'oﬃce'],
    ['an invisible character', 'adm\u200bin'],
    ['a direction mark', '\u202eadmin'],
    ['a byte order mark', '\ufeffadmin'],
    ['a blank at the end', 'admin '],
    ['a line break', 'admin\n'],
    ['a NUL', 'admin\0'],
    ['nothing', ''],
    ['256 characters', 'x'.repeat(256)],
  ])('is refused with %s', async (_what, subject) => {
    for (const userId of ['admin', 'office']) await storeUser(userId)
    for (const overrides of [{}, provisioning]) {
      const error = await refusalOf(signIn(await provider(overrides), aLogin(subject)))
      expect(error).toMatchObject({ step: 'match', check: 'identifying_claim' })
    }
    expect(await userIds()).toEqual(['admin', 'office'])
  })

  it('differs from one that only looks the same: a Cyrillic а', async () => {
    await storeUser('admin')
    expect((await refusalOf(signIn(await provider(), aLogin('аdmin')))).check).toBe('no_account')
    const error = await refusalOf(signIn(await provider(provisioning), aLogin('аdmin')))
    expect(error).toMatchObject({ step: 'provisioning', check: 'user_id' })
  })

  it.each([
    ['two @', 'a@b@c'],
    ['another @', 'ada＠idp.test'],
    ['a small @', 'ada﹫idp.test'],
    ['a dot at the end', 'ada@idp.test.'],
    ['a variant of a letter', 'ada@ⅰdp.test'],
    ['a Kelvin sign', '\u212aate@idp.test'],
    ['no @', 'ada'],
    ['a blank', 'ada @idp.test'],
    ['a blank around', ' ada@idp.test'],
  ])('is no e-mail address with %s', async (_what, email) => {
    await storeUser('ada', { email: 'ada@idp.test', email_verified: true })
    await storeUser('kate', { email: 'kate@idp.test', email_verified: true })
    await storeUser('b', { email: 'b@c', email_verified: true })
    const error = await refusalOf(signIn(await byMail(), aLogin('s-1', verified(email))))
    expect(error.check).toBe('identifying_claim')
  })

  it('folds no letters but ASCII ones in an address', async () => {
    await storeUser('zoe', { email: 'zoË@idp.test' })
    expect((await refusalOf(signIn(await byMail(), aLogin('s-1', verified('zoë@idp.test'))))).check).toBe('no_account')
  })
})

describe('I08 issuers and providers', () => {
  const north = 'https://north.idp.test'
  const south = 'https://south.idp.test'

  it('the same sub at two issuers is two people', async () => {
    const acme = await provider(provisioning)
    const first = await signIn(acme, aLogin('1001', {}, north))
    const second = await signIn(acme, aLogin('1001', {}, south))
    expect(first.person.user_id).toBe('1001')
    expect(second.person.user_id).toMatch(/^1001-[\w-]{10}$/)
    expect(second.isNew).toBe(true)
    expect((await signIn(acme, aLogin('1001', {}, north))).person).toEqual(first.person)
    expect((await signIn(acme, aLogin('1001', {}, south))).person).toEqual(second.person)
  })

  it('the same sub at two providers is two people', async () => {
    const acme = await provider(provisioning)
    const other = await provider({ ...provisioning, provider_id: 'other', name: 'Other' })
    const first = await signIn(acme, aLogin('1001', {}, north))
    const second = await signIn(other, aLogin('1001', {}, south))
    expect(second.person.sub).not.toBe(first.person.sub)
    const users = await userIds()
    expect(users).toHaveLength(2)
  })

  it('without provisioning the second person is refused', async () => {
    await storeUser('1001')
    await signIn(await provider(), aLogin('1001', {}, north))
    const other = await provider({ provider_id: 'other', name: 'Other' })
    const error = await refusalOf(signIn(other, aLogin('1001', {}, south)))
    expect(error).toMatchObject({ check: 'no_account' })
    expect(error.message).toMatch(/another person: "1001" of https:\/\/north.idp.test/)
    expect(await links()).toEqual({ 'acme:1001': '1001' })
  })

  it('two registrations at one issuer are one person', async () => {
    const acme = await provider(provisioning)
    const renewed = await provider({ ...provisioning, provider_id: 'acme2' })
    const first = await signIn(acme, aLogin('1001', {}, north))
    expect((await signIn(renewed, aLogin('1001', {}, north))).person.user_id).toBe(first.person.user_id)
    expect(await links()).toEqual({ 'acme:1001': '1001', 'acme2:1001': '1001' })
  })

  it('the same e-mail address of two providers is two people', async () => {
    const template = { user_template: { email: { claim: 'email' } } }
    const acme = await provider({ ...provisioning, ...template })
    const other = await provider({ ...provisioning, ...template, provider_id: 'other' })
    await signIn(acme, aLogin('a-1', verified('ada@idp.test'), north))
    await signIn(other, aLogin('b-1', verified('ada@idp.test'), south))
    expect(await links()).toEqual({ 'acme:a-1': 'a-1', 'other:b-1': 'b-1' })
  })

  it('a user that one provider created is not found by the identifying claim of another', async () => {
    const names = { ...provisioning, identifying_claim: 'preferred_username' }
    const acme = await provider(names)
    const other = await provider({ ...names, provider_id: 'other', name: 'Other' })
    await signIn(acme, aLogin('a-1', { preferred_username: 'ada' }, north))
    const error = await refusalOf(signIn(other, aLogin('b-1', { preferred_username: 'ada' }, south)))
    expect(error).toMatchObject({ step: 'provisioning', check: 'user_id' })
    expect(await links()).toEqual({ 'acme:a-1': 'ada' })
  })

  it('a user whom an administrator created is found by the identifying claim of each provider', async () => {
    await storeUser('ada')
    const acme = await provider({ identifying_claim: 'preferred_username' })
    const other = await provider({ identifying_claim: 'login', provider_id: 'other' })
    await signIn(acme, aLogin('a-1', { preferred_username: 'ada' }, north))
    await signIn(other, aLogin('b-1', { login: 'ada' }, south))
    expect(await links()).toEqual({ 'acme:a-1': 'ada', 'other:b-1': 'ada' })
  })
})

describe('I16 an account is attached to an existing user by the identifying claim only', () => {
  it.each<[string, Partial<ExternalProvider>, Record<string, unknown>, string]>([
    ['user_id', { user_template: { user_id: { claim: 'c' } } }, { c: 'victim' }, 'user_id'],
    ['login_name', { user_template: { login_name: { claim: 'c' } } }, { c: 'Victim' }, 'login_name'],
    [
      'user_id by a value mapping',
      {
        user_template: { user_id: { claim: 'c' } },
        value_mappings: [{ field: 'user_id', claim_value: 'x', value: 'victim', priority: 1 }],
      },
      { c: 'x' },
      'user_id',
    ],
  ])('not by the template for %s', async (_what, overrides, claims, check) => {
    await storeUser('victim', { email: 'victim@idp.test' })
    const acme = await provider({ ...provisioning, ...overrides })
    const error = await refusalOf(signIn(acme, aLogin('attacker', claims)))
    expect(error).toMatchObject({ step: 'provisioning', check, publicCause: 'provisioning' })
    expect(await userIds()).toEqual(['victim'])
    expect(await links()).toEqual({})
  })

  it('a linked account cannot take over by changing its claims', async () => {
    await storeUser('victim')
    const acme = await provider({
      ...provisioning,
      identifying_claim: 'upn',
      user_template: { login_name: { claim: 'upn' } },
    })
    await signIn(acme, aLogin('attacker', { upn: 'eve' }))
    const error = await refusalOf(signIn(acme, aLogin('attacker', { upn: 'victim' })))
    expect(error).toMatchObject({ check: 'login_name', known: { user_id: 'eve' } })
    expect((await userOf('victim')).version).toBe(1)
    expect(await links()).toEqual({ 'acme:attacker': 'eve' })
  })

  it('a deleted user is never created again', async () => {
    const acme = await provider(provisioning)
    await env.DB.prepare('insert into deleted_subjects values (?, ?, ?, ?)').bind('gone', 'gone', 'ref', noon).run()
    const error = await refusalOf(signIn(acme, aLogin('gone')))
    expect(error).toMatchObject({ step: 'provisioning', check: 'sub' })
    expect(error.message).toMatch(/deleted, and is never assigned again/)
  })
})
