// The load generator, a process of its own. It keeps what its scenarios collect (codes, refresh tokens) between two runs of one row.
import { type Answer, connect, headerOf, requestText } from './http.ts'

/** Where the load goes. `host` is the Host header: the issuer's, whatever port the process listens on. */
export interface Target {
  port: number
  host: string
}

export interface Credentials {
  clientId: string
  authorization: string
}

/** Someone signed in, at one client. */
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
  /** The first answer that was not the one expected. */
  failure?: string
}

interface Step {
  request: string
  status: number
  done?(answer: Answer): void
}

const codes = new Map<string, { code: string; client: Credentials }[]>()
const chains = new Map<string, { token: string; client: Credentials }[]>()
let turn = 0

/** What to send next; undefined: nothing left. */
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
      const done = (answer: Answer) => {
        const code = new URL(headerOf(answer.head, 'location') ?? '').searchParams.get('code')
        if (!code) throw new Error(`no code in ${headerOf(answer.head, 'location')}`)
        kept(codes, scenario.key).push({ code, client })
      }
      return { request: requestText(target.host, `${scenario.path}?${query}`, { cookie }), status: 303, done }
    }
    case 'redeem': {
      const kept = codes.get(scenario.key)?.pop()
      if (!kept) return undefined
      const { authorization } = kept.client
      return {
        request: requestText(target.host, scenario.path, { authorization }, { ...scenario.fields, code: kept.code }),
        status: 200,
      }
    }
    case 'refresh': {
      if (!chains.has(scenario.key)) chains.set(scenario.key, [...scenario.chains])
      const chain = kept(chains, scenario.key).shift()
      if (!chain) return undefined
      const fields = { grant_type: 'refresh_token', refresh_token: chain.token }
      const done = (answer: Answer) => {
        const token = JSON.parse(answer.body).refresh_token ?? chain.token
        kept(chains, scenario.key).push({ token, client: chain.client })
      }
      const { authorization } = chain.client
      return { request: requestText(target.host, scenario.path, { authorization }, fields), status: 200, done }
    }
  }
}

function kept<T>(store: Map<string, T[]>, key: string): T[] {
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
      const answer = await connection.send(step.request)
      result.latencies.push(performance.now() - sent)
      // 302 and 303 are both right for a redirect.
      if (answer.status !== step.status && !(step.status === 303 && answer.status === 302)) {
        throw new Error(`${answer.head}\n\n${answer.body.slice(0, 400)}`)
      }
      step.done?.(answer)
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
