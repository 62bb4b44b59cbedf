// How groups change. A group's name is a claim of its members, so renaming or deleting it is a change of each of them.

import { conflict } from '../model/problems.ts'
import { changedFields, merge } from '../model/record.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { type Change, commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { deleteGroup, findGroup, type GroupRow, listMembers, renewMembers, saveGroup } from '../storage/groups.ts'
import { findUsersById, nextVersion, personOfRecord, type UserRecord } from '../storage/users.ts'
import { tenantFaults } from './change-tenant.ts'
import { eachPerson, pushAfter, pushFirst } from './push-person.ts'

/** Each member costs a call to its Subject within one request. */
export const mostMembers = 500

/** A field that is left out keeps its value. */
export interface GroupInput {
  name?: string | undefined
  tenant_id?: string | null | undefined
}

/** `pushed`: whether the Subject of every member acknowledged the change. */
export interface ChangedGroup {
  record: GroupRow
  isNew: boolean
  pushed: boolean
}

/** Creates or updates: a new group is named as its id and open to every tenant. Throws a Problem that names every faulty field. */
export async function changeGroup(context: RequestContext, groupId: string, input: GroupInput): Promise<ChangedGroup> {
  const stored = await read(context, (db) => findGroup(db, groupId))
  const record = merge<GroupRow>(stored ?? { group_id: groupId, name: groupId, tenant_id: null }, input)
  const fields = changedFields(stored, record)
  if (fields.length === 0) return { record, isNew: false, pushed: true }
  refuseFaults(await tenantFaults(context, record.tenant_id))
  const change: Change = {
    action: stored ? 'group.update' : 'group.create',
    target: groupId,
    detail: { fields },
    statements: (db) => [saveGroup(db, record)],
  }
  if (stored && stored.name !== record.name) {
    return { record, isNew: false, pushed: await changeWithMembers(context, change, 'keeps') }
  }
  await commit(context, change)
  return { record, isNew: !stored, pushed: true }
}

/** Its members lose it at their next call. Undefined: there is no such group. */
export async function removeGroup(context: RequestContext, groupId: string): Promise<{ pushed: boolean } | undefined> {
  const stored = await read(context, (db) => findGroup(db, groupId))
  if (!stored) return undefined
  const change: Change = { action: 'group.delete', target: groupId, statements: (db) => [deleteGroup(db, groupId)] }
  return { pushed: await changeWithMembers(context, change, 'takes-away') }
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
    throw conflict(`The group has more than ${mostMembers} members: change them one by one`)
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
  // Told already, unless another writer changed the member meanwhile.
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
