// The administrators. The first one is created here; the roles take effect with the console.
import * as z from 'zod/mini'
import { changeAdministrator, removeAdministrator } from '../../directory/change-administrator.ts'
import { read } from '../../request/commit.ts'
import { findAdministrator, listAdministrators } from '../../storage/administrators.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { doneIfFound, found } from '../record-key.ts'

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
      const { record, isNew } = await changeAdministrator(context, call.params.user_id, call.body.role)
      return saved(record, isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'administrators/{user_id}',
    summary: 'Make an administrator an ordinary user',
    async handle(context, call) {
      return doneIfFound(await removeAdministrator(context, call.params.user_id))
    },
  }),
]
