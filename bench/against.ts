// `npm run bench -- --against FOLDER [--quick] [--only userinfo]`: this build and the one of another checkout, side by side in one run. Every request
// goes to both in turn, in short slices, so that a difference of one percent shows although single figures differ by ten between runs.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { quantile, type Sample, type Subject, sampleRounds } from './measure.ts'
import { type Algorithm, type Instance, type Prepared, prepareStates, startInstance } from './prepare.ts'
import { startGenerator } from './processes.ts'
import { oursAt } from './subjects.ts'

interface Options {
  quick: boolean
  /** Regular expression on the names of rows. */
  only: string
}

const builds = ['other', 'this'] as const
const algorithms: Algorithm[] = ['ES256', 'RS256']
/** How much more than the other build's an operation of this one may cost. */
const most = 1.03

/** Prints the ratio for each operation. Returns false if a limit is missed or a request failed. */
export async function compareBuilds(folder: string, { quick, only }: Options): Promise<boolean> {
  const checkout = path.resolve(folder)
  requireSameMigrations(checkout)
  const plan = { rounds: quick ? 12 : 60, milliseconds: 500, connections: 8 }
  const prepared = await prepareStates(16)
  const instances = await startBoth(prepared, checkout)
  const generator = startGenerator()
  try {
    const subjects = algorithms
      .flatMap((alg) => pairs(prepared, instances, alg))
      .filter(({ phases }) => phases.some(({ name }) => new RegExp(only).test(name)))
    const samples = await sampleRounds(subjects, plan, generator)
    return print(samples, plan.rounds)
  } finally {
    generator.stop()
    await Promise.all(instances.map((each) => each.instance.stop()))
    prepared.remove()
  }
}

/** Both serve copies of one state, which neither may have to change first. */
function requireSameMigrations(checkout: string): void {
  const [here, there] = ['.', checkout].map((root) => {
    const folder = path.join(root, 'migrations')
    const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
    return files.map((file) => file + readFileSync(path.join(folder, file), 'utf8')).join()
  })
  if (here !== there) throw new Error(`${checkout} has other migrations: its build cannot serve the same state`)
}

interface Started {
  build: (typeof builds)[number]
  alg: Algorithm
  instance: Instance
}

async function startBoth(prepared: Prepared, checkout: string): Promise<Started[]> {
  const started: Started[] = []
  for (const alg of algorithms) {
    for (const build of builds) {
      const instance = await startInstance(prepared, alg, 10, {}, build === 'other' ? checkout : undefined)
      started.push({ build, alg, instance })
    }
  }
  return started
}

/** The two builds of an operation stand next to each other. */
function pairs({ fixtures }: Prepared, instances: Started[], alg: Algorithm): Subject[] {
  const sides = instances
    .filter((each) => each.alg === alg)
    .map(({ build, instance }) => oursAt(build, instance, alg, fixtures[alg]))
  const operations =
    alg === 'ES256' ? (['discovery', 'clientCredentials', 'userinfo'] as const) : (['clientCredentials'] as const)
  return operations.flatMap((operation) => sides.map((side) => side[operation]))
}

function print(samples: Map<string, Sample[]>, rounds: number): boolean {
  console.log(`Server CPU per operation, lower quartile of ${rounds} slices of each build: the other → this`)
  console.log('The ratio is of these two; in brackets the median of the pairs of neighbouring slices.')
  const names = [...samples.keys()].filter((name) => name.startsWith('this '))
  return names.map((name) => printRow(name.slice('this '.length), samples)).every((isKept) => isKept)
}

function printRow(name: string, samples: Map<string, Sample[]>): boolean {
  const [others = [], ours = []] = builds.map((build) => samples.get(`${build} ${name}`))
  const [before, after] = [lowerQuartile(others), lowerQuartile(ours)]
  const pairs = ours.map((sample, round) => perOperation(sample) / perOperation(others[round]))
  const failure = [...ours, ...others].find((sample) => sample.failure)?.failure
  const isKept = after / before <= most && failure === undefined
  const median = quantile(pairs.sort(ascending), 0.5)
  const costs = `${before.toFixed(4)} → ${after.toFixed(4)} ms  ${(after / before).toFixed(3)} × (${median.toFixed(3)})`
  console.log(`${isKept ? 'ok    ' : 'MISSED'}  ${name.padEnd(26)}  ${costs}  ≤ ${most} ×`)
  if (failure) console.log(`        ${failure}`)
  return isKept
}

const ascending = (a: number, b: number): number => a - b
const perOperation = (sample: Sample | undefined): number => (sample ? sample.cpu / sample.operations : Number.NaN)
const lowerQuartile = (samples: Sample[]): number => quantile(samples.map(perOperation).sort(ascending), 0.25)
