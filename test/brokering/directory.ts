// Sets up and reads the directory for tests of provisioning.
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { type ResolvedUser, resolveUser } from '../../src/brokering/provisioning/provision-user.ts'
import type { ExternalProvider, UpstreamLogin } from '../../src/model/external-provider.ts'
import { BrokeringError } from '../../src/model/login-attempt.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { newUser } from '../../src/storage/new-user.ts'
import {
  auditEvents,
  externalIdentities,
  tenants,
  userGroupMembers,
  userGroups,
  users,
} from '../../src/storage/schema.ts'
import type { UserRow } from '../../src/storage/users.ts'
import { aContext, noon, type TestContext } from '../context.ts'

export const db = openDatabase(env.DB)

/** Deletes everything, then creates the tenants `north` and `south`, the groups `staff` and `admins` without a tenant, and `northern` in `north`. */
export async function emptyDirectory(): Promise<void> {
  const tables = 'users deleted_subjects user_groups tenants identity_providers audit_events config_changes'
  await env.DB.batch(tables.split(' ').map((table) => env.DB.prepare(`delete from ${table}`)))
  await db.insert(tenants).values([
    { tenant_id: 'north', name: 'North' },
    { tenant_id: 'south', name: 'South' },
  ])
  await db.insert(userGroups).values([
    { group_id: 'staff', name: 'Staff', tenant_id: null },
    { group_id: 'admins', name: 'Admins', tenant_id: null },
    { group_id: 'northern', name: 'Northern', tenant_id: 'north' },
  ])
}

/** Stores a user as an administrator would have created it an hour ago. */
export async function storeUser(userId: string, overrides: Partial<UserRow> = {}): Promise<void> {
  const fresh = newUser(userId, userId, `ref-of-${userId}`, noon - 3_600_000)
  await db.insert(users).values({ ...fresh, ...overrides })
}

/** An upstream login from `https://idp.test`; its claims are `sub`, `iss` and those given. */
export function aLogin(
  subject: string,
  claims: Record<string, unknown> = {},
  issuer = 'https://idp.test',
): UpstreamLogin {
  return { issuer, subject, claims: { iss: issuer, sub: subject, ...claims } }
}

export const signIn = (
  provider: ExternalProvider,
  login: UpstreamLogin,
  context: TestContext = aContext(),
): Promise<ResolvedUser> => resolveUser(context, provider, login)

/** Returns the BrokeringError of a sign-in. Throws if the sign-in succeeds. */
export async function refusalOf(attempt: Promise<unknown>): Promise<BrokeringError> {
  const error = await attempt.then(
    () => new Error('the sign-in succeeded'),
    (reason: unknown) => reason,
  )
  if (error instanceof BrokeringError) return error
  throw error
}

export async function userOf(userId: string): Promise<UserRow> {
  const [row] = await db.select().from(users).where(eq(users.user_id, userId))
  if (!row) throw new Error(`no user ${userId}`)
  return row
}

export const userIds = async (): Promise<string[]> =>
  (await db.select({ id: users.user_id }).from(users)).map((row) => row.id).sort()

/** All links: `provider:subject` → user_id. */
export async function links(): Promise<Record<string, string>> {
  const rows = await db.select().from(externalIdentities)
  return Object.fromEntries(rows.map((row) => [`${row.provider_id}:${row.subject}`, row.user_id]))
}

/** The user's groups: group_id → id of the provider that granted it, or `null`. */
export async function groupsOf(userId: string): Promise<Record<string, string | null>> {
  const rows = await db.select().from(userGroupMembers).where(eq(userGroupMembers.user_id, userId))
  return Object.fromEntries(rows.map((row) => [row.group_id, row.granted_by]))
}

export const audit = async (): Promise<string[]> =>
  (await db.select().from(auditEvents)).map(({ actor, action, target }) => `${actor} ${action} ${target}`)
