// The `state` of a sign-in at an external provider. It travels sealed through the provider, is bound to that provider and, by a cookie of its
// own, to this browser (RFC 9700 §4.7). It can be used once: the callback deletes the cookie. The server stores nothing for it.

import { cookie } from '../../authentication/sessions.ts'
import { base64url, fromUtf8, parseBase64url, randomBytes, sha256, utf8 } from '../../crypto/encoding.ts'
import type { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { invalidRequest } from '../../model/oauth-errors.ts'
import { compact } from '../../model/record.ts'
import type { RequestContext } from '../../request/context.ts'
import { type Incoming, readCookie } from '../../request/incoming.ts'
import type { Interaction } from '../interaction.ts'
import { compactRequest, isReadable, openRequest, type SealedRequest, sealedVersion } from '../sealed-request.ts'

export interface ExternalState {
  provider_id: string
  /** `created_at` of the external provider: a provider created again under the same id must not accept this state. */
  provider_since: number
  /** Milliseconds: when the person was redirected to the external provider. */
  begun_at: number
  /** "Keep me signed in". */
  remember: boolean
  interaction: Interaction
}

interface Sealed extends Omit<ExternalState, 'interaction'> {
  v: number
  interaction: Omit<Interaction, 'request'> & SealedRequest
  /** SHA-256 of the secret in the cookie, base64url. Its first characters are part of the cookie's name. */
  proof: string
}

export interface SealedState {
  sealed: string
  /** nonce and code_verifier are derived from it. Only this browser's cookie holds it. */
  secret: Uint8Array<ArrayBuffer>
  cookies: string[]
}

/** Sign-ins that may be pending in one browser. One more replaces the oldest (SECURITY-CASES I26). */
const maxPending = 20
/** Characters of the proof in a cookie's name. */
const nameLength = 12

/** Seals the state and sets its cookie. */
export async function sealExternalState(
  context: RequestContext,
  request: Request,
  state: ExternalState,
): Promise<SealedState> {
  const secret = randomBytes(32)
  const text = base64url(secret)
  const proof = await sha256(text)
  const { id, started_at, request: parsed, expected_sub } = state.interaction
  const interaction = { id, started_at, expected_sub, ...(parsed && { request: compactRequest(parsed) }) }
  const content: Sealed = { ...state, v: sealedVersion, interaction, proof }
  const sealed = await context.issuer.sealer.seal('external-state', utf8(JSON.stringify(content)))
  const { interaction_lifetime } = context.configuration.settings
  const value = `${context.now.toString(36)}.${text}`
  const surplus = pendingCookies(context, request).slice(maxPending - 1)
  return {
    sealed,
    secret,
    cookies: [
      ...surplus.map((name) => cookie(context, name, '', 0)),
      cookie(context, cookieName(context, proof), value, interaction_lifetime),
    ],
  }
}

/** Returns the names of the cookies of pending sign-ins, newest first. */
function pendingCookies({ issuer }: RequestContext, request: Request): string[] {
  const begunAt = (name: string) => Number.parseInt(readCookie(request, name)?.split('.', 1)[0] ?? '', 36) || 0
  return (request.headers.get('cookie') ?? '')
    .split(';')
    .map((pair) => pair.split('=', 1)[0]?.trim() ?? '')
    .filter((name) => name.startsWith(issuer.cookies.external))
    .sort((a, b) => begunAt(b) - begunAt(a))
}

const cookieName = ({ issuer }: RequestContext, proof: string): string =>
  issuer.cookies.external + proof.slice(0, nameLength)

export interface OpenedState extends ExternalState {
  secret: Uint8Array<ArrayBuffer>
  /** Set-Cookie line that deletes the cookie: a state is used once. */
  clearedCookie: string
}

/**
 * Opens the `state` of an external provider's response. Throws invalid_request (a page) if it is absent, changed, used or expired, or if it
 * belongs to another browser or another provider.
 */
export async function openExternalState(
  context: RequestContext,
  { request, parameters }: Incoming,
  providerId: string,
): Promise<OpenedState> {
  const sealed = parameters.get('state')
  const opened = sealed === null ? undefined : await context.issuer.sealer.open('external-state', sealed)
  if (!opened)
    throw invalidState({ expected: 'a state that was begun here', received: sealed ? 'a changed one' : 'none' })
  const content = JSON.parse(fromUtf8(opened)) as Sealed
  if (!isReadable(content.v))
    throw invalidState({ expected: 'a state of this version', received: `version ${content.v}` })
  const name = cookieName(context, content.proof)
  const text = readCookie(request, name)?.split('.')[1]
  const secret = text === undefined ? undefined : parseBase64url(text)
  if (text === undefined || !secret || (await sha256(text)) !== content.proof)
    throw invalidState({
      expected: 'the cookie of this sign-in',
      received: 'none: it was finished before, or begun in another browser',
    })
  if (content.provider_id !== providerId)
    throw invalidState({
      expected: `a response of ${content.provider_id}`,
      received: `one at the redirect_uri of ${providerId}`,
    })
  const { interaction_lifetime } = context.configuration.settings
  if (context.now - content.begun_at > interaction_lifetime * 1000)
    throw invalidState({ expected: `a response within ${interaction_lifetime} s`, received: 'a later one' })
  const { id, started_at, expected_sub } = content.interaction
  const interaction = {
    id,
    started_at,
    ...(await openRequest(context, content.interaction)),
    ...compact({ expected_sub }),
  }
  return { ...content, interaction, secret, clearedCookie: cookie(context, name, '', 0) }
}

/** Returns the external provider of a state, or undefined if it was disabled, deleted or created again since. */
export function providerOf(context: RequestContext, state: ExternalState): ExternalProvider | undefined {
  const provider = context.configuration.externalProviders.find((each) => each.provider_id === state.provider_id)
  return provider?.enabled && provider.created_at === state.provider_since ? provider : undefined
}

const invalidState = (detail: { expected: string; received: string }): OAuthError =>
  invalidRequest({
    description: 'this sign-in cannot be continued: it was used, is too old, or began elsewhere',
    check: 'external_state',
    ...detail,
    fix: 'start again from the application; cookies of this site must be allowed',
  })
