import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { openDatabase, runBatch } from '../../src/storage/database.ts'
import {
  deleteExternalIdentity,
  findExternalIdentity,
  insertExternalIdentity,
  listIdentitiesOfProvider,
  listIdentitiesOfUser,
  queryDirectory,
} from '../../src/storage/external-identities.ts'
import { deleteExternalProvider } from '../../src/storage/external-providers.ts'
import { deleteUser } from '../../src/storage/users.ts'
import { emptyDirectory, storeUser, userOf } from '../brokering/directory.ts'
import { aProvider, storeProvider } from '../brokering/provider-record.ts'
import { noon } from '../context.ts'

const db = openDatabase(env.DB)
const identity = (user_id: string, subject: string, provider_id = 'acme') => ({
  provider_id,
  issuer: 'https://idp.test',
  subject,
  user_id,
  created_at: noon,
})
const insert = (...rows: ReturnType<typeof identity>[]) =>
  runBatch(
    db,
    rows.map((row) => insertExternalIdentity(db, row)),
  )

beforeEach(async () => {
  await emptyDirectory()
  for (const provider_id of ['acme', 'other']) await storeProvider(aProvider({ provider_id }))
  for (const userId of ['ada', 'bob', 'eve']) await storeUser(userId)
})

describe('an external identity', () => {
  it('is found by provider, issuer and subject together', async () => {
    const row = identity('ada', 's-1')
    await insert(row)
    expect(await findExternalIdentity(db, row)).toEqual(row)
    for (const other of [{ provider_id: 'other' }, { issuer: 'https://idp.test/' }, { subject: 'S-1' }]) {
      expect(await findExternalIdentity(db, { ...row, ...other })).toBeUndefined()
    }
  })

  it('leads to one user, and is the only one of its provider that does', async () => {
    await insert(identity('ada', 's-1'))
    await expect(insert(identity('bob', 's-1'))).rejects.toThrow()
    await expect(insert(identity('ada', 's-2'))).rejects.toThrow()
    await insert(identity('ada', 's-1', 'other'))
  })

  it('is listed by user, and by provider page by page', async () => {
    await insert(
      identity('ada', 's-1', 'other'),
      identity('ada', 's-9'),
      identity('eve', 's-2'),
      identity('bob', 's-3'),
    )
    expect((await listIdentitiesOfUser(db, 'ada')).map((row) => row.provider_id)).toEqual(['acme', 'other'])
    const ids = async (after: string) =>
      (await listIdentitiesOfProvider(db, 'acme', after, 2)).map((row) => row.user_id)
    expect(await ids('')).toEqual(['ada', 'bob'])
    expect(await ids('bob')).toEqual(['eve'])
  })

  it('goes by itself and with its user, and outlives its provider: a later one must not get its people', async () => {
    await insert(
      identity('ada', 's-1'),
      identity('ada', 's-1', 'other'),
      identity('bob', 's-2'),
      identity('eve', 's-3'),
    )
    await runBatch(db, [deleteExternalIdentity(db, 'acme', 'ada')])
    expect(await listIdentitiesOfUser(db, 'ada')).toHaveLength(1)
    await runBatch(db, deleteUser(db, await userOf('bob'), noon))
    expect((await listIdentitiesOfProvider(db, 'acme', '', 9)).map((row) => row.user_id)).toEqual(['eve'])
    await runBatch(db, [deleteExternalProvider(db, 'acme')])
    expect(await listIdentitiesOfUser(db, 'eve')).toHaveLength(1)
  })
})

describe('what one sign-in asks of the directory', () => {
  const question = {
    provider_id: 'acme',
    issuer: 'https://idp.test',
    subject: 's-1',
    user_ids: ['bob', 'gone'],
    login_names: ['eve'],
    email: 'ADA@idp.test',
    tenant_ids: ['north', 'east'],
    group_ids: ['staff', 'ghosts'],
  }

  it('is answered in one round trip', async () => {
    await insert(identity('ada', 's-1'))
    await env.DB.batch([
      env.DB.prepare("update users set email = 'Ada@idp.test' where user_id = 'ada'"),
      env.DB.prepare("insert into user_group_members values ('ada', 'staff', 'acme')"),
      env.DB.prepare("insert into deleted_subjects values ('gone', 'gone', 'ref', 0)"),
    ])
    const answer = await queryDirectory(db, question)
    expect(answer.users.map((user) => user.row.user_id).sort()).toEqual(['ada', 'bob', 'eve'])
    expect(answer.users.find((user) => user.row.user_id === 'ada')).toMatchObject({
      groups: [{ group_id: 'staff', name: 'Staff', granted_by: 'acme' }],
      identities: [identity('ada', 's-1')],
    })
    expect(answer.byMail.map((user) => user.row.user_id)).toEqual(['ada'])
    expect(answer).toMatchObject({ deleted: ['gone'], tenants: ['north'] })
    expect(answer.groups).toEqual([{ group_id: 'staff', name: 'Staff', tenant_id: null }])
  })

  it('finds nobody by an address that was not asked for', async () => {
    expect((await queryDirectory(db, { ...question, email: null })).byMail).toEqual([])
  })

  it('reads by index, however many users there are', async () => {
    const queries: string[] = []
    const watched = {
      prepare: (text: string) => {
        queries.push(text)
        return env.DB.prepare(text)
      },
      batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
    } as unknown as D1Database
    await queryDirectory(openDatabase(watched), question)
    expect(queries).toHaveLength(5)
    for (const query of queries) {
      const values = [...query.matchAll(/\?/g)].map(() => '[]')
      const { results } = await env.DB.prepare(`explain query plan ${query}`)
        .bind(...values)
        .all<{ detail: string }>()
      const scans = results.map((row) => row.detail).filter((detail) => detail.startsWith('SCAN'))
      expect(scans.filter((detail) => !detail.startsWith('SCAN json_each'))).toEqual([])
    }
  })
})
