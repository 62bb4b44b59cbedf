// An interaction: an authorization request on its way through our pages. It travels sealed in the URL and in a form field, bound to the
// browser that began it, and holds the request and never any progress (DESIGN §6).

import { cookie } from '../authentication/sessions.ts'
import { base64url, fromUtf8, randomBytes, sha256, utf8 } from '../crypto/encoding.ts'
import { OAuthError } from '../model/errors.ts'
import type { ParsedAuthorizationRequest } from '../protocol/authorization-request/authorization-request.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import { type Incoming, readCookie } from '../request/incoming.ts'
import {
  compact,
  isReadable,
  openRequest,
  restartParameters,
  type SealedRequest,
  sealedVersion,
} from './sealed-request.ts'

export interface Interaction {
  /** Also the id of the grant it becomes: 16 random bytes, base64url. */
  id: string
  /** Milliseconds. */
  started_at: number
  /** The authorization request, parsed once; each step reauthorises it. Absent: a sign-in without a client. */
  request?: ParsedAuthorizationRequest
  /** The subject of an id_token_hint that was verified when the request came. */
  expected_sub?: string
}

interface Sealed extends Omit<Interaction, 'request'>, SealedRequest {
  v: number
  /** Hash of the browser cookie. */
  browser: string
}

const longestSealed = 8 * 1024

/** Seals it for this browser; sets the browser cookie if there is none. Throws invalid_request when the request is too large. */
export async function sealInteraction(
  context: RequestContext,
  request: Request,
  interaction: Interaction,
): Promise<{ sealed: string; cookies: string[] }> {
  const known = readBrowser(context, request)
  const browser = known ?? base64url(randomBytes(16))
  const { id, started_at, expected_sub } = interaction
  const content: Sealed = {
    ...{ v: sealedVersion, id, started_at, expected_sub },
    ...(interaction.request && { request: compact(interaction.request) }),
    browser: await sha256(browser),
  }
  const sealed = await context.issuer.sealer.seal('interaction', utf8(JSON.stringify(content)))
  if (sealed.length > longestSealed) {
    throw new OAuthError('invalid_request', 'the authorization request is too large', {
      check: 'size',
      expected: `at most about ${Math.floor((longestSealed * 3) / 4)} bytes of parameters`,
      received: `${sealed.length} characters when sealed`,
      fix: 'send a shorter state or fewer claims',
    })
  }
  return { sealed, cookies: known ? [] : [cookie(context, context.issuer.cookies.browser, browser)] }
}

/** From the query of a page or the field of its form. Throws (a page): absent, changed, expired, or of another browser. */
export async function openInteraction(
  context: RequestContext,
  incoming: Incoming,
): Promise<Interaction & { sealed: string }> {
  const sealed = incoming.parameters.get('interaction')
  const opened = sealed === null ? undefined : await context.issuer.sealer.open('interaction', sealed)
  if (sealed === null || !opened) {
    throw refused(
      'this page must be reached from an application',
      'a sealed interaction',
      sealed ? 'one that was changed' : 'none',
      400,
    )
  }
  const content = JSON.parse(fromUtf8(opened)) as Sealed
  const browser = readBrowser(context, incoming.request)
  if (!isReadable(content.v) || browser === undefined || (await sha256(browser)) !== content.browser) {
    const received = browser === undefined ? 'no browser cookie' : 'the cookie of another browser'
    throw refused(
      'this sign-in was begun in another browser, or cookies are blocked',
      'the browser that began it',
      received,
      403,
    )
  }
  const { interaction_lifetime } = context.configuration.settings
  if (context.now - content.started_at > interaction_lifetime * 1000) {
    const error = refused('this sign-in took too long, start again', `at most ${interaction_lifetime} s`, 'more', 400)
    // The hint did not travel along: the same request without it would take whoever signs in.
    throw content.expected_sub === undefined ? error.withRestart(restartOf(context, content)) : error
  }
  const { id, started_at, expected_sub } = content
  return {
    id,
    started_at,
    sealed,
    ...(await openRequest(context, content)),
    ...(expected_sub === undefined ? {} : { expected_sub }),
  }
}

/** An expired interaction offers to begin the same request again. */
function restartOf({ issuer }: RequestContext, sealed: SealedRequest): string {
  const plain = restartParameters(sealed)
  return plain === undefined ? hrefOf(issuer, paths.account) : `${hrefOf(issuer, paths.authorize)}?${plain}`
}

function readBrowser(context: RequestContext, request: Request): string | undefined {
  const value = readCookie(request, context.issuer.cookies.browser)
  return value && /^[\w-]{22}$/.test(value) ? value : undefined
}

function refused(description: string, expected: string, received: string, status: number): OAuthError {
  const detail = { check: 'interaction', expected, received, fix: 'start again from the application' }
  return new OAuthError(status === 403 ? 'access_denied' : 'invalid_request', description, detail, { status })
}
