// The context of one request: deployment, issuer, time, configuration, caller, and a count of the round trips out of the isolate.

import type { OAuthError } from '../model/errors.ts'
import { serviceUnavailable } from '../model/oauth-errors.ts'
import type { ConfigurationView } from './configuration.ts'
import type { Deployment } from './deployment.ts'
import type { Issuer } from './issuer.ts'

export interface RequestClient {
  client_id: string
  /**
   * `authentication`: client authentication succeeded; a public client is known by its id alone.
   * `authorization_request`: an authorization request names this enabled client.
   * `access_token`: an access token that we signed names it.
   * `claim`: the caller named it and was refused.
   */
  knownBy: 'authentication' | 'authorization_request' | 'access_token' | 'claim'
}

export type LogFields = Record<string, string | number | boolean | undefined>

/** Write-only. A later value of a field replaces the earlier one. */
export type Log = (fields: LogFields) => void

export interface RequestContext {
  env: Env
  deployment: Deployment
  issuer: Issuer
  /** Clients, scopes, provider settings and keys, at most ten seconds old. */
  configuration: ConfigurationView
  /** Milliseconds since 1970. */
  now: number
  requestId: string
  /** The caller's network, by the address that the platform states, for rate limits; 'unknown' if it states none. */
  address: string
  /** Sequential round trips out of the isolate so far (DESIGN §4). */
  hops: number
  /** The client of the request, as far as it is known. CORS and the refusal rings depend on it. */
  client: RequestClient | undefined
  /** Who changes records, for audit events: set by the guard of the administration API, otherwise undefined. */
  actor: string | undefined
  /** The fault on our side or beyond the isolate, for the operator alone. */
  fault: string | undefined
  /** Adds fields to the one log line of the request. Nothing can read them back. Never pass a secret. */
  log: Log
  waitUntil(promise: Promise<unknown>): void
}

const patienceMilliseconds = 4000

/** Who makes a change, for its audit event. Throws if no guard has named anyone: a change without an actor is a bug. */
export function actorOf({ actor }: Pick<RequestContext, 'actor'>): string {
  if (actor === undefined) throw new Error('a change without an actor')
  return actor
}

/**
 * One round trip. Whatever goes wrong on the way is 503 `temporarily_unavailable` with Retry-After: nothing was issued that we know of, and
 * the client may try again. A refresh is repeatable; a code whose redemption was committed but not answered is then refused as used.
 */
export async function hop<T>(
  context: Pick<RequestContext, 'hops' | 'fault'>,
  store: string,
  call: () => Promise<T>,
): Promise<T> {
  context.hops += 1
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMilliseconds} ms`)), patienceMilliseconds)
  })
  try {
    return await Promise.race([call(), timeout])
  } catch (fault) {
    throw unanswered(context, store, fault)
  } finally {
    clearTimeout(timer)
  }
}

/** Returns the 503 for the caller, and logs the cause. */
export function unanswered(context: Pick<RequestContext, 'fault'>, store: string, fault: unknown): OAuthError {
  context.fault = `${store}: ${innermost(fault)}`
  return serviceUnavailable(`${store} did not answer`)
}

/** The message of the innermost cause. A query builder's own message repeats the values of the query. */
export function innermost(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault)
  return fault.cause === undefined ? fault.message : innermost(fault.cause)
}
