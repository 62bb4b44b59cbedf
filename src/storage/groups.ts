// Groups of users. Their names are a claim of every member, so a change of a group is a change of its members.
import { asc, eq, gt, inArray, sql } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { userGroupMembers, userGroups, users } from './schema.ts'
import { findUsers, type UserRecord } from './users.ts'

export type GroupRow = typeof userGroups.$inferSelect

export async function findGroup(db: Database, groupId: string): Promise<GroupRow | undefined> {
  const [row] = await db.select().from(userGroups).where(eq(userGroups.group_id, groupId))
  return row
}

/** Those of the named groups that exist. */
export function findGroups(db: Database, groupIds: string[]): Promise<GroupRow[]> {
  const named = sql`(select value from json_each(${JSON.stringify(groupIds)}))`
  return db.select().from(userGroups).where(inArray(userGroups.group_id, named))
}

/** By group_id, those after `after`. */
export function listGroups(db: Database, after: string, limit: number): Promise<GroupRow[]> {
  return db
    .select()
    .from(userGroups)
    .where(gt(userGroups.group_id, after))
    .orderBy(asc(userGroups.group_id))
    .limit(limit)
}

const memberIds = (db: Database, groupId: string) =>
  db.select({ user_id: userGroupMembers.user_id }).from(userGroupMembers).where(eq(userGroupMembers.group_id, groupId))

export function listMembers(db: Database, groupId: string, limit: number): Promise<UserRecord[]> {
  return findUsers(db, inArray(users.user_id, memberIds(db, groupId)), limit)
}

/** Every member's record is a new version (see nextVersion). Stands in the batch before what changes the group. */
export function renewMembers(db: Database, groupId: string, now: number): Statement {
  return db
    .update(users)
    .set({ version: sql`max(version + 1, ${now})`, updated_at: now })
    .where(inArray(users.user_id, memberIds(db, groupId)))
}

export function saveGroup(db: Database, row: GroupRow): Statement {
  return db.insert(userGroups).values(row).onConflictDoUpdate({ target: userGroups.group_id, set: row })
}

/** Its memberships go with it. */
export function deleteGroup(db: Database, groupId: string): Statement {
  return db.delete(userGroups).where(eq(userGroups.group_id, groupId))
}
