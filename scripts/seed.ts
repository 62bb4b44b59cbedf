// npm run seed -- file.json [--remote [URL]]: creates and updates what a seed file describes (docs/seed-file.md), through the administration
// API. Applying the same file again changes nothing.
import { readFileSync } from 'node:fs'
import {
  parseSeed,
  pathsOf,
  requestsOf,
  type SeedRequest,
  type Stored,
  validateSeed,
} from '../src/admin/seed/seed-file.ts'
import { readDevVars, type Variables } from './dev-vars.ts'
import { findOperator, type Operator, type Problem, parseArguments, Refusal, run } from './operator.ts'

/** `variables` replace `$NAME` in the file. Throws a Refusal that lists every fault of the file, or the faults the provider found. */
export async function applySeed(
  file: string,
  variables: Variables,
  operator: Operator,
  print: (line: string) => void,
): Promise<void> {
  const parsed = parseSeed(read(file), { ...variables, AUTHORITY_URL: operator.issuer })
  if ('faults' in parsed) throw faulty(file, parsed.faults)
  const { seed } = parsed
  const stored = await readStored(pathsOf(seed), operator)
  const faults = await validateSeed(seed, stored, operator.issuer)
  if (Object.keys(faults).length > 0) throw faulty(file, faults)
  for (const request of requestsOf(seed)) print(await apply(request, stored, operator))
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : error}`)
  }
}

function faulty(file: string, faults: Readonly<Record<string, string>>): Refusal {
  const lines = Object.entries(faults).map(([path, fault]) => `  ${path} ${fault}`)
  return new Refusal(`${file} has faults; nothing was written:\n${lines.join('\n')}`)
}

async function readStored(paths: string[], operator: Operator): Promise<Stored> {
  const stored = new Map<string, Record<string, unknown> | undefined>()
  for (const path of paths) {
    const { status, body } = await operator.request('GET', path)
    stored.set(path, status === 200 ? body : undefined)
  }
  return stored
}

async function apply({ method, path, body, name }: SeedRequest, stored: Stored, operator: Operator): Promise<string> {
  const before = stored.get(path)
  const response = await operator.request(method, path, body)
  if (response.status >= 400) throw refused(name, response.body)
  const { pushed, ...after } = response.body ?? {}
  const change = !before ? 'created' : JSON.stringify(before) === JSON.stringify(after) ? 'unchanged' : 'updated'
  const hint = pushed === false ? ' (takes effect in existing sessions at the next sign-in)' : ''
  return `${change.padEnd(9)} ${name}${hint}`
}

/** A fault that only the provider can find, such as a login name that another user has. Entries before it have been written. */
function refused(name: string, problem: Problem | undefined): Refusal {
  const fields = Object.entries(problem?.fields ?? {}).map(([path, fault]) => `\n  ${name}.${path} ${fault}`)
  return new Refusal(`refused   ${name}: ${problem?.title}${fields.join('')}`)
}

if (import.meta.main) {
  await run(async () => {
    const { remote, rest } = parseArguments(process.argv.slice(2))
    const [file] = rest
    if (!file || rest.length > 1) throw new Refusal('Usage: npm run seed -- file.json [--remote [URL]]')
    await applySeed(file, { ...readDevVars(), ...process.env }, findOperator(remote), console.log)
  })
}
