// The directory of people: rows of D1 and the Person that tokens are made from.
import { and, asc, eq, gt, inArray, notInArray, type SQL, sql } from 'drizzle-orm'
import type { Person } from '../model/person.ts'
import type { Database, Statement } from './database.ts'
import { deletedSubjects, userGroupMembers, users } from './schema.ts'

export type UserRow = typeof users.$inferSelect

/** A user with the groups it belongs to. */
export interface UserRecord {
  row: UserRow
  groups: { group_id: string; name: string }[]
}

/** What a password is checked against, and who it is if it fits. */
export interface SignInRecord {
  person: Person
  password_hash: string | null
  service_account: boolean
}

// The table is named in full: drizzle writes bare column names in a query over one table, which here would mean the inner table's.
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

/** By user_id. */
export async function findUsers(db: Database, condition: SQL, limit: number): Promise<UserRecord[]> {
  const found = await db.select(recordColumns).from(users).where(condition).orderBy(asc(users.user_id)).limit(limit)
  return found.map(toRecord)
}

export async function findUser(db: Database, userId: string): Promise<UserRecord | undefined> {
  const [record] = await findUsers(db, eq(users.user_id, userId), 1)
  return record
}

/** By user_id, those after `after`. */
export function listUsers(db: Database, after: string, limit: number): Promise<UserRecord[]> {
  return findUsers(db, gt(users.user_id, after), limit)
}

export function findUsersById(db: Database, userIds: string[]): Promise<UserRecord[]> {
  return findUsers(db, inArray(users.user_id, listed(userIds)), userIds.length)
}

/** One query, whatever the number of groups. `loginName` is normalised. */
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

/** What tokens need of a user. Columns win over `claims`, which the directory keeps free of protocol claims when it is written. */
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
    // OIDC Core §5.1: it says something of an e-mail address, so it needs one.
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

/** Whether a subject identifier belongs to a user, or belonged to one: it is never given to a second person. */
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
 * A version above the stored one, and above any that a write which failed half-way told the person's Subject: the clock never gives one
 * twice. `now` in milliseconds.
 */
export const nextVersion = (version: number, now: number): number => Math.max(version + 1, now)

/** The row's new state. Fails the whole batch (NOT NULL on version) when the stored row is no longer of version `previous`. */
export function updateUser(db: Database, row: UserRow, previous: number): Statement {
  const { user_id, ...columns } = row
  return db
    .update(users)
    .set({ ...columns, version: sql`case when version = ${previous} then ${row.version} end` })
    .where(eq(users.user_id, user_id))
}

/** Replaces the groups of a user; a membership that stays keeps who granted it. Unknown groups fail the batch. */
export function setGroupsOfUser(db: Database, userId: string, groupIds: string[]): Statement[] {
  const { user_id, group_id } = userGroupMembers
  return [
    db.delete(userGroupMembers).where(and(eq(user_id, userId), notInArray(group_id, listed(groupIds)))),
    addMemberships(db, userId, groupIds, null),
  ]
}

/** What an external provider gives; a membership that exists stays as it is. Unknown groups fail the batch. */
export const grantGroups = (db: Database, userId: string, groupIds: string[], providerId: string): Statement =>
  addMemberships(db, userId, groupIds, providerId)

/** Only memberships that this provider gave. */
export function withdrawGroups(db: Database, userId: string, groupIds: string[], providerId: string): Statement {
  const { user_id, group_id, granted_by } = userGroupMembers
  return db
    .delete(userGroupMembers)
    .where(and(eq(user_id, userId), eq(granted_by, providerId), inArray(group_id, listed(groupIds))))
}

const listed = (values: string[]): SQL => sql`(select value from json_each(${JSON.stringify(values)}))`

function addMemberships(db: Database, userId: string, groupIds: string[], grantedBy: string | null): Statement {
  // Without the condition SQLite reads ON as part of a join.
  const rows = sql`select ${userId}, value, ${grantedBy} from json_each(${JSON.stringify(groupIds)}) where true`
  return db.insert(userGroupMembers).select(rows).onConflictDoNothing()
}

/** Removes the user and remembers the subject identifier. Fails the whole batch when the stored row is of another version. */
export function deleteUser(db: Database, row: UserRow, now: number): Statement[] {
  return [
    updateUser(db, { ...row, version: row.version + 1 }, row.version),
    db
      .insert(deletedSubjects)
      .values({ sub: row.sub, user_id: row.user_id, subject_ref: row.subject_ref, deleted_at: now }),
    db.delete(users).where(eq(users.user_id, row.user_id)),
  ]
}
