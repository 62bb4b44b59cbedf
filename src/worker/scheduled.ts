// What the cron of wrangler.toml does: catches up where an alarm was lost, keeps logs short, and keeps what is known of
// external providers fresh.
import { reloadDueProviders } from '../brokering/record/reload-providers.ts'
import { resealSecrets } from '../brokering/record/reseal-secrets.ts'
import { defaultSettings } from '../model/settings.ts'
import { settingsOf } from '../request/settings.ts'
import { dropOldChanges } from '../storage/configuration-reads.ts'
import { type Database, openDatabase } from '../storage/database.ts'
import { purgeLoginAttempts } from '../storage/login-attempts.ts'
import { findSettings } from '../storage/settings.ts'

const week = 7 * 24 * 3_600_000

export async function tidyUp(env: Env, now: number): Promise<void> {
  const settings = settingsOf(env)
  const ring = env.KEY_RING.get(env.KEY_RING.idFromName(settings.issuer))
  const db = openDatabase(env.DB)
  const log = {}
  await Promise.all([
    dropOldChanges(env.DB, now - week),
    ring.advance(now),
    dropOldAttempts(db, now),
    reloadDueProviders({ now, settings, hops: 0, log }, db),
    resealSecrets(db, settings, now),
  ])
}

/** Rows for each statement, and statements for each run: what is left is the next one's. */
const [batch, mostBatches] = [1000, 10]

async function dropOldAttempts(db: Database, now: number): Promise<void> {
  const { login_attempts_kept = defaultSettings.login_attempts_kept } = await findSettings(db)
  const before = now - login_attempts_kept * 1000
  for (let run = 0; run < mostBatches; run++) {
    if ((await purgeLoginAttempts(db, before, batch)) < batch) return
  }
}
