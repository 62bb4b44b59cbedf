// Calls the operators' interface as the Worker does, with a context of its own and, where a test wants one, a Subject that can fail.
import { env } from 'cloudflare:workers'
import { Problem } from '../../src/model/errors.ts'
import type { Person } from '../../src/model/person.ts'
import { openConfiguration } from '../../src/request/configuration.ts'
import type { RequestContext } from '../../src/request/context.ts'
import { dispatch, visitOf } from '../../src/worker/router.ts'
import { aDeployment, noon } from '../context.ts'

export const start = noon

export interface Overrides {
  env?: Partial<Env>
  operatorToken?: string | undefined
  address?: string
  now?: number
}

let requests = 0

export async function anAdminContext(overrides: Overrides = {}): Promise<RequestContext> {
  const whole = { ...env, ...overrides.env } as Env
  const now = overrides.now ?? start
  const { deployment, issuer } = aDeployment()
  requests += 1
  return {
    env: whole,
    issuer,
    deployment: {
      ...deployment,
      ...('operatorToken' in overrides ? { operatorToken: overrides.operatorToken } : {}),
    },
    configuration: await openConfiguration(
      env.DB,
      async () => undefined,
      now,
      (reading) => reading(),
      () => undefined,
    ),
    now,
    requestId: `request-${requests}`,
    address: overrides.address ?? '192.0.2.1',
    hops: 0,
    client: undefined,
    actor: undefined,
    fault: undefined,
    log: () => undefined,
    waitUntil: () => undefined,
  }
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for.
  body: any
  headers: Headers
}

export type Init = { body?: unknown; headers?: Record<string, string> }

/** One request with the operator's token; `PUT clients/web`. */
export async function ask(line: string, body?: unknown, overrides: Overrides = {}): Promise<Answer> {
  return send(line, { body, headers: { authorization: `Bearer ${env.OPERATOR_TOKEN}` } }, overrides)
}

export async function send(line: string, init: Init, overrides: Overrides = {}): Promise<Answer> {
  const [method = '', path = ''] = line.split(' ')
  const hasBody = init.body !== undefined
  const request = new Request(`https://id.test/admin/api/${path}`, {
    method,
    headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...init.headers },
    ...(hasBody ? { body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body) } : {}),
  })
  const context = await anAdminContext(overrides)
  try {
    const response = await dispatch(context, visitOf(request))
    const text = await response.text()
    return { status: response.status, body: text ? JSON.parse(text) : undefined, headers: response.headers }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { status, title, fields, headers } = error
    return { status, body: { title, fields }, headers: new Headers(headers) }
  }
}

/** Subjects that write down what they are told, or do not answer as often as `failures` says. */
export function recordingSubjects(failures = 0) {
  const told: { ref: string; person: Person }[] = []
  let left = failures
  const namespace = {
    idFromName: (name: string) => name,
    get: (ref: string) => ({
      async update(person: Person) {
        if (left > 0) {
          left -= 1
          throw new Error('no answer')
        }
        told.push({ ref, person })
      },
    }),
  }
  return { told, env: { SUBJECT: namespace as unknown as Env['SUBJECT'] } }
}

export async function rows<T>(query: string, ...values: unknown[]): Promise<T[]> {
  const { results } = await env.DB.prepare(query)
    .bind(...values)
    .all<T>()
  return results
}

/** Every change row since the last call. */
export async function newChanges(): Promise<string[]> {
  const found = await rows<{ kind: string; record: string | null }>(
    'select kind, record from config_changes order by epoch',
  )
  await env.DB.prepare('delete from config_changes').run()
  return found.map(({ kind, record }) => (record === null ? kind : `${kind} ${record}`))
}
