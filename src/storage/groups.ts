// Groups of users. A group's name is part of a claim of every member, so a change to a group also changes its members.
import { asc, eq, gt, inArray, sql } from 'drizzle-orm'
import type { Database, Statement } from './database.ts'
import { userGroupMembers, userGroups, users } from './schema.ts'
import { findUsers, type UserRecord } from './users.ts'

export type GroupRow = typeof userGroups.$inferSelect

export async function findGroup(db: Database, groupId: string): Promise<GroupRow | undefined> {
  const [row] = await db.select().from(userGroups).where(eq(userGroups.group_id, groupId))
  return row
}

/** Returns those of the named groups that exist. */
export function findGroups(db: Database, groupIds: string[]): Promise<GroupRow[]> {
  const named = sql`(select value from json_each(${JSON.stringify(groupIds)}))`
  return db.select().from(userGroups).where(inArray(userGroups.group_id, named))
}

/** Returns the records after group_id `after`, sorted by group_id. */
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

/** Gives every member's record a new version (see nextVersion). Place it in the batch before the statement that changes the group. */
export function renewMembers(db: Database, groupId: string, now: number): Statement {
  return db
    .update(users)
    .set({ version: sql`max(version + 1, ${now})`, updated_at: now })
    .where(inArray(users.user_id, memberIds(db, groupId)))
}

export function saveGroup(db: Database, row: GroupRow): Statement {
  return db.insert(userGroups).values(row).onConflictDoUpdate({ target: userGroups.group_id, set: row })
}

/** Also deletes its memberships. */
export function deleteGroup(db: Database, groupId: string): Statement {
  return db.delete(userGroups).where(eq(userGroups.group_id, groupId))
}
