// Who administers the provider. The first one is made here; the roles take effect with the console.
import * as z from 'zod/mini'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { commit, read } from '../../request/commit.ts'
import {
  deleteAdministrator,
  findAdministrator,
  listAdministrators,
  saveAdministrator,
} from '../../storage/administrators.ts'
import { findUser } from '../../storage/users.ts'
import { found } from '../record.ts'
import { type AdminRoute, done, ok, page, pageOf, route, saved } from '../route.ts'

const role = z.enum(['main_administrator', 'administrator', 'auditor'])
export const administratorBody = z.strictObject({ role })
const administrator = z.object({ user_id: z.string(), role })

export const administratorRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'administrators',
    summary: 'List administrators',
    isPaged: true,
    answer: pageOf(administrator),
    async handle(context, call) {
      const rows = await read(context, (db) => listAdministrators(db, call.page.after, call.page.limit))
      return page(call.page, rows, (row) => row.user_id)
    },
  }),
  route({
    method: 'GET',
    path: 'administrators/{user_id}',
    summary: 'Read the role of an administrator',
    answer: administrator,
    async handle(context, call) {
      return ok(found(await read(context, (db) => findAdministrator(db, call.params.user_id))))
    },
  }),
  route({
    method: 'PUT',
    path: 'administrators/{user_id}',
    summary: 'Make a user an administrator, or change the role',
    body: administratorBody,
    answer: administrator,
    async handle(context, call) {
      const { user_id } = call.params
      const stored = await read(context, (db) => findAdministrator(db, user_id))
      if (!stored && !(await read(context, (db) => findUser(db, user_id)))) {
        refuseFaults({ user_id: 'is not a user' })
      }
      const next = { user_id, role: call.body.role }
      if (stored?.role !== next.role) {
        await commit(context, {
          action: stored ? 'administrator.update' : 'administrator.create',
          target: user_id,
          detail: { role: next.role },
          statements: (db) => [saveAdministrator(db, next)],
        })
      }
      return saved(next, !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'administrators/{user_id}',
    summary: 'Make an administrator an ordinary user',
    async handle(context, call) {
      const { user_id } = found(await read(context, (db) => findAdministrator(db, call.params.user_id)))
      await commit(context, {
        action: 'administrator.delete',
        target: user_id,
        statements: (db) => [deleteAdministrator(db, user_id)],
      })
      return done
    },
  }),
]
