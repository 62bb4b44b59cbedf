// Routes and schema of the issuer's settings. A setting that is not set has its default.
import * as z from 'zod/mini'
import { signingAlgorithms } from '../../crypto/signing-algorithms.ts'
import { defaultSettings, type ProviderSettings } from '../../model/settings.ts'
import type { SettingValues } from '../../model/settings-rules.ts'
import { read } from '../../request/commit.ts'
import { findSettings } from '../../storage/settings.ts'
import { type AdminRoute, ok, route } from '../admin-route.ts'
import { changeSettings } from '../change-settings.ts'
import { identifier, line, seconds, set } from '../fields.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day
const whole = seconds

const fields = {
  token_profile: z.enum(['rfc9068', 'identityserver']),
  kid_form: z.enum(['thumbprint-alg', 'thumbprint', 'rfc7638']),
  signing_algs: z.array(z.enum(signingAlgorithms)).check(z.minLength(1), z.maxLength(signingAlgorithms.length)),
  rsa_key_bits: z.literal([2048, 3072, 4096]),
  id_token_signing_alg: z.enum(signingAlgorithms),
  access_token_signing_alg: z.enum(signingAlgorithms),
  default_audience: set(identifier(255), 20),
  code_lifetime: seconds(10, 10 * minute),
  interaction_lifetime: seconds(5 * minute, day),
  access_token_lifetime: seconds(minute, day),
  id_token_lifetime: seconds(minute, day),
  refresh_token_sliding_lifetime: seconds(minute, year),
  refresh_token_absolute_lifetime: seconds(minute, 5 * year),
  session_idle_lifetime: seconds(minute, 90 * day),
  session_remembered_idle_lifetime: seconds(minute, 90 * day),
  session_absolute_lifetime: seconds(minute, year),
  jwks_max_age: seconds(0, day),
  discovery_max_age: seconds(0, day),
  key_announce_period: seconds(0, 30 * day),
  // An isolate may be ten seconds behind even while D1 works.
  serve_stale_for: seconds(15, hour),
  clock_skew: seconds(0, 5 * minute),
  guesses_per_name: whole(3, 100),
  guess_window: seconds(minute, day),
  guesses_per_address: whole(10, 10_000),
  max_sessions: whole(1, 1000),
  max_families: whole(1, 100),
  allow_local_accounts: z.boolean(),
  introspect_foreign_tokens: z.boolean(),
  login_attempts_kept: seconds(hour, 2 * year),
  default_locale: z.enum(['en', 'nl', 'de']),
  display_name: line(100),
} satisfies Record<keyof ProviderSettings, z.ZodMiniType>

type Name = keyof typeof fields
const names = Object.keys(fields) as Name[]

/** `null` resets a setting to its default. */
export const settingsBody = z.strictObject(
  Object.fromEntries(names.map((name) => [name, z.optional(z.nullable(fields[name] as z.ZodMiniType))])),
)

export const settingValues = z.object(fields)
const answer = z.object({ values: settingValues, defaults: settingValues, set: z.array(z.string()) })

export const settingRoutes: AdminRoute[] = [
  route({
    method: 'GET',
    path: 'settings',
    summary: 'Read the settings, their defaults, and which of them are set',
    answer,
    async handle(context) {
      return ok(shown(await read(context, findSettings)))
    },
  }),
  route({
    method: 'PATCH',
    path: 'settings',
    summary: 'Change settings',
    description:
      'Fields that are left out keep their value; null takes one back to its default. Durations are seconds.',
    body: settingsBody,
    answer,
    async handle(context, call) {
      return ok(shown(await changeSettings(context, call.body)))
    },
  }),
]

const shown = (stored: SettingValues) => ({
  values: { ...defaultSettings, ...stored },
  defaults: defaultSettings,
  set: Object.keys(stored).sort(),
})
