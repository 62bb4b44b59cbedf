// Rows that a Subject writes per operation, once it exists and its alarm is set: each written row costs, and their rate is limited.
import { runInDurableObject } from 'cloudflare:test'
import { beforeAll, expect, it } from 'vitest'
import type { Subject } from '../../../src/grants/subject/subject.ts'
import {
  authorizeUrl,
  browser,
  operator,
  password,
  redeem,
  redirectOf,
  refresh,
  setUp,
  subjectOf,
  tokensOf,
} from '../../provider.ts'

const user = browser()
let subject: DurableObjectStub<Subject>

beforeAll(async () => {
  await setUp()
  subject = await subjectOf('ada')
  await signIn()
  await count()
})

/** Replaces the object's SQL storage by one that adds up the rows that each statement wrote. */
async function count(): Promise<void> {
  await runInDurableObject(subject, (instance) => {
    const counted = instance as unknown as { sql: SqlStorage; written: number }
    const { sql } = counted
    counted.written = 0
    counted.sql = {
      exec: (query: string, ...bindings: unknown[]) => {
        const cursor = sql.exec(query, ...(bindings as never[]))
        counted.written += cursor.rowsWritten
        return cursor
      },
    } as unknown as SqlStorage
  })
}

/** Rows written since the last call. */
const written = (): Promise<number> =>
  runInDurableObject(subject, (instance) => {
    const counted = instance as unknown as { written: number }
    const rows = counted.written
    counted.written = 0
    return rows
  })

async function signIn(): Promise<void> {
  const page = await user.open(authorizeUrl({ prompt: 'login', scope: 'openid offline_access' }))
  await user.submit(page, { username: 'ada', password })
}

it('writes one row for a code, one for a redemption with a refresh token family, one for a refresh', async () => {
  await written()
  const target = redirectOf(await user.open(authorizeUrl({ scope: 'openid offline_access' })))
  expect(await written()).toBe(1)

  const tokens = await redeem(target.searchParams.get('code') ?? '')
  expect(await written()).toBe(1)

  const next = await tokensOf(await refresh(tokens.refresh_token))
  expect(await written()).toBe(1)

  await tokensOf(await refresh(tokens.refresh_token))
  expect(await written(), 'a retry within the grace window').toBe(0)
  await tokensOf(await refresh(next.refresh_token))
  expect(await written()).toBe(1)
})

it('writes at most two rows for a sign-in besides its code', async () => {
  await written()
  await signIn()
  // One of them is the code.
  expect(await written()).toBeLessThanOrEqual(3)
})

it('writes one more row for the first sign-in after the directory changed', async () => {
  await operator('PUT', 'users/ada', { name: 'Ada Changed' })
  await written()
  await signIn()
  expect(await written()).toBeLessThanOrEqual(4)
})
