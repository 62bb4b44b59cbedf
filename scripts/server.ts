// Starts scripts/serve.ts as a process of its own that can be ended in the middle of its work, for tests and measurements.
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'

export interface ServeOptions {
  /** Folder of D1 and the objects. Kept; without it a fresh one is made and removed by `stop`. */
  state?: string
  /** Default: any free one. A restart on kept state wants the same port, for the issuer is part of what is sealed. */
  port?: number
  /** Path of the issuer, '' or '/like/this'. */
  path?: string
  /** When the server stands behind another address than its own. */
  issuer?: string
  /** Those not given are read from the state folder, else generated. */
  secrets?: Partial<Secrets>
  /** Over wrangler.toml's; REQUEST_LOG is off unless it stands here. */
  vars?: Record<string, string>
  /** For every rate limit binding. */
  rateLimit?: { limit: number; period: 10 | 60 }
  /** Opens workerd's inspector for a profile. */
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
  /** Of workerd itself; undefined off Linux. */
  pid: number | undefined
  /** Every line the Worker has logged so far. */
  log: string[]
  stop(): Promise<void>
  /** SIGKILL to workerd and what started it, at once. The state folder stays. */
  kill9(): Promise<void>
}

/** What scripts/serve.ts tells when it answers. */
export type Started = Pick<Server, 'issuer' | 'port' | 'state' | 'secrets' | 'pid'>

/** Resolves when the server answers; throws what it printed when it does not start. */
export async function serve(options: ServeOptions = {}): Promise<Server> {
  const child = fork(path.join(import.meta.dirname, 'serve.ts'), [JSON.stringify(options)], {
    // A group of its own, so that one signal ends workerd too.
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
