// Changes the settings. It is here because it needs the rules of external providers and the keys, which no lower folder sees together.

import { localAccountsFault } from '../brokering/record/lockout.ts'
import { refuseFaults } from '../model/refuse-faults.ts'
import { defaultSettings } from '../model/settings.ts'
import {
  mergeSettings,
  type SettingName,
  type SettingsInput,
  type SettingValues,
  settingFaults,
} from '../model/settings-rules.ts'
import { commit, read } from '../request/commit.ts'
import type { RequestContext } from '../request/context.ts'
import { ensureKeys } from '../signing-keys/ensure-keys.ts'
import { deleteSetting, findSettings, saveSetting } from '../storage/settings.ts'

/** Throws a Problem that names every faulty field. */
export async function changeSettings(context: RequestContext, input: SettingsInput): Promise<SettingValues> {
  const stored = await read(context, findSettings)
  const { next, changed } = mergeSettings(stored, input)
  refuseFaults(settingFaults({ ...defaultSettings, ...next }))
  if (changed.includes('allow_local_accounts') && next.allow_local_accounts === false) await refuseLockout(context)
  if (changed.length > 0) await save(context, changed, next)
  return next
}

async function refuseLockout(context: RequestContext): Promise<void> {
  const fault = await localAccountsFault(context)
  if (fault) refuseFaults({ allow_local_accounts: fault })
}

async function save(context: RequestContext, changed: SettingName[], next: SettingValues): Promise<void> {
  await commit(context, {
    action: 'settings.update',
    target: 'settings',
    detail: { fields: changed, values: Object.fromEntries(changed.map((name) => [name, next[name] ?? null])) },
    concerns: [{ kind: 'settings' }],
    statements: (db) =>
      changed.map((name) => (next[name] === undefined ? deleteSetting(db, name) : saveSetting(db, name, next[name]))),
  })
  // A new algorithm needs a key that the ring does not have yet.
  if (changed.includes('signing_algs') && context.configuration.keys.length > 0) await ensureKeys(context)
}
