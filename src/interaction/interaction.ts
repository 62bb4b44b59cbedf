// An interaction: an authorization request on its way through our pages. It travels sealed in the URL and in a form field and is bound to the
// browser that began it. It holds the request, never any progress: the Subject decides each step anew.

import { cookie } from '../authentication/sessions.ts'
import { base64url, fromUtf8, randomBytes, sha256, utf8 } from '../crypto/encoding.ts'
import type { OAuthError } from '../model/errors.ts'
import { accessDenied, invalidRequest } from '../model/oauth-errors.ts'
import { compact } from '../model/record.ts'
import type { ParsedAuthorizationRequest } from '../protocol/authorization-request/authorization-request.ts'
import { hrefOf, paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import { type Incoming, readCookie } from '../request/incoming.ts'
import {
  compactRequest,
  isReadable,
  openRequest,
  restartParameters,
  type SealedRequest,
  sealedVersion,
} from './sealed-request.ts'

export interface Interaction {
  /** Also the id of the grant that it may become: 16 random bytes, base64url. */
  id: string
  /** Milliseconds. */
  started_at: number
  /** The authorization request, parsed once; each step reauthorises it. Absent for a sign-in without a client. */
  request?: ParsedAuthorizationRequest
  /** The subject of an id_token_hint that was verified when the request came. */
  expected_sub?: string
}

interface Sealed extends Omit<Interaction, 'request'>, SealedRequest {
  v: number
  /** SHA-256 of the browser cookie, base64url. */
  browser: string
}

/** Characters. */
const longestSealed = 8 * 1024

/** Seals the interaction for this browser, and sets the browser cookie if there is none. Throws invalid_request if the request is too large. */
export async function sealInteraction(
  context: RequestContext,
  request: Request,
  interaction: Interaction,
): Promise<{ sealed: string; cookies: string[] }> {
  const existing = readBrowser(context, request)
  const browser = existing ?? base64url(randomBytes(16))
  const { id, started_at, expected_sub } = interaction
  const content: Sealed = {
    ...{ v: sealedVersion, id, started_at, expected_sub },
    ...(interaction.request && { request: compactRequest(interaction.request) }),
    browser: await sha256(browser),
  }
  const sealed = await context.issuer.sealer.seal('interaction', utf8(JSON.stringify(content)))
  if (sealed.length > longestSealed) {
    throw invalidRequest({
      description: 'the authorization request is too large',
      check: 'size',
      expected: `at most about ${Math.floor((longestSealed * 3) / 4)} bytes of parameters`,
      received: `${sealed.length} characters when sealed`,
      fix: 'send a shorter state or fewer claims',
    })
  }
  return { sealed, cookies: existing ? [] : [cookie(context, context.issuer.cookies.browser, browser)] }
}

/**
 * Opens the interaction in the query of a page or in its form. Throws an error shown as a page: invalid_request if it is absent, changed or
 * expired, access_denied if it belongs to another browser.
 */
export async function openInteraction(
  context: RequestContext,
  incoming: Incoming,
): Promise<Interaction & { sealed: string }> {
  const sealed = incoming.parameters.get('interaction')
  const opened = sealed === null ? undefined : await context.issuer.sealer.open('interaction', sealed)
  if (sealed === null || !opened) {
    throw invalidRequest({
      description: 'this page must be reached from an application',
      ...interactionCheck,
      expected: 'a sealed interaction',
      received: sealed ? 'one that was changed' : 'none',
    })
  }
  const content = JSON.parse(fromUtf8(opened)) as Sealed
  const browser = readBrowser(context, incoming.request)
  if (!isReadable(content.v) || browser === undefined || (await sha256(browser)) !== content.browser) {
    throw accessDenied({
      description: 'this sign-in was begun in another browser, or cookies are blocked',
      ...interactionCheck,
      expected: 'the browser that began it',
      received: browser === undefined ? 'no browser cookie' : 'the cookie of another browser',
    })
  }
  const { interaction_lifetime } = context.configuration.settings
  if (context.now - content.started_at > interaction_lifetime * 1000) {
    const error = expired(interaction_lifetime)
    // id_token_hint is not part of the sealed request: the request repeated without it would accept any user.
    throw content.expected_sub === undefined ? error.withRestart(restartOf(context, content)) : error
  }
  const { id, started_at, expected_sub } = content
  return {
    id,
    started_at,
    sealed,
    ...(await openRequest(context, content)),
    ...compact({ expected_sub }),
  }
}

/** Returns the address that begins the same request again, offered on the page of an expired interaction. */
function restartOf({ issuer }: RequestContext, sealed: SealedRequest): string {
  const plain = restartParameters(sealed)
  return plain === undefined ? hrefOf(issuer, paths.account) : `${hrefOf(issuer, paths.authorize)}?${plain}`
}

function readBrowser(context: RequestContext, request: Request): string | undefined {
  const value = readCookie(request, context.issuer.cookies.browser)
  return value && /^[\w-]{22}$/.test(value) ? value : undefined
}

const interactionCheck = { check: 'interaction', fix: 'start again from the application' } as const

/** `lifetime`: seconds. */
const expired = (lifetime: number): OAuthError =>
  invalidRequest({
    description: 'this sign-in took too long, start again',
    ...interactionCheck,
    expected: `at most ${lifetime} s`,
    received: 'more',
  })
