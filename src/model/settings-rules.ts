// How settings change, and which of them contradict each other. What is not set has its default.
import { defaultSettings, type ProviderSettings } from './settings.ts'

export type SettingName = keyof ProviderSettings

/** The settings that an operator has set. */
export type SettingValues = Partial<ProviderSettings>

/** A setting that is left out keeps its value; null takes it back to its default. */
export type SettingsInput = { [Name in SettingName]?: ProviderSettings[Name] | null | undefined }

/** `changed`: names of the settings whose values differ. */
export function mergeSettings(
  stored: SettingValues,
  input: SettingsInput,
): { next: SettingValues; changed: SettingName[] } {
  const names = Object.keys(defaultSettings) as SettingName[]
  const changed = names.filter((name) => input[name] !== undefined && !isSame(stored[name], input[name]))
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  const next = Object.entries({ ...stored, ...Object.fromEntries(given) }).filter(([, value]) => value !== null)
  return { next: Object.fromEntries(next) as SettingValues, changed }
}

const isSame = (stored: unknown, given: unknown): boolean =>
  JSON.stringify(stored ?? null) === JSON.stringify(given ?? null)

/** Settings that are each possible, but not together. */
export function settingFaults(settings: ProviderSettings): Record<string, string> {
  const faults: Record<string, string> = {}
  const { signing_algs } = settings
  // OIDC Core §15.1
  if (!signing_algs.includes('RS256')) faults.signing_algs = 'must include RS256'
  for (const name of ['id_token_signing_alg', 'access_token_signing_alg'] as const) {
    if (!signing_algs.includes(settings[name])) faults[name] = 'must be one of signing_algs'
  }
  // A key that signs before every cached JWKS has it makes tokens that are refused (DESIGN §5).
  atMost(faults, settings, 'jwks_max_age', 'key_announce_period')
  atMost(faults, settings, 'refresh_token_sliding_lifetime', 'refresh_token_absolute_lifetime')
  atMost(faults, settings, 'session_idle_lifetime', 'session_absolute_lifetime')
  atMost(faults, settings, 'session_remembered_idle_lifetime', 'session_absolute_lifetime')
  return faults
}

type Duration = { [Key in SettingName]: ProviderSettings[Key] extends number ? Key : never }[SettingName]

function atMost(faults: Record<string, string>, settings: ProviderSettings, less: Duration, more: Duration): void {
  if (settings[less] > settings[more]) faults[less] = `must be at most ${more} (${settings[more]})`
}
