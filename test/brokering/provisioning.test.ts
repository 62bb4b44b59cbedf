import { beforeEach, describe, expect, it } from 'vitest'
import type { IdentityProvider } from '../../src/protocol/identity-provider.ts'
import { aContext, noon } from '../context.ts'
import { aLogin, audit, emptyDirectory, groupsOf, links, signIn, userOf } from './directory.ts'
import { aProvider, storeProvider } from './provider-record.ts'

const provisioning = (overrides: Partial<IdentityProvider> = {}): Promise<IdentityProvider> =>
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

  it('comes again without a write when nothing changed: one hop', async () => {
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
