// A password hash that is renewed at sign-in. The password stays the same, so neither the record's version nor anyone's session changes.
import { and, eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { users } from './schema.ts'

/** Does nothing when the stored hash is no longer `oldHash`: the password was changed meanwhile. */
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
