// The directory as a test of provisioning finds and leaves it.
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

/** Tenants `north` and `south`; groups `staff` and `admins` of any tenant, `northern` of the first. */
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

/** As an operator creates one, an hour ago. */
export async function storeUser(userId: string, overrides: Partial<UserRow> = {}): Promise<void> {
  const fresh = newUser(userId, userId, `ref-of-${userId}`, noon - 3_600_000)
  await db.insert(users).values({ ...fresh, ...overrides })
}

/** Of `https://idp.test`; `claims` has sub and iss besides those given. */
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

/** Fails when the sign-in succeeds. */
export async function refusalOf(arrival: Promise<unknown>): Promise<BrokeringError> {
  const error = await arrival.then(
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

/** `provider:subject` → user_id. */
export async function links(): Promise<Record<string, string>> {
  const rows = await db.select().from(externalIdentities)
  return Object.fromEntries(rows.map((row) => [`${row.provider_id}:${row.subject}`, row.user_id]))
}

/** group_id → who granted it. */
export async function groupsOf(userId: string): Promise<Record<string, string | null>> {
  const rows = await db.select().from(userGroupMembers).where(eq(userGroupMembers.user_id, userId))
  return Object.fromEntries(rows.map((row) => [row.group_id, row.granted_by]))
}

export const audit = async (): Promise<string[]> =>
  (await db.select().from(auditEvents)).map(({ actor, action, target }) => `${actor} ${action} ${target}`)
