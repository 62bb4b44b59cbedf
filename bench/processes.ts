// Starts the processes of a measurement: floor Workers, the peer and the load generator.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { freePort } from '../scripts/place.ts'
import { workerdOf } from '../scripts/workerd-process.ts'
import type { Job, Result } from './load.ts'

const here = import.meta.dirname

export interface Process {
  pid: number
  port: number
  stop(): Promise<void>
}

export interface Generator {
  run(job: Job): Promise<Result>
  stop(): void
}

/** Starts the load generator, which runs one job at a time. */
export function startGenerator(): Generator {
  const child = fork(path.join(here, 'load.ts'), { serialization: 'advanced' })
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const lost = () => reject(new Error('the load generator ended'))
        child.once('exit', lost)
        child.once('message', (result) => {
          child.off('exit', lost)
          resolve(result as Result)
        })
        child.send(job)
      }),
    stop: () => child.kill(),
  }
}

export interface PeerOptions {
  alg: string
  redirectUri: string
  clients: { clientId: string; secret: string }[]
}

export async function startPeer({ alg, redirectUri, clients }: PeerOptions): Promise<Process> {
  const port = await freePort()
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-peer-'))
  const credentials = clients.map(({ clientId, secret }) => `${clientId}:${secret}`)
  const args = [String(port), alg, path.join(folder, 'peer.sqlite'), redirectUri, ...credentials]
  const child = fork(path.join(here, 'peer/oidc-provider.ts'), args, { silent: true })
  const pid = await firstMessage(child)
  return {
    pid,
    port,
    async stop() {
      child.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function firstMessage(child: ChildProcess): Promise<number> {
  let printed = ''
  child.stderr?.on('data', (chunk) => {
    printed += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child.pid ?? 0))
    child.once('exit', () => reject(new Error(`the peer did not start: ${printed}`)))
  })
}

export interface Floor {
  /** File in floors/. */
  module: string
  bindings?: Record<string, string | Record<string, string>>
}

export interface Floors<Name extends string> {
  pid: number
  ports: Record<Name, number>
  stop(): Promise<void>
}

/** Starts every floor as a separate Worker in one workerd. Only one is under load at a time. */
export async function startFloors<Name extends string>(floors: Record<Name, Floor>): Promise<Floors<Name>> {
  const { compatibility_date: compatibilityDate } = readConfiguration()
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-floors-'))
  const names = Object.keys(floors) as Name[]
  const ports = {} as Record<Name, number>
  for (const name of names) ports[name] = await freePort()

  const server = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      host: '127.0.0.1',
      port: 0,
      resourcePersistencePath: folder,
      workers: names.map((name) => ({
        name,
        compatibilityDate,
        modules: [floors[name].module, 'keys.js'].map((file) => ({
          type: 'ESModule' as const,
          path: path.join(here, 'floors', file),
        })),
        modulesRoot: path.join(here, 'floors'),
        bindings: floors[name].bindings ?? {},
        ...(/read|write/.test(floors[name].module)
          ? { durableObjects: { PERSON: { className: 'Person', useSQLite: true } } }
          : {}),
        unsafeDirectSockets: [{ host: '127.0.0.1', port: ports[name] }],
      })),
    }),
  )
  await server.ready
  const pid = workerdOf(process.pid)
  if (!pid) throw new Error('no workerd among the child processes: the benchmark needs /proc')
  return {
    pid,
    ports,
    async stop() {
      await server.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function readConfiguration(): { compatibility_date: string } {
  const text = readFileSync(path.join(here, '../wrangler.toml'), 'utf8')
  return { compatibility_date: /^compatibility_date = "(.*)"/m.exec(text)?.[1] ?? '' }
}
