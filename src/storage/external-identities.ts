// The links between accounts at external providers and users, and the one query that a sign-in by an external provider makes to the directory.
import { and, asc, eq, gt, or, type SQL, sql } from 'drizzle-orm'
import type { KnownGroup, Membership } from '../model/group.ts'
import type { Database, Statement } from './database.ts'
import { deletedSubjects, externalIdentities, tenants, userGroups, users } from './schema.ts'
import type { UserRow } from './users.ts'

export type ExternalIdentityRow = typeof externalIdentities.$inferSelect

/** A user with its group memberships, each with the provider that granted it, and with all its linked accounts at external providers. */
export interface DirectoryUser {
  row: UserRow
  groups: Membership[]
  identities: ExternalIdentityRow[]
}

export interface DirectoryQuery {
  provider_id: string
  issuer: string
  subject: string
  /** The query compares these with user ids and with subject identifiers. */
  user_ids: string[]
  login_names: string[]
  /** `null` means that the query does not search by e-mail address. */
  email: string | null
  tenant_ids: string[]
  group_ids: string[]
}

export interface DirectoryResult {
  /** Users who are linked to the account, or who have one of the ids or login names. */
  users: DirectoryUser[]
  /** Users with that e-mail address, at most three. ASCII letters match in either case. */
  byMail: DirectoryUser[]
  /** Those of `user_ids` that are subject identifiers of deleted users. */
  deleted: string[]
  tenants: string[]
  groups: KnownGroup[]
}

const groupsOfUser = sql<string>`(
  select json_group_array(json_object('group_id', g.group_id, 'name', g.name, 'granted_by', m.granted_by))
  from user_group_members m join user_groups g on g.group_id = m.group_id
  where m.user_id = users.user_id)`

const identitiesOfUser = sql<string>`(
  select json_group_array(json_object(
    'provider_id', i.provider_id, 'issuer', i.issuer, 'subject', i.subject, 'user_id', i.user_id, 'created_at', i.created_at))
  from external_identities i where i.user_id = users.user_id)`

const columns = { row: users, groups: groupsOfUser, identities: identitiesOfUser }

const toUser = (found: { row: UserRow; groups: string; identities: string }): DirectoryUser => ({
  row: found.row,
  groups: JSON.parse(found.groups) as Membership[],
  identities: JSON.parse(found.identities) as ExternalIdentityRow[],
})

const listed = (values: string[]): SQL => sql`(select value from json_each(${JSON.stringify(values)}))`

const ofAccount = ({ provider_id, issuer, subject }: Pick<DirectoryQuery, 'provider_id' | 'issuer' | 'subject'>) =>
  and(
    eq(externalIdentities.provider_id, provider_id),
    eq(externalIdentities.issuer, issuer),
    eq(externalIdentities.subject, subject),
  )

export async function queryDirectory(db: Database, question: DirectoryQuery): Promise<DirectoryResult> {
  const { user_ids, login_names, email, tenant_ids, group_ids } = question
  const linked = db.select({ user_id: externalIdentities.user_id }).from(externalIdentities).where(ofAccount(question))
  const concerned = or(
    sql`${users.user_id} = (${linked})`,
    sql`${users.user_id} in ${listed(user_ids)}`,
    sql`${users.sub} in ${listed(user_ids)}`,
    sql`${users.login_name} in ${listed(login_names)}`,
  )
  const hasMail = sql`lower(${users.email}) = lower(${email})`
  const [found, byMail, deleted, knownTenants, groups] = await db.batch([
    db.select(columns).from(users).where(concerned),
    db.select(columns).from(users).where(hasMail).limit(3),
    db
      .select({ sub: deletedSubjects.sub })
      .from(deletedSubjects)
      .where(sql`sub in ${listed(user_ids)}`),
    db
      .select({ tenant_id: tenants.tenant_id })
      .from(tenants)
      .where(sql`tenant_id in ${listed(tenant_ids)}`),
    db
      .select()
      .from(userGroups)
      .where(sql`group_id in ${listed(group_ids)}`),
  ])
  return {
    users: found.map(toUser),
    byMail: byMail.map(toUser),
    deleted: deleted.map((row) => row.sub),
    tenants: knownTenants.map((row) => row.tenant_id),
    groups,
  }
}

/** Fails the batch if the account is already linked to a user, or if the user already has an account at that provider. */
export function insertExternalIdentity(db: Database, row: ExternalIdentityRow): Statement {
  return db.insert(externalIdentities).values(row)
}

export async function findExternalIdentity(
  db: Database,
  account: Pick<ExternalIdentityRow, 'provider_id' | 'issuer' | 'subject'>,
): Promise<ExternalIdentityRow | undefined> {
  const [row] = await db.select().from(externalIdentities).where(ofAccount(account))
  return row
}

/** Sorted by provider_id. */
export function listIdentitiesOfUser(db: Database, userId: string): Promise<ExternalIdentityRow[]> {
  return db
    .select()
    .from(externalIdentities)
    .where(eq(externalIdentities.user_id, userId))
    .orderBy(asc(externalIdentities.provider_id))
}

/** Returns the links after user_id `after`, sorted by user_id, which is unique here because a user has at most one account at a provider. */
export function listIdentitiesOfProvider(
  db: Database,
  providerId: string,
  after: string,
  limit: number,
): Promise<ExternalIdentityRow[]> {
  return db
    .select()
    .from(externalIdentities)
    .where(and(eq(externalIdentities.provider_id, providerId), gt(externalIdentities.user_id, after)))
    .orderBy(asc(externalIdentities.user_id))
    .limit(limit)
}

/** Afterwards, the person's next sign-in by that external provider counts as a first sign-in again. */
export function deleteExternalIdentity(db: Database, providerId: string, userId: string): Statement {
  return db
    .delete(externalIdentities)
    .where(and(eq(externalIdentities.provider_id, providerId), eq(externalIdentities.user_id, userId)))
}
