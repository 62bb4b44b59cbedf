// Prints the figures as one table, then checks them against the limits.
import type { StatementCost } from './directory.ts'
import type { Figures, Plan } from './measure.ts'

interface Results {
  /** Figures by phase name: `server operation alg`. */
  figures: Map<string, Figures>
  statements: { few: StatementCost[]; many: StatementCost[] }
  cold: { bytes: number; startup: number }
  plan: Plan
  size: { people: number; few: number; many: number; startups: number }
}

interface Row {
  name: string
  /** Phases whose costs are added. */
  phases: string[]
  floor?: { name: string; most?: number }
  peer?: { phases: string[]; most?: number }
  /** The same operation beside few records; the two figures may differ by a quarter. */
  baseline?: string[]
}

const limits = { bytes: 150_000, startup: 50, document: 1.3, presented: 1.5, ES256: 2, RS256: 1.25, apart: 1.25 }

/** Prints the report. Returns false if a limit is missed or a request failed. */
export function printReport({ figures, statements, cold, plan, size }: Results): boolean {
  const failures = [...figures].filter(([, each]) => each.failures > 0)
  const measured = rows().filter((row) => row.phases.every((name) => figures.has(name)))
  const lines = measured.map((row) => lineOf(row, figures))
  console.log(
    `\nServer CPU per operation (utime + stime, lower quartile of ${plan.rounds} rounds), ${plan.connections} connections`,
  )
  printTable([
    ['', 'CPU ms', '/s', 'p50 ms', 'p99 ms', '× floor', '× peer', '× small'],
    ...lines.map((line) => line.cells),
  ])

  const others = `${size.few} and ${size.many.toLocaleString('en')} other clients and users`
  const differing = statements.few.filter((each, index) => {
    const other = statements.many[index]
    return each.plan !== other?.plan || each.rowsRead !== other.rowsRead
  })
  const checks = [
    ...lines.flatMap((line) => line.checks),
    check(`D1 statements whose plan or rows read differ between ${others}`, differing.length, 0, String),
    check('bundle, gzipped', cold.bytes, limits.bytes, (bytes) => `${(bytes / 1000).toFixed(1)} KB`),
    check(`start-up CPU, largest of ${size.startups}`, cold.startup, limits.startup, (ms) => `${ms.toFixed(1)} ms`),
    check('failed requests', failures.length, 0, String),
  ]
  console.log('\nLimits')
  printTable(checks.map(({ isKept, name, value, limit }) => [isKept ? 'ok' : 'MISSED', name, value, `≤ ${limit}`]))
  for (const [name, { failure }] of failures) console.log(`\n${name}: ${failure}`)
  for (const { statement, plan: found, rowsRead } of differing)
    console.log(`\n${statement}\n${found}\nrows read: ${rowsRead}`)
  const missed = checks.filter((each) => !each.isKept).length
  console.log(`\n${checks.length - missed} limits kept, ${missed} missed`)
  return missed === 0
}

function rows(): Row[] {
  const list: Row[] = ['constant', 'read', 'discovery', 'jwks'].map((name) => floorRow(name))
  for (const alg of ['ES256', 'RS256'] as const) {
    for (const name of ['sign', 'write+sign+sign', 'verify+read', 'verify+read, posted'])
      list.push(floorRow(`${name} ${alg}`))
  }
  for (const what of ['discovery', 'jwks']) {
    list.push({ name: what, phases: [`ours ${what} ES256`], floor: { name: what, most: limits.document } })
  }
  for (const alg of ['ES256', 'RS256'] as const) {
    const most = limits[alg]
    const peer = (...phases: string[]) => ({
      phases: phases.map((phase) => `peer ${phase} ${alg}`),
      ...(alg === 'ES256' ? { most: 1 } : {}),
    })
    const row = (name: string, phases: string[], rest: Omit<Row, 'name' | 'phases'>): Row => ({
      name: `${name} ${alg}`,
      phases: phases.map((phase) => `ours ${phase} ${alg}`),
      ...rest,
    })
    const presented = alg === 'ES256' ? { most: limits.presented } : {}
    const tokens = { name: `write+sign+sign ${alg}`, most }
    list.push(
      row('client_credentials', ['client_credentials'], {
        floor: { name: `sign ${alg}`, most },
        peer: peer('client_credentials'),
      }),
      row('authorize with a session', ['authorize'], { peer: { phases: [`peer authorize ${alg}`] } }),
      row('code → tokens', ['redeem'], { floor: tokens, peer: { phases: [`peer redeem ${alg}`] } }),
      row('code flow, both', ['authorize', 'redeem'], { peer: peer('authorize', 'redeem') }),
      row('refresh → tokens', ['refresh'], { floor: tokens, peer: peer('refresh') }),
      row('introspection', ['introspection'], { floor: { name: `verify+read, posted ${alg}`, ...presented } }),
      row('userinfo', ['userinfo'], { floor: { name: `verify+read ${alg}`, ...presented } }),
    )
  }
  for (const what of ['client_credentials', 'authorize', 'redeem', 'refresh', 'introspection', 'userinfo']) {
    list.push({
      name: `${what} ES256, crowded D1`,
      phases: [`crowded ${what} ES256`],
      baseline: [`ours ${what} ES256`],
    })
  }
  list.push({
    name: 'client_credentials ES256, request log on',
    phases: ['logged client_credentials ES256'],
    floor: { name: 'sign ES256' },
  })
  for (const alg of ['ES256', 'RS256']) {
    for (const what of ['client_credentials', 'authorize', 'redeem', 'refresh']) {
      list.push({ name: `peer: ${what} ${alg}`, phases: [`peer ${what} ${alg}`] })
    }
  }
  return list
}

const floorRow = (name: string): Row => ({ name: `floor: ${name}`, phases: [`floor ${name}`] })

function lineOf(row: Row, figures: Map<string, Figures>): { cells: string[]; checks: Check[] } {
  const known = row.phases.flatMap((name) => figures.get(name) ?? [])
  const cpuOf = (names: string[]) => names.reduce((sum, name) => sum + (figures.get(name)?.cpu ?? Number.NaN), 0)
  const cpu = cpuOf(row.phases)
  const toFloor = row.floor && cpu / cpuOf([`floor ${row.floor.name}`])
  const toPeer = row.peer && cpu / cpuOf(row.peer.phases)
  const toBaseline = row.baseline && cpu / cpuOf(row.baseline)
  const [only] = known
  const joint =
    known.length === 1 && only ? [only.perSecond.toFixed(0), only.p50.toFixed(2), only.p99.toFixed(1)] : ['', '', '']

  const checks: Check[] = []
  if (toFloor && row.floor?.most)
    checks.push(check(`${row.name}: CPU relative to its floor`, toFloor, row.floor.most, times))
  if (toPeer && row.peer?.most)
    checks.push(check(`${row.name}: CPU relative to the peer`, toPeer, row.peer.most, times))
  if (toBaseline)
    checks.push(
      check(`${row.name}: difference from the small D1`, Math.max(toBaseline, 1 / toBaseline), limits.apart, times),
    )
  return {
    cells: [
      row.name,
      `${cpu.toFixed(3)}`,
      ...joint,
      toFloor ? times(toFloor) : '',
      toPeer ? times(toPeer) : '',
      toBaseline ? times(toBaseline) : '',
    ],
    checks,
  }
}

interface Check {
  name: string
  value: string
  limit: string
  isKept: boolean
}

const times = (ratio: number): string => `${ratio.toFixed(2)} ×`

const check = (name: string, value: number, most: number, print: (value: number) => string): Check => ({
  name,
  value: print(value),
  limit: print(most),
  isKept: value <= most,
})

function printTable(lines: string[][]): void {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  for (const line of lines) {
    console.log(
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
  }
}
