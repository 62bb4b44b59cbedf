// Measures a cold start: the size of the bundle and the CPU time of its first evaluation.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { wranglerArguments } from '../scripts/worker-variables.ts'

/** Bytes of a built Worker after gzip. */
export const gzippedSize = (bundle: string): number => gzipSync(readFileSync(bundle), { level: 9 }).length

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string } }[]
  samples: number[]
  /** Microseconds, one for each sample. */
  timeDeltas: number[]
}

/** Milliseconds of CPU at start-up: the largest value of several runs of `wrangler check startup`. */
export function startupTime(runs: number): number {
  const outfile = path.join(tmpdir(), `startup-${process.pid}.cpuprofile`)
  const times = Array.from({ length: runs }, () => {
    const wrangler = path.resolve('node_modules/wrangler/bin/wrangler.js')
    const args = ['check', 'startup', '--args=--minify', '--outfile', outfile, ...wranglerArguments]
    execFileSync(process.execPath, [wrangler, ...args], { stdio: 'ignore' })
    return activeTime(JSON.parse(readFileSync(outfile, 'utf8')))
  })
  rmSync(outfile)
  return Math.max(...times)
}

function activeTime({ nodes, samples, timeDeltas }: CpuProfile): number {
  const idle = new Set(nodes.filter((node) => node.callFrame.functionName === '(idle)').map((node) => node.id))
  return samples.reduce((sum, id, index) => sum + (idle.has(id) ? 0 : (timeDeltas[index] ?? 0)), 0) / 1000
}
