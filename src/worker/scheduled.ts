// The cron of wrangler.toml: advances the key ring if an alarm was lost, purges old log rows, reloads the metadata of external providers, and reseals
// their client secrets after a rotation of WRAP_KEY.
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

/** Rows per statement and statements per run. The next run deletes what is left. */
const [batch, mostBatches] = [1000, 10]

async function dropOldAttempts(db: Database, now: number): Promise<void> {
  const { login_attempts_kept = defaultSettings.login_attempts_kept } = await findSettings(db)
  const before = now - login_attempts_kept * 1000
  for (let run = 0; run < mostBatches; run++) {
    if ((await purgeLoginAttempts(db, before, batch)) < batch) return
  }
}
