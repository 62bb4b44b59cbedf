// Writes worker-configuration.d.ts, the types of the Worker's bindings. Neither .dev.vars nor the shell's environment changes the result.
// The types of the runtime come from @cloudflare/workers-types.
import './clean-environment.ts'

import { spawnSync } from 'node:child_process'
import { devNull } from 'node:os'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const wrangler = path.join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
// Without `--env=`: with it, wrangler leaves out the secrets.
const argv = [
  wrangler,
  'types',
  '--strict-vars=false',
  '--include-runtime=false',
  '--config',
  'wrangler.toml',
  '--env-file',
  devNull,
]
const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
process.exitCode = status ?? 1
