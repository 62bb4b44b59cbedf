// Users: read, written, deleted, signed out, given a new password.
import * as z from 'zod/mini'
import { changeUser, removeUser, setPassword, signUserOut } from '../../directory/change-user.ts'
import { read } from '../../request/commit.ts'
import { findUser, listUsers } from '../../storage/users.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { doneIfFound, found, parseKey } from '../record-key.ts'
import { password, serialiseUser, userAnswer, userBody, userId } from './user-fields.ts'

const pushed = z.boolean()

export const userRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'users',
    summary: 'List users',
    isPaged: true,
    answer: pageOf(userAnswer),
    async handle(context, call) {
      const records = await read(context, (db) => listUsers(db, call.page.after, call.page.limit))
      return page(call.page, records.map(serialiseUser), (user) => user.user_id)
    },
  }),
  route({
    method: 'GET',
    path: 'users/{user_id}',
    summary: 'Read a user',
    answer: userAnswer,
    async handle(context, call) {
      return ok(serialiseUser(found(await read(context, (db) => findUser(db, call.params.user_id)))))
    },
  }),
  route({
    method: 'PUT',
    path: 'users/{user_id}',
    summary: 'Create or update a user',
    description:
      'Fields that are left out keep their value; null clears one. `sub` is the user_id unless it is given at creation, and never changes. ' +
      'A new password, or disabling the account, ends every session and grant. `pushed` is false when tokens may show the old values until the next sign-in.',
    body: userBody,
    answer: z.extend(userAnswer, { pushed }),
    async handle(context, call) {
      const id = parseKey('user_id', userId, call.params.user_id)
      const user = await changeUser(context, id, call.body)
      return saved({ ...serialiseUser(user.record), pushed: user.pushed }, user.isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'users/{user_id}',
    summary: 'Delete a user',
    description: 'Sessions and tokens end at the next call. The subject identifier is never given to anybody else.',
    async handle(context, call) {
      return doneIfFound(await removeUser(context, call.params.user_id))
    },
  }),
  route({
    method: 'POST',
    path: 'users/{user_id}/sign-out',
    summary: 'End every session and grant of a user',
    async handle(context, call) {
      return doneIfFound(await signUserOut(context, call.params.user_id))
    },
  }),
  route({
    method: 'POST',
    path: 'users/{user_id}/password',
    summary: 'Set the password of a user',
    description: 'Ends every session and grant.',
    body: z.strictObject({ password }),
    async handle(context, call) {
      return doneIfFound(await setPassword(context, call.params.user_id, call.body.password))
    },
  }),
]
