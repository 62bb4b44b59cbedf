// Records the attempts of sign-in by external providers, so that operators can answer questions about them.

import type { UpstreamLogin } from '../model/external-provider.ts'
import type { BrokeringError, FieldChange, LoginAttempt } from '../model/login-attempt.ts'
import { innermost, type RequestContext } from '../request/context.ts'
import { openDatabase, runBatch } from '../storage/database.ts'
import { insertLoginAttempt } from '../storage/login-attempts.ts'

export function succeededAttempt(
  context: RequestContext,
  providerId: string,
  login: UpstreamLogin,
  userId: string,
  changes: FieldChange[],
): LoginAttempt {
  return {
    at: context.now,
    provider_id: providerId,
    outcome: 'signed_in',
    step: 'session',
    check_name: null,
    cause: null,
    fix: null,
    user_id: userId,
    issuer: login.issuer,
    subject: login.subject,
    sid: login.sid ?? null,
    request_id: context.requestId,
    changes,
    claims: keptClaims(login.claims),
  }
}

export function failedAttempt(context: RequestContext, providerId: string, error: BrokeringError): LoginAttempt {
  const { step, outcome, check, message, fix, changes, known } = error
  return {
    at: context.now,
    provider_id: providerId,
    outcome,
    step,
    check_name: check,
    cause: message.slice(0, longest),
    fix: fix.slice(0, longest),
    user_id: known.user_id ?? null,
    issuer: known.issuer ?? null,
    subject: known.subject ?? null,
    sid: null,
    request_id: context.requestId,
    changes: [...changes],
    claims: known.claims ? keptClaims(known.claims) : null,
  }
}

/** Writes behind the response. Anonymous callers can cause failed attempts, so these are stored within the rate of an address; beyond it they are only logged. */
export function recordAttempt(context: RequestContext, attempt: LoginAttempt): void {
  const { outcome, check_name } = attempt
  context.log({ attempt: outcome, ...(check_name ? { check: check_name } : {}) })
  context.waitUntil(write(context, attempt).catch((fault: unknown) => warn(context, fault)))
}

async function write({ env, address }: RequestContext, attempt: LoginAttempt): Promise<void> {
  if (attempt.outcome !== 'signed_in') {
    const { success } = await env.ANONYMOUS_RATE.limit({ key: `attempt:${address}` })
    if (!success) return
  }
  await runBatch(openDatabase(env.DB), [insertLoginAttempt(openDatabase(env.DB), attempt)])
}

function warn({ requestId }: RequestContext, fault: unknown): void {
  const line = {
    level: 'warn',
    message: 'a login attempt was not kept',
    request_id: requestId,
    fault: innermost(fault),
  }
  console.warn(JSON.stringify(line))
}

/** Characters. */
const longest = 1000
const longestClaims = 16 * 1024
/** Claims of the protocol, which say nothing about the person. */
const protocolClaims = ['nonce', 'at_hash', 'c_hash', 's_hash', 'jti', 'rh', 'uti', 'aio']

/** The received claims for a later dry run, without those of the protocol. Of a document that is too large only the claim names are stored. */
function keptClaims(claims: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => !protocolClaims.includes(name)))
  if (JSON.stringify(kept).length <= longestClaims) return kept
  const { iss, sub } = claims
  return { iss, sub, too_large_to_keep: Object.keys(kept).slice(0, 100) }
}
