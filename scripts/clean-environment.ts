// Removes the variables that a developer has set for a provider of their own from the environment. Test suites, benchmarks and demos import
// this module before every other.
import { devNull } from 'node:os'
import { workerVariables } from './worker-variables.ts'

/**
 * Variables that the Worker, its scripts, wrangler, the vendors' SDKs or Keycloak read. Proxy settings are removed too: every address is a
 * loopback address.
 */
const foreign = new RegExp(
  [
    `^(${workerVariables.join('|')}|PORT|NODE_ENV)$`,
    '^(OpenIDServerSigningSettings|KEY_VAULT|AZURE|AWS|IDENTITY|MSI|SIGNING|DEMO|COUNTERSIGN|CLOUDFLARE|CF|WRANGLER|KC)_',
    '_proxy$',
  ].join('|'),
  'i',
)
/** .ci/emulators sets this variable to tell the tests the address of the vault. */
const kept = 'KEY_VAULT_EMULATOR'

for (const name of Object.keys(process.env)) {
  if (foreign.test(name) && name !== kept) delete process.env[name]
}
Object.assign(process.env, {
  // wrangler makes no requests of its own, and does not announce a .dev.vars whose values are overridden anyway.
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_LOG: 'warn',
  // Otherwise the AWS SDKs read ~/.aws and query the metadata service of a virtual machine.
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
})
