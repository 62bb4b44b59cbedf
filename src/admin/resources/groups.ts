// Groups of users.
import * as z from 'zod/mini'
import { changeGroup, mostMembers, removeGroup } from '../../directory/change-group.ts'
import { read } from '../../request/commit.ts'
import { findGroup, listGroups } from '../../storage/groups.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../admin-route.ts'
import { identifier, line } from '../fields.ts'
import { found, parseKey } from '../record-key.ts'

export const groupKey = identifier(100)
const tenantId = z.nullable(z.string())
const group = z.object({ group_id: groupKey, name: line(200), tenant_id: tenantId })
export const groupBody = z.strictObject({ name: z.optional(line(200)), tenant_id: z.optional(tenantId) })
const pushed = z.boolean()

export const groupRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'groups',
    summary: 'List groups',
    isPaged: true,
    answer: pageOf(group),
    async handle(context, call) {
      const rows = await read(context, (db) => listGroups(db, call.page.after, call.page.limit))
      return page(call.page, rows, (row) => row.group_id)
    },
  }),
  route({
    method: 'GET',
    path: 'groups/{group_id}',
    summary: 'Read a group',
    answer: group,
    async handle(context, call) {
      return ok(found(await read(context, (db) => findGroup(db, call.params.group_id))))
    },
  }),
  route({
    method: 'PUT',
    path: 'groups/{group_id}',
    summary: 'Create or update a group',
    description: `Its name is in the claim \`groups\` of its members. A group of more than ${mostMembers} members cannot be renamed.`,
    body: groupBody,
    answer: z.extend(group, { pushed }),
    async handle(context, call) {
      const group_id = parseKey('group_id', groupKey, call.params.group_id)
      const { record, isNew, pushed } = await changeGroup(context, group_id, call.body)
      return saved({ ...record, pushed }, isNew)
    },
  }),
  route({
    method: 'DELETE',
    path: 'groups/{group_id}',
    summary: 'Delete a group',
    description: `Its members lose it at their next call. A group of more than ${mostMembers} members is emptied first.`,
    answer: z.object({ pushed }),
    async handle(context, call) {
      return ok(found(await removeGroup(context, call.params.group_id)))
    },
  }),
]
