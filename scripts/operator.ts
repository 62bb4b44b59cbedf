// Calls the administration API with the operator token: at the provider on this machine, or with --remote at another one.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readDevVars, root } from './dev-vars.ts'

export interface Operator {
  issuer: string
  request(method: string, path: string, body?: unknown): Promise<ApiResponse>
}

export interface ApiResponse {
  status: number
  /** The parsed JSON, or undefined if the response has none. */
  body: Record<string, unknown> | undefined
}

export interface Problem {
  title?: string
  fields?: Record<string, string>
}

/** An error that the person at the terminal can correct: only its message is printed, without a stack. */
export class Refusal extends Error {}

/** Separates `--remote [URL]` from the other arguments. `true` means --remote without a URL: the issuer in wrangler.toml. */
export function parseArguments(args: string[]): { remote: string | true | undefined; rest: string[] } {
  const at = args.indexOf('--remote')
  if (at < 0) return { remote: undefined, rest: args }
  const next = args[at + 1]
  const hasUrl = next !== undefined && /^https?:/.test(next)
  return {
    remote: hasUrl ? next : true,
    rest: args.filter((_, index) => index !== at && !(hasUrl && index === at + 1)),
  }
}

/** `address` is where the provider listens, if that is not the issuer. Throws a Refusal that says what is missing. */
export function findOperator(remote: string | true | undefined, address?: string): Operator {
  const variables = remote === undefined ? { ...process.env, ...readDevVars() } : process.env
  const issuer = (typeof remote === 'string' ? remote : (variables.AUTHORITY_URL ?? configuredIssuer())).replace(
    /\/$/,
    '',
  )
  const token = variables.OPERATOR_TOKEN
  if (!issuer) {
    throw new Refusal(
      remote === undefined
        ? 'There is no provider on this machine yet: run npm start'
        : 'Which provider? Give its address (--remote https://id.example.com) or set AUTHORITY_URL in wrangler.toml',
    )
  }
  if (!token) throw new Refusal(`OPERATOR_TOKEN is not set: put the token of ${issuer} into the environment`)
  return operatorOf(issuer, token, address)
}

export const operatorOf = (issuer: string, token: string, address = issuer): Operator => ({
  issuer,
  request: (method, route, body) => send(address, token, method, route, body),
})

/** AUTHORITY_URL in wrangler.toml, or an empty string. */
export function configuredIssuer(): string {
  const text = readFileSync(path.join(root, 'wrangler.toml'), 'utf8')
  return /^AUTHORITY_URL\s*=\s*"([^"]*)"/m.exec(text)?.[1] ?? ''
}

async function send(
  address: string,
  token: string,
  method: string,
  route: string,
  body: unknown,
): Promise<ApiResponse> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  try {
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    response = await fetch(`${address}/admin/api/${route}`, { method, headers, ...content })
  } catch (error) {
    throw new Refusal(`${address} does not respond (${reasonOf(error)}): is it running?`)
  }
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  const result: ApiResponse = { status: response.status, body: isJson ? JSON.parse(text) : undefined }
  if (response.status === 401) throw new Refusal(`${address} does not accept this OPERATOR_TOKEN`)
  if (response.status === 404 && /switched off/.test(text)) throw new Refusal(`${address} has no OPERATOR_TOKEN`)
  if (response.status === 429 || response.status >= 500) throw new Refusal(`${address}: ${response.status} ${text}`)
  return result
}

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message || 'no connection' : String(error)
}

/** Runs a script. A Refusal prints its message and sets exit code 1; any other error is thrown. */
export async function run(script: () => Promise<void>): Promise<void> {
  try {
    await script()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
