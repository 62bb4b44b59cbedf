// The directory of users: the D1 rows, and the Person from which tokens are made.
import { and, asc, eq, gt, inArray, notInArray, type SQL, sql } from 'drizzle-orm'
import type { Person } from '../model/person.ts'
import type { Database, Statement } from './database.ts'
import { deletedSubjects, userGroupMembers, users } from './schema.ts'

export type UserRow = typeof users.$inferSelect

/** A user with its groups. */
export interface UserRecord {
  row: UserRow
  groups: { group_id: string; name: string }[]
}

/** The hash that a password is checked against, and the person who signs in if the password is correct. */
export interface SignInRecord {
  person: Person
  password_hash: string | null
  service_account: boolean
}

// Names the table in full, because drizzle writes bare column names in a query over one table, and here they would refer to the inner table.
const groupsOfUser = sql<string>`(
  select json_group_array(json_object('group_id', g.group_id, 'name', g.name))
  from user_group_members m join user_groups g on g.group_id = m.group_id
  where m.user_id = users.user_id)`

const recordColumns = { row: users, groups: groupsOfUser }

function toRecord(found: { row: UserRow; groups: string }): UserRecord {
  const groups = JSON.parse(found.groups) as UserRecord['groups']
  groups.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { row: found.row, groups }
}

/** Sorted by user_id. */
export async function findUsers(db: Database, condition: SQL, limit: number): Promise<UserRecord[]> {
  const found = await db.select(recordColumns).from(users).where(condition).orderBy(asc(users.user_id)).limit(limit)
  return found.map(toRecord)
}

export async function findUser(db: Database, userId: string): Promise<UserRecord | undefined> {
  const [record] = await findUsers(db, eq(users.user_id, userId), 1)
  return record
}

/** Returns the records after user_id `after`, sorted by user_id. */
export function listUsers(db: Database, after: string, limit: number): Promise<UserRecord[]> {
  return findUsers(db, gt(users.user_id, after), limit)
}

export function findUsersById(db: Database, userIds: string[]): Promise<UserRecord[]> {
  return findUsers(db, inArray(users.user_id, listed(userIds)), userIds.length)
}

/** Makes one query, whatever the number of groups. `loginName` must be normalised. */
export async function findPersonByLogin(db: Database, loginName: string): Promise<SignInRecord | undefined> {
  const [record] = await findUsers(db, eq(users.login_name, loginName), 1)
  if (!record) return undefined
  const { password_hash, service_account } = record.row
  return { person: personOfRecord(record), password_hash, service_account }
}

export const personOfRecord = ({ row, groups }: UserRecord): Person =>
  personOf(
    row,
    groups.map((group) => group.name),
  )

/** Returns the data that tokens need of a user. Columns override `claims`, in which the directory accepts no protocol claims on writing. */
export function personOf(row: UserRow, groupNames: string[]): Person {
  const claims: Record<string, unknown> = {
    ...row.claims,
    name: row.name,
    given_name: row.given_name,
    family_name: row.family_name,
    preferred_username: row.login_name,
    gender: row.gender,
    locale: row.locale,
    zoneinfo: row.zoneinfo,
    email: row.email,
    // OIDC Core §5.1: email_verified is a statement about an e-mail address, so it is absent without one.
    email_verified: row.email === null ? null : row.email_verified,
    groups: groupNames.length > 0 ? groupNames : null,
    updated_at: Math.floor(row.updated_at / 1000),
  }
  // OIDC Core §5.3.2: a claim without a value is left out, not sent as null.
  for (const [claim, value] of Object.entries(claims)) if (value === null) delete claims[claim]
  return {
    user_id: row.user_id,
    sub: row.sub,
    subject_ref: row.subject_ref,
    version: row.version,
    enabled: row.enabled,
    not_before: row.not_before,
    tenant_id: row.tenant_id,
    claims,
  }
}

/** Returns the user, present or deleted, to whom the subject identifier belongs, because it must never be given to a second person. */
export async function findSubjectOwner(
  db: Database,
  sub: string,
): Promise<{ user_id: string; deleted: boolean } | undefined> {
  const [alive, dead] = await db.batch([
    db.select({ user_id: users.user_id }).from(users).where(eq(users.sub, sub)),
    db.select({ user_id: deletedSubjects.user_id }).from(deletedSubjects).where(eq(deletedSubjects.sub, sub)),
  ])
  if (alive[0]) return { user_id: alive[0].user_id, deleted: false }
  return dead[0] && { user_id: dead[0].user_id, deleted: true }
}

export function insertUser(db: Database, row: UserRow): Statement {
  return db.insert(users).values(row)
}

/**
 * Returns a version above the stored one, and above any version that a half-failed write has already sent to the person's Subject: the clock
 * never gives the same value twice. `now` is in milliseconds.
 */
export const nextVersion = (version: number, now: number): number => Math.max(version + 1, now)

/** Writes the row's new state. Fails the whole batch (NOT NULL on version) if the stored row no longer has version `previous`. */
export function updateUser(db: Database, row: UserRow, previous: number): Statement {
  const { user_id, ...columns } = row
  return db
    .update(users)
    .set({ ...columns, version: sql`case when version = ${previous} then ${row.version} end` })
    .where(eq(users.user_id, user_id))
}

/** Replaces the groups of a user. A membership that stays keeps its `granted_by`. An unknown group fails the batch. */
export function setGroupsOfUser(db: Database, userId: string, groupIds: string[]): Statement[] {
  const { user_id, group_id } = userGroupMembers
  return [
    db.delete(userGroupMembers).where(and(eq(user_id, userId), notInArray(group_id, listed(groupIds)))),
    addMemberships(db, userId, groupIds, null),
  ]
}

/** Adds the memberships that an external provider grants. An existing membership does not change. An unknown group fails the batch. */
export const grantGroups = (db: Database, userId: string, groupIds: string[], providerId: string): Statement =>
  addMemberships(db, userId, groupIds, providerId)

/** Deletes only the memberships that this external provider granted. */
export function withdrawGroups(db: Database, userId: string, groupIds: string[], providerId: string): Statement {
  const { user_id, group_id, granted_by } = userGroupMembers
  return db
    .delete(userGroupMembers)
    .where(and(eq(user_id, userId), eq(granted_by, providerId), inArray(group_id, listed(groupIds))))
}

const listed = (values: string[]): SQL => sql`(select value from json_each(${JSON.stringify(values)}))`

function addMemberships(db: Database, userId: string, groupIds: string[], grantedBy: string | null): Statement {
  // The condition is needed, because without it SQLite reads ON as part of a join.
  const rows = sql`select ${userId}, value, ${grantedBy} from json_each(${JSON.stringify(groupIds)}) where true`
  return db.insert(userGroupMembers).select(rows).onConflictDoNothing()
}

/** Deletes the user and keeps the subject identifier. Fails the whole batch if the stored row has another version. */
export function deleteUser(db: Database, row: UserRow, now: number): Statement[] {
  return [
    updateUser(db, { ...row, version: row.version + 1 }, row.version),
    db
      .insert(deletedSubjects)
      .values({ sub: row.sub, user_id: row.user_id, subject_ref: row.subject_ref, deleted_at: now }),
    db.delete(users).where(eq(users.user_id, row.user_id)),
  ]
}
