// Administrators: users with a role in managing the provider.

import { refuseFaults } from '../model/refuse-faults.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import {
  type AdministratorRow,
  deleteAdministrator,
  findAdministrator,
  saveAdministrator,
} from '../storage/administrators.ts'
import { findUser } from '../storage/users.ts'

/** Gives the user a role, or changes it. Throws a Problem if the user does not exist. */
export async function changeAdministrator(
  context: RequestContext,
  userId: string,
  role: AdministratorRow['role'],
): Promise<{ record: AdministratorRow; isNew: boolean }> {
  const stored = await read(context, (db) => findAdministrator(db, userId))
  if (!stored && !(await read(context, (db) => findUser(db, userId)))) refuseFaults({ user_id: 'is not a user' })
  const record = { user_id: userId, role }
  if (stored?.role !== role) {
    await commit(context, {
      action: stored ? 'administrator.update' : 'administrator.create',
      target: userId,
      detail: { role },
      statements: (db) => [saveAdministrator(db, record)],
    })
  }
  return { record, isNew: !stored }
}

/** Takes the role away; the user stays. */
export async function removeAdministrator(context: RequestContext, userId: string): Promise<'done' | 'unknown'> {
  if (!(await read(context, (db) => findAdministrator(db, userId)))) return 'unknown'
  await commit(context, {
    action: 'administrator.delete',
    target: userId,
    statements: (db) => [deleteAdministrator(db, userId)],
  })
  return 'done'
}
