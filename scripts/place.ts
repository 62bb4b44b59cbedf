// Where a provider on this machine lives: its port, which is part of its issuer, and the folder of its data.
import { createServer } from 'node:net'
import path from 'node:path'
import { root } from './dev-vars.ts'

export const defaultPort = 8787

export function portOf(issuer: string | undefined): number {
  const url = issuer ? URL.parse(issuer) : null
  return url?.port ? Number(url.port) : defaultPort
}

/** Another port is another issuer, and what one issuer sealed no other can open: each has data of its own. */
export function stateFolder(port: number): string {
  return path.join(root, '.wrangler', port === defaultPort ? 'state' : `state-${port}`)
}

export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(true) : reject(error)))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(false)))
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
