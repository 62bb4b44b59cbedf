// npm start: runs a provider on this machine. Generates secrets, applies migrations, serves, seeds the demo data once, and prints how to use it.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { isLoopbackHost } from '../src/protocol/authorization-request/redirect-uri.ts'
import { pronounceable, randomSecret, readDevVars, root, sealingSecrets, writeDevVars } from './dev-vars.ts'
import { findOperator, Refusal, run } from './operator.ts'
import { defaultPort, isTaken, portOf, stateFolder } from './place.ts'
import { applySeed } from './seed.ts'

type Wrangler = ChildProcessByStdio<null, Readable, Readable>

interface Server {
  child: Wrangler
  /** Lines printed before the log is shown. */
  early: string[]
  showLog(): void
}

interface Place {
  issuer: string
  port: number
  /** Address at which this machine reaches the provider. */
  address: string
  /** A remark below the printed addresses. */
  note: string | undefined
}

const patienceMilliseconds = 90_000
const wrangler = path.join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')

/** wrangler's own messages. Everything else is shown: the Worker's log lines are JSON, and any other line may report a fault. */
const chatter = /^\[wrangler:info\]|^⎔|^\s*$/

await run(async () => {
  const { issuer, port, address, note } = choosePlace()
  const state = stateFolder(port)
  await refuseTakenPort(port)
  writeDevVars({ AUTHORITY_URL: issuer })
  prepareSecrets(state)
  await migrate(state)

  const server = serve(port, state)
  const end = endTogether(server)
  try {
    await untilHealthy(address, server)
    await seedOnce(state, address)
    console.log(block(issuer, note))
    server.showLog()
  } catch (error) {
    end()
    throw error
  }
})

/** A loopback issuer contains the port and is stored in .dev.vars. Any other issuer (a tunnel) stays as it is. */
function choosePlace(): Place {
  const wanted = process.env.PORT
  if (wanted !== undefined && !(/^[1-9]\d{1,4}$/.test(wanted) && Number(wanted) <= 65535)) {
    throw new Refusal(`PORT=${wanted} is not a port number`)
  }
  const known = readDevVars().AUTHORITY_URL
  const url = URL.parse(known || `http://localhost:${defaultPort}`)
  if (!url) throw new Refusal(`AUTHORITY_URL in .dev.vars is not a URL: ${known}`)
  const before = portOf(known)
  const port = wanted === undefined ? before : Number(wanted)
  if (isLoopbackHost(url.hostname)) url.port = String(port)
  const issuer = url.href.replace(/\/$/, '')
  // The provider redirects other loopback names to the issuer's, and fetch drops the operator token on such a redirect.
  const address = isLoopbackHost(url.hostname) ? issuer : `http://127.0.0.1:${port}${url.pathname.replace(/\/$/, '')}`
  const note =
    known && issuer !== known
      ? `The port is part of the issuer, so this is a different provider from ${known}, with its own data. PORT=${before} npm start returns to that one.`
      : undefined
  return { issuer, port, address, note }
}

async function refuseTakenPort(port: number): Promise<void> {
  if (!(await isTaken(port))) return
  const other = port + 1
  throw new Refusal(
    `Port ${port} is in use: stop the program that listens there (another npm start?), or use another port:\n\n  PORT=${other} npm start\n\n` +
      `The port is part of the issuer, http://localhost:${other}: clients must be configured with it, and it has its own data.`,
  )
}

/** Generates missing secrets. Throws a Refusal if the missing ones sealed existing data: new ones could not open it. */
function prepareSecrets(state: string): void {
  const known = readDevVars()
  const gone = sealingSecrets.filter((name) => !known[name])
  if (gone.length > 0 && existsSync(path.join(state, 'v3', 'd1'))) {
    throw new Refusal(
      `There is data in ${path.relative(root, state)}, but .dev.vars no longer holds ${gone.join(', ')}. Without them its keys, passwords and ` +
        'sessions are lost.\n\n  Restore .dev.vars, or\n  npm run reset     removes the data; npm start then creates new data',
    )
  }
  const wanted: Record<string, string> = {
    ...Object.fromEntries(
      [...sealingSecrets, 'OPERATOR_TOKEN', 'DEMO_CLIENT_SECRET'].map((name) => [name, randomSecret()]),
    ),
    DEMO_PASSWORD: pronounceable(),
    PLAYGROUND: 'on',
  }
  // An empty value is kept: the developer has switched that feature off.
  const missing = Object.entries(wanted).filter(([name]) => known[name] === undefined || gone.includes(name))
  if (missing.length > 0) writeDevVars(Object.fromEntries(missing))
}

/** Starts wrangler without a terminal and without requests of its own. Variables of the shell do not override .dev.vars. */
function startWrangler(args: string[]): Wrangler {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    CI: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
  }
  for (const name of [...sealingSecrets, 'OPERATOR_TOKEN', 'AUTHORITY_URL', 'PLAYGROUND']) delete env[name]
  return spawn(process.execPath, [wrangler, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** wrangler takes seconds to find that nothing is pending, so a file beside the data lists the applied migrations. */
async function migrate(state: string): Promise<void> {
  const marker = path.join(state, 'migrated')
  const migrations = readdirSync(path.join(root, 'migrations')).sort().join('\n')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === migrations) return
  mkdirSync(state, { recursive: true })
  const child = startWrangler(['d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state])
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Refusal(`The migrations failed:\n${Buffer.concat(output)}`)
  writeFileSync(marker, migrations)
}

function serve(port: number, state: string): Server {
  const args = ['dev', '--ip', '127.0.0.1', '--port', String(port), '--persist-to', state]
  const child = startWrangler([...args, '--show-interactive-dev-session=false', '--inspector-port', '0'])
  const early: string[] = []
  let isShown = false
  for (const [stream, out] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    createInterface({ input: stream }).on('line', (line) => {
      if (!isShown) early.push(line)
      else if (!chatter.test(line)) out.write(`${line}\n`)
    })
  }
  return {
    child,
    early,
    showLog() {
      isShown = true
      early.length = 0
    },
  }
}

/** Ends this process and wrangler together. Ctrl-C reaches both; other signals are passed on to wrangler. */
function endTogether({ child, early }: Server): () => void {
  let isEnding = false
  const end = () => {
    if (isEnding) return
    isEnding = true
    child.kill('SIGINT')
    wait(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  // npm passes a signal only to the shell between npm and this process. The shell then ends, and this process gets another parent.
  const parent = process.ppid
  if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && end(), 500).unref()
  process.once('exit', () => child.kill())
  child.once('close', (code) => {
    if (isEnding) process.exit(process.exitCode ?? 0)
    console.error(`The server stopped${early.length > 0 ? `:\n${early.join('\n')}` : '.'}`)
    process.exit(code || 1)
  })
  return end
}

/** Throws a Refusal if the provider reports faults of its settings, or does not respond in time. */
async function untilHealthy(address: string, { early }: Server): Promise<void> {
  const start = Date.now()
  while (Date.now() - start < patienceMilliseconds) {
    const response = await fetch(`${address}/health`).catch(() => undefined)
    const body = (await response?.json().catch(() => undefined)) as { faults?: string[] } | undefined
    if (body?.faults) throw new Refusal(`The provider is not configured (.dev.vars):\n  ${body.faults.join('\n  ')}`)
    if (response?.ok) return
    await wait(150)
  }
  throw new Refusal(
    `The server did not respond within ${patienceMilliseconds / 1000} s:\n${early.slice(-30).join('\n')}`,
  )
}

/** Seeds each data folder once, so that later changes and deletions are kept. */
async function seedOnce(state: string, address: string): Promise<void> {
  const marker = path.join(state, 'seeded')
  if (existsSync(marker) || !readDevVars().OPERATOR_TOKEN) return
  const operator = findOperator(undefined, address)
  const { status } = await operator.request('GET', 'clients/demo-service')
  if (status === 404) {
    // The printed password comes from .dev.vars, so variables of the shell must not override it.
    const variables = { ...process.env, ...readDevVars() }
    await applySeed(path.join(root, 'seeds', 'demo.json'), variables, operator, () => {})
  }
  writeFileSync(marker, `${new Date().toISOString()}\n`)
}

function block(issuer: string, note: string | undefined): string {
  const { DEMO_PASSWORD, DEMO_CLIENT_SECRET } = readDevVars()
  const fragment = new URLSearchParams({ client_id: 'demo-service', client_secret: DEMO_CLIENT_SECRET ?? '' })
  const lines = [
    ['Issuer', issuer],
    ['Playground', `${issuer}/playground/#${fragment}`],
    ['Sign in as', `demo   with password   ${DEMO_PASSWORD}`],
    [
      'A token',
      `curl -s -u demo-service:${DEMO_CLIENT_SECRET} -d grant_type=client_credentials -d scope=full_api_access ${issuer}/connect/token`,
    ],
  ] as const
  const text = lines.map(([name, value]) => `  ${name.padEnd(11)} ${value}`).join('\n')
  return `\n${text}\n\n  Ctrl-C stops it. The log follows.${note ? `\n  ${note}` : ''}\n`
}
