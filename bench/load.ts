// The load generator, which runs in a separate process. Codes and refresh tokens are kept from one run of a row to the next.
import { connect, type HttpResponse, headerOf, requestText } from './http.ts'

/** The server under load. `host` is the Host header, which names the issuer's host whatever port the process listens on. */
export interface Target {
  port: number
  host: string
}

export interface Credentials {
  clientId: string
  authorization: string
}

/** A signed-in browser, and the client that it visits. */
export interface Visitor {
  cookie: string
  client: Credentials
}

export type Scenario =
  | { kind: 'requests'; requests: string[]; status?: number }
  /** Authorization with a session; codes are kept for `redeem` under the same key. */
  | { kind: 'authorize'; key: string; path: string; query: Record<string, string>; visitors: Visitor[] }
  | { kind: 'redeem'; key: string; path: string; fields: Record<string, string> }
  | { kind: 'refresh'; key: string; path: string; chains: { token: string; client: Credentials }[] }

export interface Job {
  target: Target
  scenario: Scenario
  milliseconds: number
  connections: number
}

export interface Result {
  operations: number
  seconds: number
  /** Milliseconds of each request. */
  latencies: number[]
  failures: number
  /** The first unexpected response. */
  failure?: string
}

interface Step {
  request: string
  status: number
  done?(response: HttpResponse): void
}

const codes = new Map<string, { code: string; client: Credentials }[]>()
const chains = new Map<string, { token: string; client: Credentials }[]>()
let turn = 0

/** The next request to send, or undefined if no code or token is left. */
function nextStep({ target, scenario }: Job): Step | undefined {
  turn += 1
  switch (scenario.kind) {
    case 'requests': {
      return { request: scenario.requests[turn % scenario.requests.length] ?? '', status: scenario.status ?? 200 }
    }
    case 'authorize': {
      const visitor = scenario.visitors[turn % scenario.visitors.length]
      if (!visitor) return undefined
      const { client, cookie } = visitor
      const query = new URLSearchParams({ ...scenario.query, client_id: client.clientId, state: `s${turn}` })
      const done = (response: HttpResponse) => {
        const code = new URL(headerOf(response.head, 'location') ?? '').searchParams.get('code')
        if (!code) throw new Error(`no code in ${headerOf(response.head, 'location')}`)
        listOf(codes, scenario.key).push({ code, client })
      }
      return { request: requestText(target.host, `${scenario.path}?${query}`, { cookie }), status: 303, done }
    }
    case 'redeem': {
      const entry = codes.get(scenario.key)?.pop()
      if (!entry) return undefined
      const { authorization } = entry.client
      return {
        request: requestText(target.host, scenario.path, { authorization }, { ...scenario.fields, code: entry.code }),
        status: 200,
      }
    }
    case 'refresh': {
      if (!chains.has(scenario.key)) chains.set(scenario.key, [...scenario.chains])
      const chain = listOf(chains, scenario.key).shift()
      if (!chain) return undefined
      const fields = { grant_type: 'refresh_token', refresh_token: chain.token }
      const done = (response: HttpResponse) => {
        const token = JSON.parse(response.body).refresh_token ?? chain.token
        listOf(chains, scenario.key).push({ token, client: chain.client })
      }
      const { authorization } = chain.client
      return { request: requestText(target.host, scenario.path, { authorization }, fields), status: 200, done }
    }
  }
}

function listOf<T>(store: Map<string, T[]>, key: string): T[] {
  const list = store.get(key) ?? []
  store.set(key, list)
  return list
}

async function run(job: Job): Promise<Result> {
  const result: Result = { operations: 0, seconds: 0, latencies: [], failures: 0 }
  const started = performance.now()
  const until = started + job.milliseconds
  await Promise.all(Array.from({ length: job.connections }, () => work(job, until, result)))
  result.seconds = (performance.now() - started) / 1000
  return result
}

async function work(job: Job, until: number, result: Result): Promise<void> {
  const connection = await connect(job.target.port)
  while (performance.now() < until) {
    const step = nextStep(job)
    if (!step) break
    const sent = performance.now()
    try {
      const response = await connection.send(step.request)
      result.latencies.push(performance.now() - sent)
      // The peer redirects with 302, Countersign with 303.
      if (response.status !== step.status && !(step.status === 303 && response.status === 302)) {
        throw new Error(`${response.head}\n\n${response.body.slice(0, 400)}`)
      }
      step.done?.(response)
      result.operations += 1
    } catch (fault) {
      result.failures += 1
      result.failure ??= `${step.request.split('\r\n')[0]}\n→ ${fault instanceof Error ? fault.message : fault}`
      if (result.failures > 20) break
    }
  }
  connection.close()
}

process.on('message', async (job: Job) => {
  process.send?.(await run(job))
})
