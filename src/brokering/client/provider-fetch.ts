// Sends requests to an external provider. Each is bounded, and all of one sign-in share eight seconds, so that a page comes within ten (I13).

import type { ExternalProvider } from '../../model/external-provider.ts'
import { type AttemptCheck, type AttemptStep, BrokeringError } from '../../model/login-attempt.ts'
import { printable } from '../../model/untrusted-text.ts'
import { fetchLimited, parseJsonBody } from '../../outbound/bounded-fetch.ts'
import type { RequestContext } from '../../request/context.ts'

/** Milliseconds. */
const [mostPerRequest, mostPerLogin] = [5000, 8000]
const maxBytes = 64 * 1024

/** Returns the milliseconds that the next request may take. */
export type Budget = () => number

/** Measured by the real clock, because the time of the request does not advance. */
export function startBudget(): Budget {
  const start = Date.now()
  return () => Math.max(1, Math.min(mostPerRequest, mostPerLogin - (Date.now() - start)))
}

export interface Call {
  step: AttemptStep
  /** The name for operators: `token endpoint`. */
  name: string
  /** The check name in attempts: `token_endpoint`. */
  check: AttemptCheck
  url: string
  headers?: Record<string, string>
  /** If present, the request is a POST. */
  form?: URLSearchParams
}

export interface JsonAnswer {
  status: number
  contentType: string
  body: Record<string, unknown>
}

/** One hop. Returns the JSON object of a response of any status. Throws BrokeringError if there is none. */
export async function fetchJson(
  context: RequestContext,
  provider: ExternalProvider,
  budget: Budget,
  call: Call,
): Promise<JsonAnswer> {
  const { url, headers, form } = call
  const limits = {
    maxBytes,
    timeoutMs: budget(),
    allowLoopback: context.issuer.isLoopback,
    internalHosts: provider.internal_hosts,
  }
  // GitHub refuses requests without a User-Agent, and answers with a form unless JSON is requested.
  const common = { accept: 'application/json', 'user-agent': 'Countersign', ...headers }
  context.hops += 1
  const answer = await fetchLimited(url, limits, form ? posted(form, common) : { headers: common })
  if (answer.outcome === 'answered') return jsonOf(call, answer)
  const isSilent = answer.check === 'unreachable'
  throw new BrokeringError({
    step: call.step,
    check: call.check,
    publicCause: isSilent ? 'unreachable' : 'invalid_answer',
    cause: `The ${call.name} did not work: ${printable(answer.reason)}.`,
    fix: isSilent
      ? 'Look whether the provider is up and can be reached from this server.'
      : 'Correct the metadata endpoint, or allow the host inside your network for this provider.',
    outcome: 'failed',
  })
}

const posted = (form: URLSearchParams, headers: Record<string, string>) => ({
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  body: form.toString(),
})

function jsonOf(
  call: Call,
  { status, headers, body }: { status: number; headers: Headers; body: Uint8Array },
): JsonAnswer {
  const contentType = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const document = isJson(contentType) ? parseJsonBody(body) : undefined
  if (document) return { status, contentType, body: document }
  throw new BrokeringError({
    step: call.step,
    check: call.check,
    publicCause: status >= 500 ? 'unreachable' : 'invalid_answer',
    cause: `The ${call.name} answered with status ${status} and ${printable(contentType) || 'no content type'}, but a JSON object is expected.`,
    fix: status === 200 ? 'Correct the metadata endpoint, or ask the administrator of the provider.' : askProvider,
    outcome: 'failed',
  })
}

const isJson = (contentType: string): boolean =>
  /^(application|text)\/(json|javascript|[\w.-]+\+json)$/.test(contentType)

const askProvider = "Look into the provider's own log."
