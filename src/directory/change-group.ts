// Creating, updating and deleting groups. A group's name is a claim of its members, so renaming or deleting it changes each of them.

import { conflict } from '../model/problems.ts'
import { changedFields, merge } from '../model/record.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { type Change, commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { deleteGroup, findGroup, type GroupRow, listMembers, renewMembers, saveGroup } from '../storage/groups.ts'
import { findUsersById, nextVersion, personOfRecord, type UserRecord } from '../storage/users.ts'
import { tenantFaults } from './change-tenant.ts'
import { eachPerson, pushAfter, pushFirst } from './push-person.ts'

/** Limited, because each member takes a call to its Subject within one request. */
export const mostMembers = 500

/** A field that is left out keeps its value. */
export interface GroupInput {
  name?: string | undefined
  tenant_id?: string | null | undefined
}

/** `pushed`: true if the Subject of every member acknowledged the change. */
export interface ChangedGroup {
  record: GroupRow
  isNew: boolean
  pushed: boolean
}

/** Creates or updates. By default, a new group has its id as name and is open to every tenant. Throws a Problem that names every faulty field. */
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

/** Its members lose the group at their next request. Returns undefined if the group does not exist. */
export async function removeGroup(context: RequestContext, groupId: string): Promise<{ pushed: boolean } | undefined> {
  const stored = await read(context, (db) => findGroup(db, groupId))
  if (!stored) return undefined
  const change: Change = { action: 'group.delete', target: groupId, statements: (db) => [deleteGroup(db, groupId)] }
  return { pushed: await changeWithMembers(context, change, 'takes-away') }
}

/** Returns true if every member's Subject acknowledged the change. */
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
  const pushedVersions = new Map<string, number>()
  if (rights === 'takes-away') {
    const persons = members.map((member) => personOfRecord(without(member, groupId, context.now)))
    await eachPerson(persons, (person) => pushFirst(context, person))
    for (const person of persons) pushedVersions.set(person.user_id, person.version)
  }
  await commit(context, {
    ...change,
    statements: (db) => [renewMembers(db, groupId, context.now), ...change.statements(db)],
  })
  const userIds = members.map((member) => member.row.user_id)
  const renewed = await read(context, (db) => findUsersById(db, userIds))
  // Members whose Subject has this version already need no push; another writer may have changed a member meanwhile.
  const unpushed = renewed.map(personOfRecord).filter((person) => pushedVersions.get(person.user_id) !== person.version)
  const acknowledged = await eachPerson(unpushed, (person) => pushAfter(context, person))
  return acknowledged.every(Boolean)
}

function without(member: UserRecord, groupId: string, now: number): UserRecord {
  return {
    row: { ...member.row, version: nextVersion(member.row.version, now), updated_at: now },
    groups: member.groups.filter((each) => each.group_id !== groupId),
  }
}
