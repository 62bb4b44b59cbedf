// One interleaved run: every subject in each round, forwards and backwards in turn (A, B, B, A), so that what the machine does beside it
// falls on all alike.
import { cpuTime } from '../scripts/workerd-process.ts'
import type { Scenario, Target } from './load.ts'
import type { Generator } from './processes.ts'

/** What is under load in one turn. A phase may use what the phase before it collected. */
export interface Subject {
  pid: number
  target: Target
  phases: { name: string; scenario: Scenario }[]
}

export interface Figures {
  /** Milliseconds of server CPU for one operation: the lower quartile of the rounds, for what runs beside us only ever adds. */
  cpu: number
  perSecond: number
  p50: number
  p99: number
  operations: number
  failures: number
  failure?: string
}

export interface Plan {
  rounds: number
  /** Of one subject in one round. */
  milliseconds: number
  connections: number
}

interface Sample {
  cpu: number
  operations: number
  seconds: number
  latencies: number[]
  failures: number
  failure?: string | undefined
}

/** By phase name. */
export async function measure(subjects: Subject[], plan: Plan, generator: Generator): Promise<Map<string, Figures>> {
  const samples = new Map<string, Sample[]>()
  for (const subject of subjects) await warmUp(subject, plan, generator)
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      for (const [name, sample] of await turn(subject, plan, generator)) {
        samples.set(name, [...(samples.get(name) ?? []), sample])
      }
    }
  }
  return new Map([...samples].map(([name, list]) => [name, figuresOf(list)]))
}

const warmOperations = 500

/** Until the objects exist and the code is compiled; three turns at most. */
async function warmUp(subject: Subject, plan: Plan, generator: Generator): Promise<void> {
  const until = performance.now() + 2 * plan.milliseconds
  for (let operations = 0; operations < warmOperations && performance.now() < until; ) {
    for (const [, sample] of await turn(subject, plan, generator)) operations += sample.operations
  }
}

async function turn({ pid, target, phases }: Subject, plan: Plan, generator: Generator): Promise<[string, Sample][]> {
  const { milliseconds, connections } = plan
  const samples: [string, Sample][] = []
  for (const { name, scenario } of phases) {
    // What a phase collected is used up by the next one, however long it takes.
    const limit = scenario.kind === 'redeem' ? 10_000 : milliseconds / phases.length
    const before = cpuTime(pid)
    const result = await generator.run({ target, scenario, milliseconds: limit, connections })
    const cpu = cpuTime(pid) - before
    if (result.failures > 20) throw new Error(`${name}: ${result.failure}`)
    samples.push([name, { ...result, cpu }])
  }
  return samples
}

function figuresOf(samples: Sample[]): Figures {
  const sum = (value: (sample: Sample) => number) => samples.reduce((total, sample) => total + value(sample), 0)
  const latencies = samples.flatMap((sample) => sample.latencies).sort((a, b) => a - b)
  const failure = samples.find((sample) => sample.failure)?.failure
  return {
    cpu: quantile(
      samples.map((sample) => sample.cpu / sample.operations).sort((a, b) => a - b),
      0.25,
    ),
    perSecond: sum((sample) => sample.operations) / sum((sample) => sample.seconds),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    operations: sum((sample) => sample.operations),
    failures: sum((sample) => sample.failures),
    ...(failure ? { failure } : {}),
  }
}

const quantile = (sorted: number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
