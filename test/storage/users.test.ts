import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, runBatch } from '../../src/storage/database.ts'
import { userGroupMembers } from '../../src/storage/schema.ts'
import {
  deleteUser,
  findPersonByLogin,
  findSubjectOwner,
  findUser,
  grantGroups,
  insertUser,
  listUsers,
  personOf,
  setGroupsOfUser,
  type UserRow,
  updateUser,
  withdrawGroups,
} from '../../src/storage/users.ts'
import { aProvider, storeProvider } from '../brokering/provider-record.ts'

const now = Date.UTC(2026, 10, 21)
const db = openDatabase(env.DB)

const alice: UserRow = {
  user_id: 'alice',
  login_name: 'alice',
  sub: 'alice',
  subject_ref: 'ref-of-alice',
  version: 1,
  tenant_id: null,
  name: 'Alice Example',
  given_name: 'Alice',
  family_name: null,
  email: 'alice@example.com',
  email_verified: true,
  gender: null,
  locale: null,
  zoneinfo: null,
  enabled: true,
  service_account: false,
  password_hash: '$scrypt$hash',
  not_before: 0,
  claims: { nickname: 'Al' },
  created_at: now,
  updated_at: now + 999,
}

beforeEach(async () => {
  await env.DB.batch([
    env.DB.prepare('delete from users'),
    env.DB.prepare('delete from user_groups'),
    env.DB.prepare('delete from deleted_subjects'),
    env.DB.prepare("insert into user_groups (group_id, name) values ('staff', 'Staff'), ('admins', 'Admins')"),
  ])
  await insertUser(db, alice)
})

it('finds a person, its password and its groups by login name in one query', async () => {
  await runBatch(db, setGroupsOfUser(db, 'alice', ['staff', 'admins']))
  let queries = 0
  const counted = openDatabase({
    prepare: (text: string) => {
      queries += 1
      return env.DB.prepare(text)
    },
  } as D1Database)
  expect(await findPersonByLogin(counted, 'alice')).toEqual({
    password_hash: '$scrypt$hash',
    service_account: false,
    person: {
      user_id: 'alice',
      sub: 'alice',
      subject_ref: 'ref-of-alice',
      version: 1,
      enabled: true,
      not_before: 0,
      tenant_id: null,
      claims: {
        nickname: 'Al',
        name: 'Alice Example',
        given_name: 'Alice',
        preferred_username: 'alice',
        email: 'alice@example.com',
        email_verified: true,
        groups: ['Admins', 'Staff'],
        updated_at: now / 1000,
      },
    },
  })
  expect(queries).toBe(1)
  expect(await findPersonByLogin(db, 'nobody')).toBeUndefined()
})

describe('memberships', () => {
  const memberships = async (): Promise<Record<string, string | null>> => {
    const rows = await db.select().from(userGroupMembers)
    return Object.fromEntries(rows.map(({ group_id, granted_by }) => [group_id, granted_by]))
  }
  beforeEach(() => storeProvider(aProvider({ provider_id: 'acme' })))

  it('an operator sets them all; who granted one that stays does not change', async () => {
    await runBatch(db, [grantGroups(db, 'alice', ['staff'], 'acme')])
    await runBatch(db, setGroupsOfUser(db, 'alice', ['staff', 'admins']))
    expect(await memberships()).toEqual({ staff: 'acme', admins: null })
    await runBatch(db, setGroupsOfUser(db, 'alice', ['admins']))
    expect(await memberships()).toEqual({ admins: null })
    await runBatch(db, setGroupsOfUser(db, 'alice', []))
    expect(await memberships()).toEqual({})
  })

  it('a provider adds to them without taking over, and withdraws only what it granted', async () => {
    await runBatch(db, setGroupsOfUser(db, 'alice', ['staff']))
    await runBatch(db, [grantGroups(db, 'alice', ['staff', 'admins'], 'acme')])
    expect(await memberships()).toEqual({ staff: null, admins: 'acme' })
    await runBatch(db, [withdrawGroups(db, 'alice', ['staff', 'admins'], 'acme')])
    expect(await memberships()).toEqual({ staff: null })
  })

  it('a group that does not exist fails the batch', async () => {
    await expect(runBatch(db, setGroupsOfUser(db, 'alice', ['staff', 'ghosts']))).rejects.toThrow()
    await expect(runBatch(db, [grantGroups(db, 'alice', ['staff', 'ghosts'], 'acme')])).rejects.toThrow()
    expect(await memberships()).toEqual({})
  })
})

it('runs on a session of D1', async () => {
  const session = env.DB.withSession('first-primary')
  expect((await findPersonByLogin(openDatabase(session), 'alice'))?.person.sub).toBe('alice')
})

it('OIDC Core 5.1 email_verified needs an email; 5.3.2 unset claims are absent', () => {
  const { claims } = personOf({ ...alice, email: null, claims: {} }, [])
  expect(Object.keys(claims).sort()).toEqual(['given_name', 'name', 'preferred_username', 'updated_at'])
})

it('columns win over claims of the same name', () => {
  const { claims } = personOf({ ...alice, claims: { name: 'Mallory', email: 'm@evil.test' } }, [])
  expect(claims).toMatchObject({ name: 'Alice Example', email: 'alice@example.com' })
})

it('of two writers that read the same version the second fails, with its whole batch', async () => {
  await updateUser(db, { ...alice, version: 2, name: 'First' }, 1)
  const late = db.batch([updateUser(db, { ...alice, version: 3, name: 'Second' }, 1)])
  await expect(late).rejects.toThrow()
  await expect(runBatch(db, deleteUser(db, alice, now))).rejects.toThrow()
  const found = await findUser(db, 'alice')
  expect(found?.row).toMatchObject({ name: 'First', version: 2 })
})

it('a deleted user leaves its subject identifier behind', async () => {
  expect(await findSubjectOwner(db, 'alice')).toEqual({ user_id: 'alice', deleted: false })
  await runBatch(db, deleteUser(db, alice, now))
  expect(await findUser(db, 'alice')).toBeUndefined()
  expect(await findSubjectOwner(db, 'alice')).toEqual({ user_id: 'alice', deleted: true })
  expect(await findSubjectOwner(db, 'bob')).toBeUndefined()
})

it('lists users by id, page by page', async () => {
  const id = (n: number) => ({ user_id: `u${n}`, login_name: `u${n}`, sub: `u${n}`, subject_ref: `ref${n}` })
  for (const n of [3, 1, 2]) await insertUser(db, { ...alice, ...id(n) })
  const first = await listUsers(db, '', 2)
  expect(first.map((each) => each.row.user_id)).toEqual(['alice', 'u1'])
  const second = await listUsers(db, 'u1', 2)
  expect(second.map((each) => each.row.user_id)).toEqual(['u2', 'u3'])
})
