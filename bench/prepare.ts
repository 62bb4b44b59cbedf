// Prepares state folders for the measurement. All hold the same users, clients, sessions and tokens, plus a varying number of other records.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Server, serve } from '../scripts/server.ts'
import { type Browser, basic, startProvider } from '../test/node/server.ts'
import { fillDirectory } from './directory.ts'
import {
  askForTokens,
  type ConfidentialClient,
  codeFields,
  newCode,
  seedClient,
  seedPair,
  type User,
} from './driver.ts'
import type { Credentials, Visitor } from './load.ts'

export type Algorithm = 'ES256' | 'RS256'

/** Sessions, tokens and clients that the load uses. */
export interface Fixtures {
  visitors: Visitor[]
  chains: { token: string; client: Credentials }[]
  accessTokens: { token: string; client: Credentials }[]
  clients: ConfidentialClient[]
}

export interface Prepared {
  issuer: string
  states: Record<Algorithm, string>
  fixtures: Record<Algorithm, Fixtures>
  users: User[]
  remove(): void
}

interface Person {
  user: User
  client: ConfidentialClient
  /** A client for the code flow only. New token families replace a user's oldest ones per client, and other rows need theirs. */
  visited: ConfidentialClient
  browser: Browser
}

/** A limit that a load generator on one address cannot reach. */
export const rateLimit = { limit: 10_000_000, period: 10 } as const

/** Signs in `people` users, each at a client of its own, and gets tokens for them with both algorithms. */
export async function prepareStates(people: number): Promise<Prepared> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-'))
  const state = path.join(folder, 'current')
  const states = { RS256: path.join(folder, 'RS256'), ES256: path.join(folder, 'ES256') }

  let provider = await startProvider({ state, rateLimit })
  const { issuer } = provider
  const signedIn: Person[] = []
  for (let number = 0; number < people; number += 1) {
    const pair = await seedPair(provider, String(number))
    const visited = await seedClient(provider, `${number}-visited`, pair.user)
    signedIn.push({ ...pair, visited, browser: provider.browser() })
  }
  const rs256 = await fixturesOf(issuer, signedIn)
  await provider.stop()
  cpSync(state, states.RS256, { recursive: true })

  provider = await startProvider({ state, port: Number(new URL(issuer).port), rateLimit })
  await provider.operator('PATCH', 'settings', {
    signing_algs: ['RS256', 'ES256'],
    access_token_signing_alg: 'ES256',
    id_token_signing_alg: 'ES256',
  })
  const es256 = await fixturesOf(issuer, signedIn)
  await provider.stop()
  cpSync(state, states.ES256, { recursive: true })

  return {
    issuer,
    states,
    fixtures: { RS256: rs256, ES256: es256 },
    users: signedIn.map((person) => person.user),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function fixturesOf(issuer: string, people: Person[]): Promise<Fixtures> {
  const fixtures: Fixtures = {
    visitors: [],
    chains: [],
    accessTokens: [],
    clients: people.map((person) => person.client),
  }
  for (const { user, client, visited, browser } of people) {
    const code = await newCode(browser, issuer, client.clientId, user)
    const { status, body } = await askForTokens(`${issuer}/connect/token`, client, codeFields(code))
    if (status !== 200 || !body.refresh_token) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
    const credentials = credentialsOf(client)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    fixtures.visitors.push({ cookie, client: credentialsOf(visited) })
    fixtures.chains.push({ token: body.refresh_token, client: credentials })
    fixtures.accessTokens.push({ token: body.access_token, client: credentials })
  }
  return fixtures
}

const credentialsOf = ({ clientId, secret }: ConfidentialClient): Credentials => ({
  clientId,
  ...basic(clientId, secret),
})

export interface Instance extends Server {
  /** The Host header to send. It names the issuer's host, whatever port this instance listens on. */
  host: string
}

export function copyOfState(prepared: Prepared, alg: Algorithm, others: number): { folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-state-'))
  cpSync(prepared.states[alg], folder, { recursive: true })
  fillDirectory(folder, prepared.fixtures[alg].clients[0]?.clientId ?? '', others)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Starts a server on a copy of a prepared state with `others` more clients and users, under the same issuer; built from `checkout`, or from here. */
export async function startInstance(
  prepared: Prepared,
  alg: Algorithm,
  others: number,
  vars: Record<string, string> = {},
  checkout?: string,
): Promise<Instance> {
  const state = copyOfState(prepared, alg, others)
  const server = await serve({ state: state.folder, issuer: prepared.issuer, vars, rateLimit }, checkout)
  return {
    ...server,
    host: new URL(prepared.issuer).host,
    async stop() {
      await server.stop()
      state.remove()
    },
  }
}
