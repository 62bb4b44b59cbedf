// Groups of users. A group's name is a claim of its members, so renaming or deleting it is a change of each of them.
import * as z from 'zod/mini'
import { eachPerson, pushAfter, pushFirst } from '../../directory/push-person.ts'
import { Problem } from '../../model/errors.ts'
import { changedFields, merge } from '../../model/record.ts'
import { refuseFaults } from '../../model/refuse-faults.ts'
import { type Change, commit, read } from '../../request/commit.ts'
import type { RequestContext } from '../../request/context.ts'
import {
  deleteGroup,
  findGroup,
  type GroupRow,
  listGroups,
  listMembers,
  renewMembers,
  saveGroup,
} from '../../storage/groups.ts'
import { findTenant } from '../../storage/tenants.ts'
import { findUsersById, nextVersion, personOfRecord, type UserRecord } from '../../storage/users.ts'
import { identifier, line } from '../fields.ts'
import { found, parseKey } from '../record.ts'
import { type AdminRoute, ok, page, pageOf, route, saved } from '../route.ts'

export const groupKey = identifier(100)
const tenantId = z.nullable(z.string())
const group = z.object({ group_id: groupKey, name: line(200), tenant_id: tenantId })
export const groupBody = z.strictObject({ name: z.optional(line(200)), tenant_id: z.optional(tenantId) })
const pushed = z.boolean()

/** Each member costs a call to its Subject within one request. */
const mostMembers = 500

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
      const stored = await read(context, (db) => findGroup(db, group_id))
      const next = merge<GroupRow>(stored ?? { group_id, name: group_id, tenant_id: null }, call.body)
      const fields = changedFields(stored, next)
      if (fields.length === 0) return saved({ ...next, pushed: true }, false)
      await checkTenant(context, next)
      const change: Change = {
        action: stored ? 'group.update' : 'group.create',
        target: group_id,
        detail: { fields },
        statements: (db) => [saveGroup(db, next)],
      }
      const isRenamed = stored !== undefined && stored.name !== next.name
      const isPushed = isRenamed ? await changeWithMembers(context, change, 'keeps') : await commit(context, change)
      return saved({ ...next, pushed: isPushed !== false }, !stored)
    },
  }),
  route({
    method: 'DELETE',
    path: 'groups/{group_id}',
    summary: 'Delete a group',
    description: `Its members lose it at their next call. A group of more than ${mostMembers} members is emptied first.`,
    answer: z.object({ pushed }),
    async handle(context, call) {
      const { group_id } = found(await read(context, (db) => findGroup(db, call.params.group_id)))
      const change: Change = {
        action: 'group.delete',
        target: group_id,
        statements: (db) => [deleteGroup(db, group_id)],
      }
      return ok({ pushed: await changeWithMembers(context, change, 'takes-away') })
    },
  }),
]

async function checkTenant(context: RequestContext, next: GroupRow): Promise<void> {
  const { tenant_id } = next
  if (tenant_id !== null && !(await read(context, (db) => findTenant(db, tenant_id)))) {
    refuseFaults({ tenant_id: 'is not a tenant' })
  }
}

/** Whether every member's Subject knows of the change. */
async function changeWithMembers(
  context: RequestContext,
  change: Change,
  rights: 'keeps' | 'takes-away',
): Promise<boolean> {
  const { target: groupId } = change
  const members = await read(context, (db) => listMembers(db, groupId, mostMembers + 1))
  if (members.length > mostMembers) {
    throw new Problem(409, `The group has more than ${mostMembers} members: change them one by one`)
  }
  const told = new Map<string, number>()
  if (rights === 'takes-away') {
    const persons = members.map((member) => personOfRecord(without(member, groupId, context.now)))
    await eachPerson(persons, (person) => pushFirst(context, person))
    for (const person of persons) told.set(person.user_id, person.version)
  }
  await commit(context, {
    ...change,
    statements: (db) => [renewMembers(db, groupId, context.now), ...change.statements(db)],
  })
  const userIds = members.map((member) => member.row.user_id)
  const renewed = await read(context, (db) => findUsersById(db, userIds))
  // Told already, unless somebody else changed the member meanwhile.
  const untold = renewed.map(personOfRecord).filter((person) => told.get(person.user_id) !== person.version)
  const acknowledged = await eachPerson(untold, (person) => pushAfter(context, person))
  return acknowledged.every(Boolean)
}

function without(member: UserRecord, groupId: string, now: number): UserRecord {
  return {
    row: { ...member.row, version: nextVersion(member.row.version, now), updated_at: now },
    groups: member.groups.filter((each) => each.group_id !== groupId),
  }
}
