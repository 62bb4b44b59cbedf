// `npm run bench:jwt`: measures the CPU time in workerd of signing and verifying one of our tokens, with our own code and with jose. Takes a
// minute and needs Linux (/proc).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { build } from 'vite'
import { cpuTime, workerdOf } from '../../scripts/workerd-process.ts'

const rounds = 12
/** Operations per turn, enough for about 300 ms, because the kernel counts CPU time in steps of 10 ms. */
const counts: Record<string, number> = {
  'RS256 sign': 500,
  'RS256 verify': 12_000,
  'ES256 sign': 12_000,
  'ES256 verify': 5000,
}
const makers: Record<string, string[]> = { sign: ['ours', 'jose'], verify: ['ours', 'jose', 'foreign'] }

const folder = mkdtempSync(path.join(tmpdir(), 'bench-jwt-'))
await build({
  logLevel: 'error',
  configFile: false,
  build: {
    outDir: folder,
    target: 'es2024',
    lib: { entry: path.join(import.meta.dirname, 'worker.ts'), formats: ['es'], fileName: () => 'worker.mjs' },
  },
})
const configuration = readFileSync(path.join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
const server = new Miniflare(
  convertV4MiniflareOptions({
    cf: false,
    compatibilityDate: /^compatibility_date = "(.*)"/m.exec(configuration)?.[1] ?? '',
    modules: [{ type: 'ESModule', path: path.join(folder, 'worker.mjs') }],
    modulesRoot: folder,
  }),
)
await server.ready
const pid = workerdOf(process.pid)
if (!pid) throw new Error('no workerd among the child processes: the benchmark needs /proc')

/** Microseconds of CPU per operation. */
async function measure(alg: string, operation: string, count: number): Promise<number> {
  const before = cpuTime(pid ?? 0)
  const response = await server.dispatchFetch(
    `http://bench.test/?${new URLSearchParams({ alg, operation, count: String(count) })}`,
  )
  if (!response.ok) throw new Error(await response.text())
  return ((cpuTime(pid ?? 0) - before) * 1000) / count
}

const turns = Object.entries(counts).flatMap(([name, count]) => {
  const [alg = '', verb = ''] = name.split(' ')
  return (makers[verb] ?? []).map((maker) => ({ alg, verb, maker, count, samples: [] as number[] }))
})
for (const { alg, verb, maker, count } of turns) await measure(alg, `${verb} ${maker}`, count)
for (let round = 0; round < rounds; round += 1) {
  // Alternately forwards and backwards, so that other load on the machine affects all alike.
  for (const turn of round % 2 ? turns.toReversed() : turns) {
    turn.samples.push(await measure(turn.alg, `${turn.verb} ${turn.maker}`, turn.count))
  }
}
await server.dispose()
rmSync(folder, { recursive: true })

/** The lower quartile, because other load on the machine can only add. */
const quartile = (samples: number[]): number =>
  samples.sort((a, b) => a - b)[Math.floor(samples.length / 4)] ?? Number.NaN

console.log(`CPU of workerd per operation (lower quartile of ${rounds} rounds); foreign: our parser, then jose`)
for (const { alg, verb, maker, samples } of turns) {
  const own = turns.find((turn) => turn.alg === alg && turn.verb === verb)
  const ratio = quartile(samples) / quartile(own?.samples ?? [])
  console.log(
    `${`${verb} ${alg}`.padEnd(14)}${maker.padEnd(9)}${quartile(samples).toFixed(1).padStart(8)} µs  ${ratio.toFixed(2)} ×`,
  )
}
