// An interleaved measurement: each round runs every subject, alternately forwards and backwards (A, B, B, A), so that other load on the machine
// affects all subjects alike.
import { cpuTime } from '../scripts/workerd-process.ts'
import type { Scenario, Target } from './load.ts'
import type { Generator } from './processes.ts'

/** A server with the load of one turn. A phase may use the codes or tokens that the previous phase collected. */
export interface Subject {
  pid: number
  target: Target
  phases: { name: string; scenario: Scenario }[]
}

export interface Figures {
  /** Milliseconds of server CPU per operation: the lower quartile of the rounds, because other load on the machine can only add. */
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
  /** Duration of one subject in one round. */
  milliseconds: number
  connections: number
}

/** One turn of one phase. */
export interface Sample {
  /** Milliseconds of server CPU, for all operations. */
  cpu: number
  operations: number
  seconds: number
  latencies: number[]
  failures: number
  failure?: string | undefined
}

/** Returns the figures by phase name. */
export async function measure(subjects: Subject[], plan: Plan, generator: Generator): Promise<Map<string, Figures>> {
  const samples = await sampleRounds(subjects, plan, generator)
  return new Map([...samples].map(([name, list]) => [name, figuresOf(list)]))
}

/** Returns one sample of each round by phase name. */
export async function sampleRounds(
  subjects: Subject[],
  plan: Plan,
  generator: Generator,
): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>()
  for (const subject of subjects) await warmUp(subject, plan, generator)
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      for (const [name, sample] of await turn(subject, plan, generator)) {
        samples.set(name, [...(samples.get(name) ?? []), sample])
      }
    }
  }
  return samples
}

const warmOperations = 500

/** Runs turns until the objects exist and the code is compiled, at most three. */
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
    // Redeeming uses up all codes that the previous phase collected, so it is not cut short.
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

export const quantile = (sorted: number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
