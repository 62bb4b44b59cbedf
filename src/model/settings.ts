// The settings of the issuer and their defaults. They are changed live. Durations are in seconds.
import type { SigningAlgorithm } from '../crypto/signing-algorithms.ts'

export interface ProviderSettings {
  /** `rfc9068`: scope string; `identityserver`: scope array and `aud` = issuer/resources. */
  token_profile: 'rfc9068' | 'identityserver'
  /** `thumbprint-alg`: upper-case hex SHA-1 of the certificate followed by the alg, as IdentityServer does. */
  kid_form: 'thumbprint-alg' | 'thumbprint' | 'rfc7638'
  /** Algorithms the ring holds a key for. RS256 is always one of them (OIDC Core §15.1). */
  signing_algs: SigningAlgorithm[]
  rsa_key_bits: 2048 | 3072 | 4096
  id_token_signing_alg: SigningAlgorithm
  access_token_signing_alg: SigningAlgorithm
  /** Audience of access tokens for which no resource is registered; empty: the profile's own. */
  default_audience: string[]
  code_lifetime: number
  interaction_lifetime: number
  access_token_lifetime: number
  id_token_lifetime: number
  refresh_token_sliding_lifetime: number
  refresh_token_absolute_lifetime: number
  session_idle_lifetime: number
  session_remembered_idle_lifetime: number
  session_absolute_lifetime: number
  jwks_max_age: number
  discovery_max_age: number
  /** How long a new key is published before it signs; never below jwks_max_age. */
  key_announce_period: number
  /** How long an isolate uses the configuration it knows while D1 does not answer. A new key is announced for at least as long. */
  serve_stale_for: number
  clock_skew: number
  guesses_per_name: number
  guess_window: number
  guesses_per_address: number
  max_sessions: number
  max_families: number
  allow_local_accounts: boolean
  introspect_foreign_tokens: boolean
  /** How long attempts to sign in by an external provider can be looked up. */
  login_attempts_kept: number
  default_locale: 'en' | 'nl' | 'de'
  /** The name of this provider on its pages. */
  display_name: string
}

const hour = 3600
const day = 24 * hour

export const defaultSettings: ProviderSettings = {
  token_profile: 'rfc9068',
  kid_form: 'thumbprint-alg',
  signing_algs: ['RS256'],
  rsa_key_bits: 2048,
  id_token_signing_alg: 'RS256',
  access_token_signing_alg: 'RS256',
  default_audience: [],
  code_lifetime: 60,
  interaction_lifetime: hour,
  access_token_lifetime: hour,
  id_token_lifetime: 600,
  refresh_token_sliding_lifetime: 15 * day,
  refresh_token_absolute_lifetime: 90 * day,
  session_idle_lifetime: 8 * hour,
  session_remembered_idle_lifetime: 14 * day,
  session_absolute_lifetime: 30 * day,
  jwks_max_age: 600,
  discovery_max_age: hour,
  key_announce_period: day,
  serve_stale_for: 300,
  clock_skew: 60,
  guesses_per_name: 10,
  guess_window: 900,
  guesses_per_address: 100,
  max_sessions: 100,
  max_families: 20,
  allow_local_accounts: true,
  introspect_foreign_tokens: false,
  login_attempts_kept: 90 * day,
  default_locale: 'en',
  display_name: 'Countersign',
}
