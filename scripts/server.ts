// Starts scripts/serve.ts in a separate process that tests and benchmarks can kill at any moment.
import { fork } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'

export interface ServeOptions {
  /** Folder of D1 and the Durable Objects; it is kept. By default a new folder is used, which `stop` removes. */
  state?: string
  /** Default: a free port. A restart on a kept state folder needs the same port, because sealed values are bound to the issuer. */
  port?: number
  /** Path of the issuer: '' or '/like/this'. */
  path?: string
  /** The issuer, if it differs from the address the server listens on. */
  issuer?: string
  /** Missing ones are read from the state folder or generated. */
  secrets?: Partial<Secrets>
  /** Variables of the Worker. Others are empty, except REQUEST_LOG, which is off by default. */
  vars?: Record<string, string>
  /** Applied to every rate limit binding. */
  rateLimit?: { limit: number; period: 10 | 60 }
  /** Opens workerd's inspector on this port, for profiling. */
  inspectorPort?: number
}

export interface Secrets {
  SEAL_KEY: string
  WRAP_KEY: string
  PEPPER: string
  OPERATOR_TOKEN: string
}

export interface Server {
  issuer: string
  port: number
  state: string
  secrets: Secrets
  /** Process id of workerd; undefined outside Linux. */
  pid: number | undefined
  /** Every line logged so far. */
  log: string[]
  stop(): Promise<void>
  /** Sends SIGKILL to workerd and its parent process. The state folder stays. */
  kill9(): Promise<void>
}

/** The message that scripts/serve.ts sends once it accepts requests. */
export type Started = Pick<Server, 'issuer' | 'port' | 'state' | 'secrets' | 'pid'>

const here = path.join(import.meta.dirname, '..')

/** Older checkouts have it in JavaScript. */
function serveScript(checkout: string): string {
  const scripts = ['serve.ts', 'serve.mjs'].map((name) => path.join(checkout, 'scripts', name))
  const script = scripts.find((each) => existsSync(each))
  if (!script) throw new Error(`${checkout} is not a checkout of this project: it has no scripts/serve.ts`)
  return script
}

/** Resolves once the server accepts requests. Throws an Error with its output if it does not start. */
export async function serve(options: ServeOptions = {}, checkout = here): Promise<Server> {
  const child = fork(serveScript(checkout), [JSON.stringify(options)], {
    // A process group of its own, so that one signal also reaches workerd.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log: string[] = []
  const keep = (chunk: Buffer) => log.push(...chunk.toString().split('\n').filter(Boolean))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))

  const started = await Promise.race([
    new Promise<Started>((resolve) => child.once('message', resolve as never)),
    ended.then(() => Promise.reject(new Error(`the server did not start:\n${log.join('\n')}`))),
  ])
  return {
    ...started,
    log,
    async stop() {
      child.kill('SIGTERM')
      await ended
      if (!options.state) rmSync(started.state, { recursive: true, force: true })
    },
    async kill9() {
      if (child.pid) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}
