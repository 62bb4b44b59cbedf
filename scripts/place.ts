// Ports and data folders of local providers. The port is part of the issuer.
import { createServer } from 'node:net'
import path from 'node:path'
import { root } from './dev-vars.ts'

export const defaultPort = 8787

export function portOf(issuer: string | undefined): number {
  const url = issuer ? URL.parse(issuer) : null
  return url?.port ? Number(url.port) : defaultPort
}

/** One data folder per port: another port is another issuer, which cannot open what the first one sealed. */
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
