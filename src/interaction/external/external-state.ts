// A sign-in under way at an external provider. Its state travels sealed through the provider, bound to that provider and, by a cookie of its
// own, to this browser (RFC 9700 §4.7). When the cookie is gone, the state is used: nothing is kept for it on the server.

import { cookie } from '../../authentication/sessions.ts'
import { base64url, fromUtf8, parseBase64url, randomBytes, sha256, utf8 } from '../../crypto/encoding.ts'
import { OAuthError } from '../../model/errors.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import type { RequestContext } from '../../request/context.ts'
import { type Incoming, readCookie } from '../../request/incoming.ts'
import type { Interaction } from '../interaction.ts'
import { compact, isReadable, openRequest, type SealedRequest, sealedVersion } from '../sealed-request.ts'

export interface ExternalState {
  provider_id: string
  /** `created_at` of the provider: a namesake of it has not begun this. */
  provider_since: number
  /** Milliseconds: when the person was sent there. */
  begun_at: number
  /** "Keep me signed in". */
  remember: boolean
  interaction: Interaction
}

interface Sealed extends Omit<ExternalState, 'interaction'> {
  v: number
  interaction: Omit<Interaction, 'request'> & SealedRequest
  /** Hash of the secret in the cookie; its beginning is the cookie's name. */
  proof: string
}

export interface SealedState {
  sealed: string
  /** Of which nonce and code_verifier are made: only this browser has it. */
  secret: Uint8Array<ArrayBuffer>
  cookies: string[]
}

/** As many tabs may be at providers at once; then the oldest gives way (SECURITY-CASES I26). */
const mostUnderWay = 20
const nameLength = 12

export async function sealExternalState(
  context: RequestContext,
  request: Request,
  state: ExternalState,
): Promise<SealedState> {
  const secret = randomBytes(32)
  const text = base64url(secret)
  const proof = await sha256(text)
  const { id, started_at, request: parsed, expected_sub } = state.interaction
  const interaction = { id, started_at, expected_sub, ...(parsed && { request: compact(parsed) }) }
  const content: Sealed = { ...state, v: sealedVersion, interaction, proof }
  const sealed = await context.issuer.sealer.seal('external-state', utf8(JSON.stringify(content)))
  const { interaction_lifetime } = context.configuration.settings
  const value = `${context.now.toString(36)}.${text}`
  const surplus = underWay(context, request).slice(mostUnderWay - 1)
  return {
    sealed,
    secret,
    cookies: [
      ...surplus.map((name) => cookie(context, name, '', 0)),
      cookie(context, cookieName(context, proof), value, interaction_lifetime),
    ],
  }
}

/** Names of the cookies of sign-ins that are under way, the newest first. */
function underWay({ issuer }: RequestContext, request: Request): string[] {
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
  /** Takes the cookie away: a state is used once. */
  spent: string
}

/** The state of a provider's answer. Throws (a page): none, changed, used, expired, of another browser or another provider. */
export async function openExternalState(
  context: RequestContext,
  { request, parameters }: Incoming,
  providerId: string,
): Promise<OpenedState> {
  const sealed = parameters.get('state')
  const opened = sealed === null ? undefined : await context.issuer.sealer.open('external-state', sealed)
  if (!opened) throw refused('a state that was begun here', sealed ? 'a changed one' : 'none')
  const content = JSON.parse(fromUtf8(opened)) as Sealed
  if (!isReadable(content.v)) throw refused('a state of this version', `version ${content.v}`)
  const name = cookieName(context, content.proof)
  const text = readCookie(request, name)?.split('.')[1]
  const secret = text === undefined ? undefined : parseBase64url(text)
  if (text === undefined || !secret || (await sha256(text)) !== content.proof)
    throw refused('the cookie of this sign-in', 'none: it was finished before, or begun in another browser')
  if (content.provider_id !== providerId)
    throw refused(`an answer of ${content.provider_id}`, `one at the redirect_uri of ${providerId}`)
  const { interaction_lifetime } = context.configuration.settings
  if (context.now - content.begun_at > interaction_lifetime * 1000)
    throw refused(`an answer within ${interaction_lifetime} s`, 'a later one')
  const { id, started_at, expected_sub } = content.interaction
  const interaction = {
    id,
    started_at,
    ...(await openRequest(context, content.interaction)),
    ...(expected_sub === undefined ? {} : { expected_sub }),
  }
  return { ...content, interaction, secret, spent: cookie(context, name, '', 0) }
}

/** The provider that a state belongs to, if it is still the one that was gone to. */
export function providerOf(context: RequestContext, state: ExternalState): ExternalProvider | undefined {
  const provider = context.configuration.externalProviders.find((each) => each.provider_id === state.provider_id)
  return provider?.enabled && provider.created_at === state.provider_since ? provider : undefined
}

function refused(expected: string, received: string): OAuthError {
  return new OAuthError(
    'invalid_request',
    'this sign-in cannot be continued: it was used, is too old, or began elsewhere',
    {
      check: 'external_state',
      expected,
      received,
      fix: 'start again from the application; cookies of this site must be allowed',
    },
  )
}
