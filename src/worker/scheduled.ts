// What the cron of wrangler.toml does: catches up where an alarm was lost, keeps logs short, and keeps what is known of
// external providers fresh.
import { reloadDueProviders } from '../brokering/record/reload-providers.ts'
import { resealSecrets } from '../brokering/record/reseal-secrets.ts'
import { defaultSettings } from '../model/settings.ts'
import { deploymentOf } from '../request/deployment.ts'
import { dropOldChanges } from '../storage/configuration-reads.ts'
import { type Database, openDatabase } from '../storage/database.ts'
import { purgeLoginAttempts } from '../storage/login-attempts.ts'
import { findSettings } from '../storage/settings.ts'

const week = 7 * 24 * 3_600_000

export async function runMaintenance(env: Env, now: number): Promise<void> {
  const { issuers } = deploymentOf(env)
  const db = openDatabase(env.DB)
  await Promise.all([
    dropOldChanges(env.DB, now - week),
    dropOldAttempts(db, now),
    ...issuers.flatMap((issuer) => [
      env.KEY_RING.get(env.KEY_RING.idFromName(issuer.url)).advance(now),
      reloadDueProviders({ now, issuer, hops: 0, fault: undefined }, db),
      resealSecrets(db, issuer, now),
    ]),
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
