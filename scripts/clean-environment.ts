// Removes from the environment what somebody has set for a provider of their own. Suites, benches and demos import it before everything else.
import { devNull } from 'node:os'
import { workerVariables } from './worker-variables.ts'

/** Read by the Worker, its scripts, wrangler, the vendors' SDKs or Keycloak; and proxies, because every address is a loopback one. */
const foreign = new RegExp(
  [
    `^(${workerVariables.join('|')}|PORT|NODE_ENV)$`,
    '^(OpenIDServerSigningSettings|KEY_VAULT|AZURE|AWS|IDENTITY|MSI|SIGNING|DEMO|COUNTERSIGN|CLOUDFLARE|CF|WRANGLER|KC)_',
    '_proxy$',
  ].join('|'),
  'i',
)
/** By this one .ci/emulators tells the tests where the vault is. */
const kept = 'KEY_VAULT_EMULATOR'

for (const name of Object.keys(process.env)) {
  if (foreign.test(name) && name !== kept) delete process.env[name]
}
Object.assign(process.env, {
  // wrangler asks the network nothing, and does not say that it found a .dev.vars of which nothing arrives.
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_LOG: 'warn',
  // Without these, AWS SDKs read ~/.aws and ask the metadata service of a virtual machine.
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
})
