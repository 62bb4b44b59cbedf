// Renews a password hash at sign-in. The password stays the same, so the record's version and the user's sessions do not change.
import { and, eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { users } from './schema.ts'

/** Does nothing if the stored hash is no longer `oldHash`, because the password was then changed meanwhile. */
export async function updatePasswordHash(
  db: Database,
  loginName: string,
  oldHash: string,
  newHash: string,
): Promise<void> {
  await db
    .update(users)
    .set({ password_hash: newHash })
    .where(and(eq(users.login_name, loginName), eq(users.password_hash, oldHash)))
}
