// Changing and deleting users through the administration API. This file decides which changes end a user's sessions and how conflicts are
// reported; write-user.ts writes.

import { hashPassword } from '../crypto/password-hash.ts'
import { changedFields } from '../model/record.ts'
import { problemOf, read } from '../request/commit.ts'
import { actorOf, type RequestContext } from '../request/context.ts'
import { findUser, nextVersion, type UserRecord } from '../storage/users.ts'
import { planUser } from './plan-user.ts'
import type { UserInput } from './user-input.ts'
import { type UserChange, writeUser } from './write-user.ts'

export interface SavedUser {
  record: UserRecord
  isNew: boolean
  /** True if the user's Subject acknowledged the change. */
  pushed: boolean
}

/** Creates or updates. Throws a Problem that names every faulty field. */
export async function changeUser(context: RequestContext, userId: string, input: UserInput): Promise<SavedUser> {
  const { stored, next, isPushed } = await write(context, userId, async (before) =>
    changeTo(context, before, await planUser(context, userId, input, before), 'user.update'),
  )
  return { record: next, isNew: stored === undefined, pushed: isPushed }
}

/** Ends every session and grant of the user. */
export const signUserOut = (context: RequestContext, userId: string): Promise<'done' | 'unknown'> =>
  changeRow(context, userId, 'user.sign-out', async () => ({ not_before: context.now }))

/** Sets the local password, which ends every session and grant of the user. */
export const setPassword = (context: RequestContext, userId: string, password: string): Promise<'done' | 'unknown'> =>
  changeRow(context, userId, 'user.password', async () => ({
    password_hash: await hashPassword(password, context.deployment.pepper),
  }))

/** The directory keeps the subject identifier of a deleted user, so that no other user gets it. */
export async function removeUser(context: RequestContext, userId: string): Promise<'done' | 'unknown'> {
  const { stored } = await write(context, userId, async (before) => ({
    next: undefined,
    event: before && eventOf(context, 'user.delete'),
  }))
  return stored ? 'done' : 'unknown'
}

async function changeRow(
  context: RequestContext,
  userId: string,
  action: string,
  columns: () => Promise<Partial<UserRecord['row']>>,
): Promise<'done' | 'unknown'> {
  const { stored } = await write(context, userId, async (before) => {
    if (!before) return { next: undefined, event: undefined }
    return changeTo(context, before, { ...before, row: { ...before.row, ...(await columns()) } }, action)
  })
  return stored ? 'done' : 'unknown'
}

type Plan<Next> = Pick<UserChange, 'event'> & { next: Next }

async function write<Next extends UserRecord | undefined>(
  context: RequestContext,
  userId: string,
  plan: (stored: UserRecord | undefined) => Promise<Plan<Next>>,
): Promise<{ stored: UserRecord | undefined; next: Next; isPushed: boolean }> {
  const written = await writeUser(context, {
    async plan() {
      const stored = await read(context, (db) => findUser(db, userId))
      return { stored, grantedBy: null, ...(await plan(stored)) }
    },
    onConflict: (_, { constraint }) => (constraint === 'version' ? 'plan-again' : 'give-up'),
    afterwards: 'push',
  })
  if (written.outcome !== 'written') throw problemOf(context, written.conflict)
  return { ...written.change, isPushed: written.isPushed }
}

const eventOf = (context: RequestContext, action: string, detail?: Record<string, unknown>): UserChange['event'] => ({
  actor: actorOf(context),
  action,
  ...(detail && { detail }),
})

/** If nothing differs, nothing is written or pushed. */
function changeTo(
  context: RequestContext,
  stored: UserRecord | undefined,
  planned: UserRecord,
  action: string,
): Plan<UserRecord> {
  const fields = differences(stored, planned)
  if (stored && fields.length === 0) return { next: stored, event: undefined }
  return {
    next: renewed(stored, planned, context.now),
    event: eventOf(context, stored ? action : 'user.create', { fields }),
  }
}

function differences(stored: UserRecord | undefined, next: UserRecord): string[] {
  const ids = (record: UserRecord | undefined) => record?.groups.map((group) => group.group_id).sort()
  const groups = JSON.stringify(ids(stored)) === JSON.stringify(ids(next)) ? [] : ['groups']
  return [...changedFields(stored?.row, next.row), ...groups]
}

/** A change that ends sessions moves `not_before`, so that they stay ended when the user is enabled again. */
function renewed(stored: UserRecord | undefined, next: UserRecord, now: number): UserRecord {
  if (!stored) return next
  const [before, after] = [stored.row, next.row]
  const endsSessions =
    (before.enabled && !after.enabled) ||
    (!before.service_account && after.service_account) ||
    before.password_hash !== after.password_hash
  const not_before = endsSessions ? Math.max(before.not_before, now) : after.not_before
  return { ...next, row: { ...after, not_before, version: nextVersion(before.version, now), updated_at: now } }
}
