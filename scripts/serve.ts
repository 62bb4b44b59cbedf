// Serves the built Worker directly in workerd, as in production: without a development proxy, with D1 and Durable Objects on disk.
// `node scripts/serve.ts '{"port":8788}'` serves until a signal ends it; the options are ServeOptions of server.ts.

import './clean-environment.ts'

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { randomSecret } from './dev-vars.ts'
import { freePort } from './place.ts'
import type { Secrets, ServeOptions, Started } from './server.ts'
import { exactly, wranglerArguments } from './worker-variables.ts'
import { workerdOf } from './workerd-process.ts'

process.chdir(path.join(import.meta.dirname, '..'))
// wrangler must not prompt.
process.env.CI = 'true'

const options: ServeOptions = JSON.parse(process.argv[2] ?? '{}')
const state = path.resolve(options.state ?? mkdtempSync(path.join(tmpdir(), 'countersign-')))
const port = options.port || (await freePort())
const issuer = options.issuer ?? `http://127.0.0.1:${port}${options.path ?? ''}`

if (!existsSync(path.join(state, 'v3'))) cpSync(migratedState(), state, { recursive: true })
const secrets = secretsOf(state)
// wrangler warns about declared secrets that are neither in a file nor in the environment.
Object.assign(process.env, secrets)
const build = builtWorker()
const { workerOptions } = unstable_getMiniflareWorkerOptions('wrangler.toml')
// Miniflare puts a router in front of a Worker with static assets, and that router takes more CPU than the Worker. Only the playground
// needs assets.
if (options.vars?.PLAYGROUND !== 'on') delete workerOptions.assets
for (const limiter of Object.values(workerOptions.ratelimits ?? {})) Object.assign(limiter.simple, options.rateLimit)

const server = new Miniflare(
  convertV4MiniflareOptions({
    ...workerOptions,
    name: 'countersign',
    modules: [{ type: 'ESModule', path: path.join(build, 'index.js') }],
    modulesRoot: build,
    // These replace the variables of wrangler.toml and .dev.vars, which may hold the developer's own settings.
    bindings: exactly({ ...secrets, AUTHORITY_URL: issuer, REQUEST_LOG: 'off', ...options.vars }),
    cf: false,
    host: '127.0.0.1',
    port: 0,
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
    resourcePersistencePath: path.join(state, 'v3'),
    handleStructuredLogs: ({ message }) => console.log(message),
    ...(options.inspectorPort ? { inspectorPort: options.inspectorPort } : {}),
  }),
)
await server.ready
const started: Started = { issuer, port, state, secrets, pid: workerdOf(process.pid) }
if (process.send) process.send(started)
else console.log(`${issuer} (state in ${state})`)

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.dispose().finally(() => process.exit()))
// End together with the parent process.
process.once('disconnect', () => server.dispose().finally(() => process.exit()))

/** Secrets are stored beside the data they seal, so that a restart on the same folder can open it. */
function secretsOf(folder: string): Secrets {
  const file = path.join(folder, 'secrets.json')
  const kept: Partial<Secrets> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const generated = {
    SEAL_KEY: randomSecret(),
    WRAP_KEY: randomSecret(),
    PEPPER: randomSecret(),
    OPERATOR_TOKEN: randomSecret(),
  }
  const secrets = { ...generated, ...kept, ...options.secrets }
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}

function builtWorker(): string {
  return cached('served', ['src', 'wrangler.toml', 'tsconfig.json', 'package-lock.json'], (folder) => {
    wrangler('deploy', '--dry-run', '--minify', '--outdir', folder)
  })
}

/** A state folder with an empty, migrated database; made once for each set of migrations. */
function migratedState(): string {
  return cached('state', ['migrations', 'wrangler.toml', 'package-lock.json'], (folder) => {
    wrangler('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', folder)
  })
}

function wrangler(...args: string[]): void {
  const [command, script] = [process.execPath, path.resolve('node_modules/wrangler/bin/wrangler.js')]
  execFileSync(command, [script, ...args, ...wranglerArguments], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** dist/<name>/<hash of the inputs>. Built under another name, then renamed, so that servers starting together never see a partial folder. */
function cached(name: string, inputs: string[], make: (folder: string) => void): string {
  const hash = createHash('sha256').update(make.toString())
  for (const file of inputs.flatMap(filesOf)) hash.update(file).update(readFileSync(file))
  const root = path.resolve('dist', name)
  const folder = path.join(root, hash.digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder

  mkdirSync(root, { recursive: true })
  const aside = mkdtempSync(path.join(root, 'making-'))
  make(aside)
  try {
    renameSync(aside, folder)
  } catch {
    rmSync(aside, { recursive: true })
  }
  const hourAgo = Date.now() - 3_600_000
  for (const old of readdirSync(root).map((each) => path.join(root, each))) {
    if (old !== folder && statSync(old).mtimeMs < hourAgo) rmSync(old, { recursive: true, force: true })
  }
  return folder
}

function filesOf(entry: string): string[] {
  if (!statSync(entry).isDirectory()) return [entry]
  return readdirSync(entry, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => path.join(each.parentPath, each.name))
    .sort()
}
