// The dry run of a sign-in predicts the sign-in and writes nothing.
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { dryRun } from '../../../src/brokering/provisioning/dry-run.ts'
import type { ExternalProvider } from '../../../src/model/external-provider.ts'
import { aContext } from '../../context.ts'
import { aLogin, audit, emptyDirectory, links, refusalOf, signIn, storeUser, userIds, userOf } from '../directory.ts'
import { aProvider, storeProvider } from '../provider-record.ts'

const provider = (overrides: Partial<ExternalProvider> = {}) =>
  storeProvider(
    aProvider({
      provisioning_enabled: true,
      user_template: {
        name: { claim: 'name' },
        gender: { claim: 'gender' },
        tenant_id: { claim: 'org', default: 'north' },
      },
      value_mappings: [{ field: 'gender', claim_value: '2', value: 'female', priority: 1 }],
      group_mappings: [
        { group_id: 'staff' },
        { group_id: 'ghosts' },
        { group_id: 'admins', when: { claim: 'groups', value: 'g-1' } },
      ],
      ...overrides,
    }),
  )

beforeEach(emptyDirectory)

describe('a dry run', () => {
  it('shows every field of a new user with its reason, and writes nothing', async () => {
    const context = aContext()
    const run = await dryRun(context, await provider(), aLogin('u-1', { name: 'Ada', gender: 2, org: 'east' }))
    expect(run).toEqual({
      outcome: 'creates',
      user_id: 'u-1',
      cause: null,
      fix: null,
      changes: [
        { field: 'user_id', action: 'created', before: null, after: 'u-1', reason: 'From the claim sub.' },
        {
          field: 'link',
          action: 'created',
          before: null,
          after: 'u-1 of https://idp.test',
          reason: 'First sign-in through Acme: later sign-ins find the user by this account.',
        },
        {
          field: 'tenant_id',
          action: 'created',
          before: null,
          after: 'north',
          reason: 'The default: "east" of the claim org cannot be used: it is not a tenant.',
        },
        { field: 'name', action: 'created', before: null, after: 'Ada', reason: 'From the claim name.' },
        {
          field: 'gender',
          action: 'created',
          before: null,
          after: 'female',
          reason: '"2" of the claim gender is mapped to "female".',
        },
        { field: 'group:staff', action: 'granted', reason: 'Every user of this provider gets it.' },
        { field: 'group:ghosts', action: 'ignored', reason: 'The group does not exist.' },
        { field: 'group:admins', action: 'unchanged', reason: 'The claim groups was not sent.' },
      ],
    })
    expect(context.hops).toBe(1)
    expect(await userIds()).toEqual([])
    expect(await links()).toEqual({})
    expect(await audit()).toEqual([])
  })

  it('predicts the changes that the sign-in then makes to an existing user', async () => {
    await storeUser('u-1', { name: 'By hand', gender: 'female' })
    const acme = await provider()
    const login = aLogin('u-1', { name: 'Ada', gender: '2', groups: ['g-1'] })
    const before = await userOf('u-1')
    const run = await dryRun(aContext(), acme, login)
    expect(run).toMatchObject({ outcome: 'signs_in', user_id: 'u-1' })
    expect(await userOf('u-1')).toEqual(before)
    const { changes } = await signIn(acme, login)
    expect(run.changes.filter((change) => change.action !== 'unchanged')).toEqual(changes)
    expect((await dryRun(aContext(), acme, login)).changes.map((change) => change.action)).not.toContain('updated')
  })

  it.each<[string, Partial<ExternalProvider>, Record<string, unknown>]>([
    ['no user matches and provisioning is off', { provisioning_enabled: false }, {}],
    ['a claim cannot be used', { user_template: { email: { claim: 'email' } } }, { email: 'x' }],
    ['the id is taken', { user_template: { user_id: { claim: 'id' } } }, { id: 'ada' }],
    ['the identifying claim is missing', { identifying_claim: 'oid' }, {}],
    ['the user is disabled', { identifying_claim: 'oid' }, { oid: 'gone' }],
  ])('refuses as the sign-in does when %s', async (_case, overrides, claims) => {
    await storeUser('ada')
    await storeUser('gone', { enabled: false })
    const acme = await provider(overrides)
    const run = await dryRun(aContext(), acme, aLogin('u-1', claims))
    const error = await refusalOf(signIn(acme, aLogin('u-1', claims)))
    expect(run).toEqual({
      outcome: 'refuses',
      user_id: error.known.user_id ?? null,
      cause: error.message,
      fix: error.fix,
      changes: error.changes,
    })
    expect(run.fix).not.toBe('')
  })

  it('answers 503 while the directory is unavailable', async () => {
    const broken = {
      withSession: () => ({ prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('lost')) }),
    }
    const context = aContext({ env: { ...env, DB: broken as unknown as D1Database } })
    await expect(dryRun(context, await provider(), aLogin('u-1'))).rejects.toMatchObject({ status: 503 })
  })
})
