// Provisioning by an external sign-in: creation, update, groups, faults, races.
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import type { FieldChange } from '../../../src/model/login-attempt.ts'
import { runBatch } from '../../../src/storage/database.ts'
import { grantGroups, setGroupsOfUser, updateUser } from '../../../src/storage/users.ts'
import { recordingSubjects } from '../../admin/context.ts'
import { aContext, noon } from '../../context.ts'
import {
  aLogin,
  audit,
  db,
  emptyDirectory,
  groupsOf,
  links,
  refusalOf,
  signIn,
  storeUser,
  userIds,
  userOf,
} from '../directory.ts'
import { aProvider, storeProvider } from '../provider-record.ts'

const provisioning = (overrides: Partial<ExternalProvider> = {}): Promise<ExternalProvider> =>
  storeProvider(
    aProvider({
      provisioning_enabled: true,
      user_template: {
        name: { claim: 'name' },
        given_name: { claim: 'given_name' },
        email: { claim: 'email' },
        tenant_id: { claim: 'org', default: 'north' },
        locale: { claim: 'locale' },
        'claims.department': { claim: 'department' },
      },
      group_mappings: [
        { group_id: 'staff' },
        { group_id: 'admins', when: { claim: 'groups', value: 'g-1' } },
        { group_id: 'admins', when: { claim: 'role', value: 'boss' } },
      ],
      ...overrides,
    }),
  )

beforeEach(emptyDirectory)

describe('a new person', () => {
  it('is created with fields, groups and link, in two hops and one audit event', async () => {
    const provider = await provisioning()
    const context = aContext()
    const claims = {
      name: 'Ada Example',
      email: 'ada@idp.test',
      email_verified: true,
      groups: ['g-1'],
      department: 'R&D',
    }
    const { person, isNew, changes } = await signIn(provider, aLogin('u-1', claims), context)
    expect(context.hops).toBe(2)
    expect(isNew).toBe(true)
    expect(person).toMatchObject({
      user_id: 'u-1',
      sub: 'u-1',
      enabled: true,
      tenant_id: 'north',
      version: 1,
      claims: {
        name: 'Ada Example',
        email: 'ada@idp.test',
        email_verified: true,
        groups: ['Admins', 'Staff'],
        department: 'R&D',
        preferred_username: 'u-1',
      },
    })
    expect(person.subject_ref).toMatch(/^[\w-]{22}$/)
    expect(await userOf('u-1')).toMatchObject({ password_hash: null, service_account: false, created_at: noon })
    expect(await links()).toEqual({ 'acme:u-1': 'u-1' })
    expect(await groupsOf('u-1')).toEqual({ staff: 'acme', admins: 'acme' })
    expect(await audit()).toEqual(['provider:acme user.create u-1'])
    expect(changes.map(({ field, action }) => `${action} ${field}`)).toEqual([
      'created user_id',
      'created link',
      'created tenant_id',
      'created name',
      'created email',
      'created email_verified',
      'created claims.department',
      'granted group:staff',
      'granted group:admins',
    ])
  })

  it('signs in again without a write when nothing changed, in one hop', async () => {
    const provider = await provisioning()
    const login = aLogin('u-1', { name: 'Ada Example', groups: ['g-1'] })
    const first = await signIn(provider, login)
    const context = aContext({ now: noon + 1000 })
    const second = await signIn(provider, login, context)
    expect(context.hops).toBe(1)
    expect(second).toEqual({ person: first.person, isNew: false, changes: [] })
    expect(await audit()).toEqual(['provider:acme user.create u-1'])
  })
})

const minute = 60_000
const later = (minutes = 1) => aContext({ now: noon + minutes * minute })
const actions = (changes: readonly FieldChange[]) => changes.map(({ field, action }) => `${action} ${field}`)

describe('an existing user', () => {
  it('gets the changed fields, as a new version, in two hops', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { name: 'Ada', email: 'ada@idp.test', email_verified: true }))
    const context = later()
    const { person, isNew, changes } = await signIn(
      provider,
      aLogin('u-1', { name: 'Ada Byron', email: 'byron@idp.test', groups: 'g-1' }),
      context,
    )
    expect({ isNew, hops: context.hops }).toEqual({ isNew: false, hops: 2 })
    expect(actions(changes)).toEqual([
      'updated name',
      'updated email',
      'updated email_verified',
      'granted group:admins',
    ])
    expect(person).toMatchObject({
      version: context.now,
      claims: { name: 'Ada Byron', email: 'byron@idp.test', email_verified: false, groups: ['Admins', 'Staff'] },
    })
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada Byron', version: context.now, updated_at: context.now })
    expect((await audit()).at(-1)).toBe('provider:acme user.update u-1')
  })

  it('created by an administrator is linked and updated in one write', async () => {
    await storeUser('u-1', { name: 'By hand', locale: 'nl', tenant_id: 'south', claims: { room: '4' } })
    const provider = await provisioning()
    const context = aContext()
    const { person } = await signIn(provider, aLogin('u-1', { name: 'Ada', locale: 'de', org: 'south' }), context)
    expect(context.hops).toBe(2)
    expect(person.claims).toMatchObject({ name: 'Ada', locale: 'nl', room: '4', groups: ['Staff'] })
    expect(await links()).toEqual({ 'acme:u-1': 'u-1' })
    expect(await audit()).toEqual(['provider:acme user.update u-1'])
  })

  it('keeps the fields whose claims are not sent', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { name: 'Ada', email: 'ada@idp.test' }))
    const { person, changes } = await signIn(provider, aLogin('u-1', {}), later())
    expect(changes).toEqual([])
    expect(person.claims).toMatchObject({ name: 'Ada', email: 'ada@idp.test' })
  })

  it('is not changed by a provider without provisioning', async () => {
    await storeUser('u-1', { name: 'By hand' })
    const provider = await provisioning({ provisioning_enabled: false })
    const { changes } = await signIn(provider, aLogin('u-1', { name: 'Ada', groups: 'g-1' }))
    expect(actions(changes)).toEqual(['created link'])
    expect(await userOf('u-1')).toMatchObject({ name: 'By hand', version: 1 })
    expect(await groupsOf('u-1')).toEqual({})
  })

  it('never changes its user_id, its sub, its password or its address', async () => {
    const provider = await provisioning({ identifying_claim: 'oid', user_template: { user_id: { claim: 'oid' } } })
    const first = await signIn(provider, aLogin('u-1', { oid: 'ada' }))
    await updateUser(db, { ...(await userOf('ada')), password_hash: '$hash', version: 2 }, 1)
    const second = await signIn(provider, aLogin('u-1', { oid: 'eve' }), later())
    const { user_id, sub, subject_ref } = first.person
    expect(second.person).toMatchObject({ user_id, sub, subject_ref })
    expect((await userOf('ada')).password_hash).toBe('$hash')
    expect(await userIds()).toEqual(['ada'])
  })
})

describe('I20 at later sign-ins', () => {
  it('language and time zone are set once, and what users set here stays', async () => {
    const user_template = { locale: { claim: 'locale' }, zoneinfo: { default: 'Europe/Amsterdam' } }
    const provider = await provisioning({ user_template })
    const first = await signIn(provider, aLogin('u-1', { locale: 'en_GB' }))
    expect(first.person.claims).toMatchObject({ locale: 'en-GB', zoneinfo: 'Europe/Amsterdam' })
    const stored = await userOf('u-1')
    await updateUser(db, { ...stored, locale: 'nl', zoneinfo: 'Asia/Tokyo', version: 2 }, 1)
    const second = await signIn(provider, aLogin('u-1', { locale: 'de' }), later())
    expect(actions(second.changes)).toEqual(['ignored locale', 'ignored zoneinfo'])
    expect(await userOf('u-1')).toMatchObject({ locale: 'nl', zoneinfo: 'Asia/Tokyo', version: 2 })
  })
})

describe('rights that are withdrawn', () => {
  it('I22 a group that the provider no longer grants is withdrawn at the next sign-in, in the Subject first', async () => {
    const provider = await provisioning()
    const first = await signIn(provider, aLogin('u-1', { groups: ['g-1'] }))
    const subjects = recordingSubjects()
    const context = aContext({ now: noon + minute, env: { ...env, ...subjects.env } })
    const { person, changes } = await signIn(provider, aLogin('u-1', { groups: [] }), context)
    expect(actions(changes)).toEqual(['withdrawn group:admins'])
    expect(await groupsOf('u-1')).toEqual({ staff: 'acme' })
    expect(person.claims.groups).toEqual(['Staff'])
    expect(subjects.told).toEqual([{ ref: first.person.subject_ref, person }])
    expect(context.hops).toBe(3)
  })

  it('I22 if the Subject cannot be reached, nothing is written and the sign-in fails', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { groups: ['g-1'] }))
    const context = aContext({ now: noon + minute, env: { ...env, ...recordingSubjects(1).env } })
    await expect(signIn(provider, aLogin('u-1'), context)).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    expect(await groupsOf('u-1')).toEqual({ staff: 'acme', admins: 'acme' })
  })

  it('I22 a group granted by an administrator stays, and stays granted by the administrator', async () => {
    const provider = await provisioning()
    await storeUser('u-1')
    await runBatch(db, setGroupsOfUser(db, 'u-1', ['admins']))
    await signIn(provider, aLogin('u-1', { groups: ['g-1'] }))
    await signIn(provider, aLogin('u-1'), later())
    expect(await groupsOf('u-1')).toEqual({ admins: null, staff: 'acme' })
  })

  it('a group granted by another provider stays', async () => {
    const provider = await provisioning()
    await storeProvider(aProvider({ provider_id: 'other' }))
    await storeUser('u-1')
    await runBatch(db, [grantGroups(db, 'u-1', ['admins'], 'other')])
    await signIn(provider, aLogin('u-1'))
    expect(await groupsOf('u-1')).toEqual({ admins: 'other', staff: 'acme' })
  })

  it('I22 a disabled user cannot sign in and is not changed', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { name: 'Ada' }))
    await updateUser(db, { ...(await userOf('u-1')), enabled: false, version: 2 }, 1)
    const error = await refusalOf(signIn(provider, aLogin('u-1', { name: 'Eve' }), later()))
    expect(error).toMatchObject({ publicCause: 'account_disabled', known: { user_id: 'u-1' } })
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada', version: 2, enabled: false })
  })

  it('a move to another tenant withdraws the groups of the old one, in the Subject first, and is announced to isolates because of linked clients', async () => {
    const provider = await provisioning({ group_mappings: [{ group_id: 'northern' }, { group_id: 'staff' }] })
    await signIn(provider, aLogin('u-1'))
    expect(await groupsOf('u-1')).toEqual({ northern: 'acme', staff: 'acme' })
    await env.DB.prepare(
      "insert into clients (client_id, client_name, grant_types, linked_user_id, created_at, updated_at) values ('m2m', 'M', '[]', 'u-1', 0, 0)",
    ).run()
    const subjects = recordingSubjects()
    const context = aContext({ now: noon + minute, env: { ...env, ...subjects.env } })
    const { person, changes } = await signIn(provider, aLogin('u-1', { org: 'south' }), context)
    expect(person).toMatchObject({ tenant_id: 'south', claims: { groups: ['Staff'] } })
    expect(actions(changes)).toEqual(['updated tenant_id', 'withdrawn group:northern'])
    expect(subjects.told.map((each) => each.person.tenant_id)).toEqual(['south'])
    const { results } = await env.DB.prepare('select kind, record from config_changes').all()
    expect(results).toEqual([{ kind: 'client', record: 'm2m' }])
    await env.DB.prepare('delete from clients').run()
  })
})

describe('a claim that cannot be used', () => {
  it.each([
    ['a tenant that nobody knows', { tenant_id: { claim: 'c' } }, 'east', 'tenant_id'],
    ['an e-mail address that is none', { email: { claim: 'c' } }, 'ada', 'email'],
    ['a language that is none', { locale: { claim: 'c' } }, 'English (US)', 'locale'],
    ['a claim of its own that is an object', { 'claims.department': { claim: 'c' } }, { id: 1 }, 'claims.department'],
    ['a user_id that is none', { user_id: { claim: 'c' } }, 'adä', 'user_id'],
    ['a user_id that is missing', { user_id: { claim: 'd' } }, 'ada', 'user_id'],
  ])('stops the sign-in: %s', async (_what, user_template, c, field) => {
    const provider = await provisioning({ user_template })
    const error = await refusalOf(signIn(provider, aLogin('u-1', { c })))
    expect(error).toMatchObject({ step: 'provisioning', check: field, publicCause: 'provisioning', outcome: 'refused' })
    expect(actions(error.changes)).toContain(`failed ${field}`)
    expect(error.known.claims).toMatchObject({ c })
    expect(await userIds()).toEqual([])
  })

  it('stops an update, too, and leaves the user unchanged', async () => {
    const provider = await provisioning({ user_template: { tenant_id: { claim: 'org' }, name: { claim: 'name' } } })
    await signIn(provider, aLogin('u-1', { org: 'north', name: 'Ada' }))
    const error = await refusalOf(signIn(provider, aLogin('u-1', { org: 'east', name: 'Eve' }), later()))
    expect(error.message).toBe(
      'The field tenant_id cannot be filled: "east" of the claim org cannot be used: it is not a tenant.',
    )
    expect(error.known.user_id).toBe('u-1')
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada', tenant_id: 'north', version: 1 })
  })

  it('does not stop the sign-in if it is a display name', async () => {
    const provider = await provisioning()
    const { person, changes } = await signIn(provider, aLogin('u-1', { name: 'x'.repeat(201), given_name: 'Ada' }))
    expect(actions(changes)).toContain('failed name')
    expect(person.claims).toMatchObject({ given_name: 'Ada' })
    expect(person.claims.name).toBeUndefined()
  })

  it('is replaced by the default, if there is one', async () => {
    const provider = await provisioning()
    expect((await signIn(provider, aLogin('u-1', { org: 'east' }))).person.tenant_id).toBe('north')
  })
})

describe('I21 the directory fails', () => {
  const triggers: string[] = []
  const fail = async (when: string, condition = 'true') => {
    const name = `fault_${triggers.length}`
    triggers.push(name)
    const body = `begin select raise(abort, 'the disk is full'); end`
    await env.DB.prepare(`create trigger ${name} before ${when} when ${condition} ${body}`).run()
  }
  afterEach(async () => {
    for (const name of triggers.splice(0)) await env.DB.prepare(`drop trigger ${name}`).run()
  })
  const claims = { name: 'Ada', given_name: 'A.', email: 'ada@idp.test' }
  const nothing = async () => {
    expect(await userIds()).toEqual([])
    expect(await links()).toEqual({})
    expect(await audit()).toEqual([])
  }

  it.each(['name', 'given_name'])('on the %s of a new user: the user signs in without it', async (column) => {
    await fail('insert on users', `new.${column} is not null`)
    const provider = await provisioning()
    const { person, isNew, changes } = await signIn(provider, aLogin('u-1', claims))
    expect(isNew).toBe(true)
    expect(changes.filter((change) => change.action === 'failed')).toMatchObject([
      { field: 'name', reason: expect.stringMatching(/disk is full/) },
      { field: 'given_name' },
    ])
    expect(person.claims).toMatchObject({ email: 'ada@idp.test', groups: ['Staff'] })
    expect(await userOf('u-1')).toMatchObject({
      name: null,
      given_name: null,
      email: 'ada@idp.test',
      version: person.version,
    })
    expect(await links()).toEqual({ 'acme:u-1': 'u-1' })
    expect(await groupsOf('u-1')).toEqual({ staff: 'acme' })
  })

  it('on the name of an existing user: the user signs in with the old name', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', claims))
    await fail('update of name on users', 'new.name is not old.name')
    const only = await signIn(provider, aLogin('u-1', { ...claims, name: 'Byron' }), later())
    expect(actions(only.changes)).toEqual(['failed name'])
    expect(only.person).toMatchObject({ version: 1, claims: { name: 'Ada' } })
    const both = await signIn(provider, aLogin('u-1', { ...claims, name: 'Byron', email: 'b@idp.test' }), later(2))
    expect(actions(both.changes)).toEqual(['failed name', 'updated email'])
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada', email: 'b@idp.test', version: both.person.version })
  })

  it.each([
    ['the insert', 'insert on users', 'true'],
    ['another field', 'insert on users', 'new.email is not null'],
    ['a group', 'insert on user_group_members', 'true'],
    ['the link', 'insert on external_identities', 'true'],
    ['the audit event', 'insert on audit_events', 'true'],
  ])('on %s: refused, with no half-made user', async (_what, when, condition) => {
    await fail(when, condition)
    const provider = await provisioning()
    const error = await refusalOf(signIn(provider, aLogin('u-1', claims)))
    expect(error).toMatchObject({
      step: 'provisioning',
      check: 'directory',
      publicCause: 'provisioning',
      outcome: 'failed',
    })
    expect(error.message).toMatch(/disk is full/)
    expect(actions(error.changes)).toEqual(expect.arrayContaining(['failed email', 'failed link']))
    await nothing()
  })

  it('on an update of another field: the sign-in is refused and the user unchanged', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', claims))
    await fail('update of email on users', 'new.email is not old.email')
    const error = await refusalOf(
      signIn(provider, aLogin('u-1', { ...claims, name: 'B', email: 'b@idp.test' }), later()),
    )
    expect(error).toMatchObject({ check: 'directory', known: { user_id: 'u-1' } })
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada', email: 'ada@idp.test', version: 1 })
  })

  it('on a name that the Subject has stored already: D1 gets a newer version than the Subject', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { ...claims, groups: ['g-1'] }))
    await fail('update of name on users', 'new.name is not old.name')
    const subjects = recordingSubjects()
    const context = aContext({ now: noon + minute, env: { ...env, ...subjects.env } })
    const { person } = await signIn(provider, aLogin('u-1', { ...claims, name: 'Byron' }), context)
    expect(subjects.told.map((each) => each.person.claims.name)).toEqual(['Byron'])
    expect(person.version).toBeGreaterThan(subjects.told[0]?.person.version ?? Number.POSITIVE_INFINITY)
    expect(await userOf('u-1')).toMatchObject({ name: 'Ada', version: person.version })
  })

  /** A D1 that fails after the given number of batches. `sessions` records the session constraint of each batch. */
  const dyingDatabase = (batches: number) => {
    const sessions: unknown[] = []
    let left = batches
    const withSession = (constraint: string) => {
      sessions.push(constraint)
      return {
        prepare: (query: string) => env.DB.prepare(query),
        async batch(statements: D1PreparedStatement[]) {
          left -= 1
          if (left < 0) throw new Error('D1_ERROR: Network connection lost')
          return env.DB.batch(statements)
        },
      }
    }
    return { sessions, env: { ...env, DB: { withSession } as unknown as D1Database } }
  }

  it.each([
    ['read', 0],
    ['write', 1],
  ])('D1 that does not answer the %s is 503, not a refusal, and is not asked again', async (_what, batches) => {
    const provider = await provisioning()
    const database = dyingDatabase(batches)
    const context = aContext({ env: database.env })
    await expect(signIn(provider, aLogin('u-1', claims), context)).rejects.toMatchObject({ status: 503 })
    expect(context.hops).toBe(batches + 1)
    await nothing()
  })

  it('reads and writes at the primary: a replica may not know yet that a user was disabled', async () => {
    const database = dyingDatabase(2)
    await signIn(await provisioning(), aLogin('u-1', claims), aContext({ env: database.env }))
    expect(database.sessions).toEqual(['first-primary', 'first-primary'])
  })
})

describe('I23 at the same time', () => {
  it('ten first sign-ins of one new person make one user', async () => {
    const provider = await provisioning()
    const arrivals = await Promise.all(
      Array.from({ length: 10 }, () => signIn(provider, aLogin('u-1', { name: 'Ada', groups: ['g-1'] }))),
    )
    expect(await userIds()).toEqual(['u-1'])
    expect(await links()).toEqual({ 'acme:u-1': 'u-1' })
    expect(new Set(arrivals.map(({ person }) => person.subject_ref)).size).toBe(1)
    expect(arrivals.filter(({ isNew }) => isNew)).toHaveLength(1)
    expect(await audit()).toEqual(['provider:acme user.create u-1'])
  })

  it('ten sign-ins that change one user change it once', async () => {
    const provider = await provisioning()
    await signIn(provider, aLogin('u-1', { name: 'Ada' }))
    const arrivals = await Promise.all(
      Array.from({ length: 10 }, () => signIn(provider, aLogin('u-1', { name: 'Byron', groups: ['g-1'] }), later())),
    )
    expect(new Set(arrivals.map(({ person }) => person.version)).size).toBe(1)
    expect(await audit()).toEqual(['provider:acme user.create u-1', 'provider:acme user.update u-1'])
  })

  it('of two accounts that name one user, one is linked', async () => {
    await storeUser('ada')
    const provider = await provisioning({ identifying_claim: 'upn' })
    const results = await Promise.allSettled(
      ['s-1', 's-2'].map((subject) => signIn(provider, aLogin(subject, { upn: 'ada' }))),
    )
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find((result) => result.status === 'rejected')?.reason).toMatchObject({ check: 'linked_elsewhere' })
    expect(Object.values(await links())).toEqual(['ada'])
  })
})
