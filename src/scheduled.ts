// What the cron of wrangler.toml does: catches up where an alarm was lost, and keeps the log of configuration changes short.
import { settingsOf } from './settings.ts'
import { dropOldChanges } from './storage/configuration.ts'

const week = 7 * 24 * 3_600_000

export async function tidyUp(env: Env, now: number): Promise<void> {
  const ring = env.KEY_RING.get(env.KEY_RING.idFromName(settingsOf(env).issuer))
  await Promise.all([dropOldChanges(env.DB, now - week), ring.advance(now)])
}
