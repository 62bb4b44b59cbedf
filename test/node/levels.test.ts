// The order of the folders of src/ (docs/architecture.md). A folder imports only from lower floors, never from a neighbour on its own floor, and
// from closed subfolders of other folders only their entrances. The same rules hold for type imports.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

/** The floors, lowest first. Folders on one floor must not import each other. */
const floors: string[][] = [
  ['crypto'],
  ['model'],
  ['protocol', 'storage'],
  ['outbound', 'pages'],
  ['request'],
  ['grants', 'signing-keys'],
  ['directory'],
  ['clients', 'brokering', 'authentication'],
  ['tokens'],
  ['interaction', 'logout', 'admin'],
  ['endpoints'],
  ['worker'],
  ['index.ts'],
]

/** The order of subfolders within a folder, lowest first; '' is the folder itself. */
const innerFloors: Record<string, string[]> = {
  admin: ['', 'resources', 'seed'],
  authentication: ['login-guard', '', 'methods'],
  brokering: ['', 'provisioning', 'client', 'record'],
  clients: ['authentication', ''],
  endpoints: ['token/grant-types', 'token', ''],
  grants: ['subject', 'one-time', ''],
  interaction: ['', 'external', 'account', 'steps'],
  pages: ['texts', ''],
  protocol: ['authorization-response', 'authorization-request', 'id-token', 'token-request', ''],
  'signing-keys': ['vaults', 'key-ring', ''],
  worker: ['routes', ''],
}

/** Folders whose subfolders may import each other in any order: a parser and its parts, a table and its rows. */
const whole = ['crypto', 'signing-keys/vaults', 'admin']

/** Closed subfolders, each with the files that other folders may import. */
const entrances: Record<string, string[]> = {
  'authentication/login-guard': ['login-guard.ts', 'ask-login-guard.ts'],
  'brokering/client': ['issuer-template.ts', 'sign-in.ts', 'verify-logout-token.ts'],
  'brokering/provisioning': ['dry-run.ts', 'provision-user.ts'],
  'clients/authentication': ['client-authentication.ts', 'methods.ts'],
  'crypto/pkcs12': ['read.ts', 'write.ts'],
  'endpoints/token': ['token.ts'],
  'grants/one-time': ['one-time.ts', 'ask-one-time.ts'],
  'grants/subject': ['subject.ts', 'ask-subject.ts', 'calls.ts', 'grants.ts', 'sessions.ts'],
  'interaction/account': ['account.ts'],
  'interaction/external': ['external-callback.ts', 'external-login.ts', 'provider-icon.ts'],
  'signing-keys/key-ring': ['key-ring.ts', 'ask-key-ring.ts'],
  'signing-keys/vaults': [],
}

const root = path.resolve(import.meta.dirname, '../../src')

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll(path.sep, '/'))
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))

interface Import {
  file: string
  line: number
  target: string
}

function importsOf(file: string): Import[] {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n')
  return lines.flatMap((text, index) =>
    [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, target = '']) => ({
      file,
      line: index + 1,
      target: path.posix.join(path.posix.dirname(file), target),
    })),
  )
}

const topOf = (file: string): string => file.split('/')[0] ?? file
const innerOf = (file: string): string => path.posix.dirname(file).split('/').slice(1).join('/')
const floorOf = (file: string): number => floors.findIndex((floor) => floor.includes(topOf(file)))

/** The fault of an import, with its file and line, or undefined if there is none. */
function faultOf({ file, line, target }: Import): string | undefined {
  const at = `src/${file}:${line} imports ${target}:`
  if (floorOf(file) < 0) return `${at} ${topOf(file)} is on no floor`
  if (floorOf(target) < 0) return `${at} ${topOf(target)} is on no floor`
  if (topOf(file) === topOf(target)) return innerFault(file, target, at)
  if (floorOf(target) > floorOf(file)) return `${at} ${topOf(target)} is above ${topOf(file)}`
  if (floorOf(target) === floorOf(file)) return `${at} ${topOf(target)} is a neighbour of ${topOf(file)}`
  const closed = Object.keys(entrances).find((folder) => target.startsWith(`${folder}/`))
  const isInside = closed !== undefined && !entrances[closed]?.includes(target.slice(closed.length + 1))
  return isInside && topOf(file) !== 'index.ts'
    ? `${at} it is inside ${closed}, whose entrances are ${entrances[closed]?.join(', ')}`
    : undefined
}

function innerFault(file: string, target: string, at: string): string | undefined {
  const [from, to] = [innerOf(file), innerOf(target)]
  const isWhole = whole.some((folder) => file.startsWith(`${folder}/`) && target.startsWith(`${folder}/`))
  if (from === to || isWhole) return undefined
  const order = innerFloors[topOf(file)] ?? []
  const [above, below] = [order.indexOf(from), order.indexOf(to)]
  if (above < 0 || below < 0) return `${at} the order of ${topOf(file)}/ does not name both folders`
  return below > above ? `${at} ${topOf(file)}/${to} is above ${topOf(file)}/${from}` : undefined
}

const faultsOf = (imports: Import[]): string[] => imports.map(faultOf).filter((fault) => fault !== undefined)

it('src/ imports only from lower floors, and only the entrances of closed folders', () => {
  expect(faultsOf(files.flatMap(importsOf))).toEqual([])
})

it('the root of src/ holds only the entry of the Worker', () => {
  expect(files.filter((file) => !file.includes('/'))).toEqual(['index.ts'])
})

it('each folder has a README of two lines: what it owns, and what it does not own', () => {
  for (const folder of floors.flat().filter((each) => each !== 'index.ts')) {
    const readme = path.join(root, folder, 'README.md')
    expect(existsSync(readme), readme).toBe(true)
    const [owns, not, ...rest] = readFileSync(readme, 'utf8').trimEnd().split('\n')
    expect([owns, not, ...rest], readme).toEqual([
      expect.stringMatching(/^\*\*Owns\*\* .+/),
      expect.stringMatching(/^\*\*Does not own\*\* .+/),
    ])
  }
})

it('a fault names the line of an import from a higher folder, a neighbour or the inside of a closed folder', () => {
  const fault = (file: string, target: string) => faultOf({ file, line: 7, target })
  expect(fault('protocol/claims.ts', 'request/context.ts')).toBe(
    'src/protocol/claims.ts:7 imports request/context.ts: request is above protocol',
  )
  expect(fault('grants/handles.ts', 'signing-keys/jwks.ts')).toMatch(
    /^src\/grants\/handles\.ts:7 .* is a neighbour of grants$/,
  )
  expect(fault('tokens/id-token.ts', 'grants/subject/tables.ts')).toMatch(/it is inside grants\/subject/)
  expect(fault('brokering/provisioning/match-user.ts', 'brokering/record/lockout.ts')).toMatch(
    /is above brokering\/provisioning$/,
  )
  expect(fault('tokens/id-token.ts', 'somewhere/else.ts')).toMatch(/is on no floor/)
})

it('has its floors in docs/architecture.md', () => {
  const page = readFileSync(path.join(root, '../docs/architecture.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| `([\w-]+)\/` \|/gm)].map(([, floor, folder]) => [folder, Number(floor)])
  const folders = floors.flatMap((floor, index) => floor.map((folder) => [folder, index + 1]))
  expect(rows.sort()).toEqual(folders.filter(([folder]) => folder !== 'index.ts').sort())
})
