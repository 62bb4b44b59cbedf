// The folders of docs/architecture.md: each imports from lower levels only, never from a neighbour; types are held to the same rule.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const levels: string[][] = [
  ['protocol', 'crypto'],
  ['vault-settings.ts', 'bounded-fetch.ts'],
  ['storage', 'vaults', 'pages', 'remote-keys.ts', 'settings.ts', 'incoming.ts'],
  ['durable-objects', 'configuration'],
  ['context.ts'],
  ['keys', 'identity', 'brokering'],
  ['tokens'],
  ['grant-types'],
  ['endpoints', 'interaction', 'admin'],
  ['responses.ts', 'routes.ts', 'cross-origin.ts', 'client-hint.ts', 'playground.ts'],
  ['handle.ts', 'scheduled.ts'],
  ['index.ts'],
]

const root = path.resolve(import.meta.dirname, '../../src')
/** Top files know each other. */
const acquainted = new Set(levels[9])

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'),
)

const placeOf = (file: string): string => file.split(path.sep)[0] ?? file
const levelOf = (place: string): number => levels.findIndex((level) => level.includes(place))

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const targets = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, target = '']) => target)
  return targets.map((target) => path.relative(root, path.resolve(root, path.dirname(file), target)))
}

function fault(file: string, target: string): string | undefined {
  const [from, to] = [placeOf(file), placeOf(target)]
  if (from === to || (acquainted.has(from) && acquainted.has(to))) return undefined
  if (levelOf(to) < 0 || levelOf(from) < 0) return `${file} → ${target}: no level is known`
  return levelOf(to) < levelOf(from) ? undefined : `${file} → ${target}: not a lower level`
}

it('imports only from lower levels', () => {
  const faults = files.flatMap((file) => importsOf(file).map((target) => fault(file, target)))
  expect(faults.filter((each) => each !== undefined)).toEqual([])
})

it('would notice an import that climbs', () => {
  expect(fault('protocol/pkce.ts', 'storage/users.ts')).toMatch(/not a lower level/)
  expect(fault('keys/jwks.ts', 'identity/handles.ts')).toMatch(/not a lower level/)
})
