// The variables of a Worker in suites, benches and demos: what they are given there, and nothing that an operator has set on this machine.
import { devNull } from 'node:os'
import { vaultVariables } from '../src/request/vault-settings.ts'

/** Every variable that the Worker reads; test/request/variables.test.ts compares this list with what settings are parsed from. */
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

/** Those not given are empty, whatever .dev.vars, .env, wrangler.toml and the shell say. */
export const exactly = (given: Record<string, string>): Record<string, string> => ({
  ...Object.fromEntries(workerVariables.map((name) => [name, ''])),
  ...given,
})

/** Arguments by which wrangler reads no .env, no environment of wrangler.toml and no configuration that .wrangler names instead. */
export const wranglerArguments = ['--config', 'wrangler.toml', '--env=', '--env-file', devNull]
