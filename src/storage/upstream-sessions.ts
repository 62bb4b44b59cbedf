// Whose sessions a provider's back-channel logout may mean. The sessions themselves are the Subjects'.
import { and, eq, inArray } from 'drizzle-orm'
import type { Database } from './database.ts'
import { externalIdentities, loginAttempts, users } from './schema.ts'

export interface UpstreamAccount {
  provider_id: string
  issuer: string
  /** Null: the provider named only its session. */
  subject: string | null
  sid: string | null
}

/** One provider's session belongs to one person; more than a few is nonsense. */
const most = 20

/** Addresses of Subjects: of the linked user, else of who was last seen to sign in with that session. */
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
