// The variables of the Worker in tests, benchmarks and demos: only the given ones, never those that a developer has set on this machine.
import { devNull } from 'node:os'
import { vaultVariables } from '../src/request/vault-settings.ts'

/** Every variable that the Worker reads. test/request/variables.test.ts compares this list with the settings' parser. */
export const workerVariables = [
  'AUTHORITY_URL',
  'SEAL_KEY',
  'WRAP_KEY',
  'PEPPER',
  'OPERATOR_TOKEN',
  'PLAYGROUND',
  'REQUEST_LOG',
  ...vaultVariables,
]

/** Sets all other variables to an empty string, which overrides .dev.vars, .env, wrangler.toml and the shell. */
export const exactly = (given: Record<string, string>): Record<string, string> => ({
  ...Object.fromEntries(workerVariables.map((name) => [name, ''])),
  ...given,
})

/** Arguments that keep wrangler from reading .env, an environment in wrangler.toml, or a configuration that .wrangler redirects to. */
export const wranglerArguments = ['--config', 'wrangler.toml', '--env=', '--env-file', devNull]
