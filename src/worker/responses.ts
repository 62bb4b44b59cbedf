// The only place where an error becomes a Response: JSON for machines, a page for people, a redirect once the redirect_uri is trusted, problem+json for
// operators. The caller gets the registered code, a safe description and the request id; the operator finds the detail under that id.

import { frameOf, htmlPage } from '../interaction/page.ts'
import { authorizationResponse } from '../interaction/send-authorization-response.ts'
import { type ErrorRedirect, OAuthError, Problem } from '../model/errors.ts'
import { problemResponse } from '../model/problem.ts'
import { problemOf } from '../model/problems.ts'
import { compact } from '../model/record.ts'
import { renderError } from '../pages/error.tsx'
import type { RequestContext } from '../request/context.ts'
import type { ErrorForm } from '../request/route.ts'

export async function errorResponse(
  context: RequestContext,
  error: unknown,
  form: ErrorForm,
  request: Request,
): Promise<Response> {
  if (form === 'problem') return problemResponse(asProblem(error), context.requestId)
  const refusal = asOAuthError(error)
  if (refusal.redirect && isForClient(refusal)) return redirectError(context, refusal, refusal.redirect, request)
  return form === 'page' ? errorPage(context, refusal, request) : errorJson(refusal, context.requestId)
}

/** An outage is shown as a page of ours: a redirect would leave the user with an error that the application cannot explain. */
const isForClient = (error: OAuthError): boolean => error.status < 500

function errorJson(error: OAuthError, requestId: string): Response {
  const body = { error: error.code, error_description: described(error, requestId) }
  const headers = { 'cache-control': 'no-store', pragma: 'no-cache', ...error.headers }
  return Response.json(body, { status: error.status, headers })
}

function errorPage(context: RequestContext, error: OAuthError, request: Request): Response {
  const frame = frameOf(context, request)
  const html = renderError({
    frame,
    status: error.status,
    code: error.code,
    description: error.description,
    ...(error.restart ? { action: { href: error.restart, label: 'try_again' as const } } : {}),
  })
  return htmlPage(html, frame.nonce, { status: error.status, headers: error.headers })
}

/** RFC 6749 §4.1.2.1, RFC 9207 §2: state and iss go with errors too. */
function redirectError(
  context: RequestContext,
  error: OAuthError,
  redirect: ErrorRedirect,
  request: Request,
): Promise<Response> {
  const parameters = compact({
    error: error.code,
    error_description: described(error, context.requestId),
    state: redirect.state,
    iss: context.issuer.url,
  })
  const { redirect_uri, response_mode } = redirect
  return authorizationResponse(context, request, { redirect_uri, response_mode, parameters }, error.cookies)
}

const described = (error: OAuthError, requestId: string): string => `${error.description} (request ${requestId})`

/** An unexpected error becomes server_error. Its cause is logged under the request id and not sent. */
export function asOAuthError(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  const detail = {
    check: 'server_error',
    expected: 'no fault in the provider',
    received: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    fix: 'look for the request id in the log',
  }
  return new OAuthError('server_error', 'something went wrong here', detail, { cause: error })
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return problemOf(asOAuthError(error))
}
