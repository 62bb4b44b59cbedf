// `npm run bench [-- --quick] [--only 'refresh|write']`: measures the CPU time of each operation beside the least possible in this engine and
// beside a peer; with `--against FOLDER`, beside the build of another checkout. docs/benchmarks.md explains the figures.
import '../scripts/clean-environment.ts'

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { compareBuilds } from './against.ts'
import { type StatementCost, statementCosts } from './directory.ts'
import { redirectUri } from './driver.ts'
import { connect, requestText } from './http.ts'
import { measure, type Subject } from './measure.ts'
import { type Algorithm, copyOfState, type Instance, prepareStates, startInstance } from './prepare.ts'
import { type Floor, startFloors, startGenerator, startPeer } from './processes.ts'
import { printReport } from './report.ts'
import { gzippedSize, startupTime } from './size.ts'
import { documents, floorSubject, oursAt, peerAt } from './subjects.ts'

process.chdir(path.join(import.meta.dirname, '..'))
const { quick, only, against } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '.' },
    against: { type: 'string' },
  },
}).values
if (against !== undefined) process.exit((await compareBuilds(against, { quick, only })) ? 0 : 1)

const plan = { rounds: quick ? 3 : 7, milliseconds: quick ? 350 : 1000, connections: 8 }
const size = { people: quick ? 16 : 64, few: 10, many: 100_000, startups: quick ? 1 : 5 }
const algorithms: Algorithm[] = ['ES256', 'RS256']
const started = performance.now()

function say(text: string): void {
  console.log(`${Math.round((performance.now() - started) / 1000)} s: ${text}`)
}

say(`signing in ${size.people} users, each at a client of its own`)
const prepared = await prepareStates(size.people)
const { fixtures } = prepared

say(`starting servers with ${size.few} and ${size.many} other records in D1, floors, oidc-provider`)
const instances = {
  ES256: await startInstance(prepared, 'ES256', size.few),
  RS256: await startInstance(prepared, 'RS256', size.few),
  crowded: await startInstance(prepared, 'ES256', size.many),
  logged: await startInstance(prepared, 'ES256', size.few, { REQUEST_LOG: 'on' }),
}
const floors = await startFloors({
  constant: { module: 'constant.js', bindings: { BODY: 'ok', HEADERS: { 'content-type': 'text/plain' } } },
  discovery: await sameAnswer(instances.ES256, documents.discovery),
  jwks: await sameAnswer(instances.ES256, documents.jwks),
  read: { module: 'read.js' },
  'sign ES256': { module: 'sign.js', bindings: { ALG: 'ES256' } },
  'sign RS256': { module: 'sign.js', bindings: { ALG: 'RS256' } },
  'write+sign+sign ES256': { module: 'write-and-sign.js', bindings: { ALG: 'ES256' } },
  'write+sign+sign RS256': { module: 'write-and-sign.js', bindings: { ALG: 'RS256' } },
  'verify+read ES256': { module: 'read.js', bindings: { ALG: 'ES256' } },
  'verify+read RS256': { module: 'read.js', bindings: { ALG: 'RS256' } },
  'verify+read, posted ES256': { module: 'read.js', bindings: { ALG: 'ES256' } },
  'verify+read, posted RS256': { module: 'read.js', bindings: { ALG: 'RS256' } },
})
const peers = {
  ES256: await startPeer({ alg: 'ES256', redirectUri, clients: fixtures.ES256.clients }),
  RS256: await startPeer({ alg: 'RS256', redirectUri, clients: fixtures.RS256.clients }),
}
const generator = startGenerator()
const wanted = new RegExp(only)
const subjects = (await subjectsSideBySide()).filter(({ phases }) => phases.some(({ name }) => wanted.test(name)))

say(`measuring ${subjects.length} subjects in ${plan.rounds} rounds of ${plan.milliseconds} ms each`)
const figures = await measure(subjects, plan, generator)

say('measuring D1 statements, bundle size and start-up')
generator.stop()
await Promise.all([floors, ...Object.values(peers), ...Object.values(instances)].map((each) => each.stop()))
const statements = { few: await costsBeside(size.few), many: await costsBeside(size.many) }
prepared.remove()
const cold = { bytes: gzippedSize(path.join(newestBuild(), 'index.js')), startup: startupTime(size.startups) }
const isPassed = printReport({ figures, statements, cold, plan, size })
say('done')
process.exit(isPassed ? 0 : 1)

/** All subjects, ordered so that those compared with each other are neighbours. */
async function subjectsSideBySide(): Promise<Subject[]> {
  const floor = (name: keyof typeof floors.ports) => floorSubject(floors.pid, floors.ports[name], name)
  const crowded = oursAt('crowded', instances.crowded, 'ES256', fixtures.ES256)
  const logged = oursAt('logged', instances.logged, 'ES256', fixtures.ES256)
  const subjects: Subject[] = [floor('constant'), floor('read')]
  for (const alg of algorithms) {
    const ours = oursAt('ours', instances[alg], alg, fixtures[alg])
    const peer = await peerAt(peers[alg], alg, fixtures[alg].clients)
    const beside = (name: keyof typeof ours) => (alg === 'ES256' ? [crowded[name]] : [])
    if (alg === 'ES256') subjects.push(floor('discovery'), ours.discovery, floor('jwks'), ours.jwks)
    subjects.push(floor(`sign ${alg}`), ours.clientCredentials, ...beside('clientCredentials'))
    if (alg === 'ES256') subjects.push(logged.clientCredentials)
    subjects.push(peer.clientCredentials, ours.code, ...beside('code'), peer.code, floor(`write+sign+sign ${alg}`))
    subjects.push(ours.refresh, ...beside('refresh'), peer.refresh, floor(`verify+read, posted ${alg}`))
    subjects.push(ours.introspection, ...beside('introspection'))
    subjects.push(floor(`verify+read ${alg}`), ours.userinfo, ...beside('userinfo'))
  }
  return subjects
}

/** A floor that returns the same body and headers as this instance, as constants. */
async function sameAnswer({ port, host }: Instance, address: string): Promise<Floor> {
  const connection = await connect(port)
  const { status, head, body } = await connection.send(requestText(host, address))
  connection.close()
  if (status !== 200) throw new Error(`${address}: ${head}`)
  const lines = head.split('\r\n').slice(1)
  const headers = lines
    .map((line) => line.split(/: (.*)/s))
    .filter(([name]) => !/^(content-length|date)$/i.test(name ?? ''))
  return {
    module: 'constant.js',
    bindings: {
      BODY: Buffer.from(body, 'latin1').toString(),
      HEADERS: Object.fromEntries(headers.map(([name = '', value = '']) => [name, value])),
    },
  }
}

async function costsBeside(others: number): Promise<StatementCost[]> {
  const state = copyOfState(prepared, 'ES256', others)
  try {
    return await statementCosts(
      state.folder,
      fixtures.ES256.clients[0]?.clientId ?? '',
      prepared.users[0]?.username ?? '',
    )
  } finally {
    state.remove()
  }
}

/** The build that the servers above run. */
function newestBuild(): string {
  const builds = readdirSync('dist/served').map((name) => path.join('dist/served', name))
  const [newest] = builds.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  if (!newest) throw new Error('nothing was built')
  return newest
}
