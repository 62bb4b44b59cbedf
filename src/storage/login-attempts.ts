// The log of sign-ins by external providers.
import type { LoginAttempt } from '../protocol/login-attempt.ts'
import type { Database, Statement } from './database.ts'
import { loginAttempts } from './schema.ts'

export function insertLoginAttempt(db: Database, attempt: LoginAttempt): Statement {
  return db.insert(loginAttempts).values(attempt)
}
