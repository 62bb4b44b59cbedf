// Finds the users whose sessions a back-channel logout of an external provider may end. The Subjects hold the sessions themselves.
import { and, eq, inArray } from 'drizzle-orm'
import type { Database } from './database.ts'
import { externalIdentities, loginAttempts, users } from './schema.ts'

export interface UpstreamAccount {
  provider_id: string
  issuer: string
  /** `null` means that the provider named only its session. */
  subject: string | null
  sid: string | null
}

/** The limit of results. A session at a provider belongs to one person, so more than a few results make no sense. */
const most = 20

/** Returns the addresses of Subjects: of the linked user, or, without a `subject`, of the users who signed in with that session. */
export async function findSubjectRefs(db: Database, account: UpstreamAccount): Promise<string[]> {
  const { provider_id, issuer, subject, sid } = account
  const linked = db
    .select({ user_id: externalIdentities.user_id })
    .from(externalIdentities)
    .where(
      and(
        eq(externalIdentities.provider_id, provider_id),
        eq(externalIdentities.issuer, issuer),
        eq(externalIdentities.subject, subject ?? ''),
      ),
    )
  const seen = db
    .select({ user_id: loginAttempts.user_id })
    .from(loginAttempts)
    .where(
      and(
        eq(loginAttempts.provider_id, provider_id),
        eq(loginAttempts.sid, sid ?? ''),
        eq(loginAttempts.outcome, 'signed_in'),
      ),
    )
  const whom = subject === null ? inArray(users.user_id, seen) : inArray(users.user_id, linked)
  const rows = await db.select({ subject_ref: users.subject_ref }).from(users).where(whom).limit(most)
  return rows.map((row) => row.subject_ref)
}
