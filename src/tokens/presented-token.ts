// An access token that somebody presents: whose it is, and whether it is still good (RFC 9068 §4, DESIGN §6).

import { grantFault } from '../grants/grant-fault.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { ActiveToken } from '../grants/subject/calls.ts'
import type { RequestContext } from '../request/context.ts'
import { verifyJwt } from '../signing-keys/signing.ts'
import { isClientTokenRevoked } from './client-token.ts'
import { ownerOf, type TokenOwner } from './token-id.ts'

export interface PresentedToken {
  claims: Record<string, unknown>
  client_id: string
  jti: string
  audience: string[]
  scope: string[]
  /** Milliseconds. */
  expires_at: number
  owner: TokenOwner
}

export type TokenStanding =
  | { isActive: false; reason: string }
  /** `person`: absent for tokens without one of ours. */
  | { isActive: true; person?: ActiveToken }

/** Undefined: not signed by us, of another issuer, or not an access token. Expired ones are returned: see `expires_at`. */
export async function readAccessToken(context: RequestContext, token: string): Promise<PresentedToken | undefined> {
  const verified = await verifyJwt(context, token, { typ: ['at+jwt', 'application/at+jwt'] })
  if (!verified) return undefined
  const { claims } = verified
  const { jti, client_id, exp } = claims
  if (typeof jti !== 'string' || typeof client_id !== 'string' || typeof exp !== 'number') return undefined
  return {
    claims,
    client_id,
    jti,
    audience: listOf(claims.aud),
    scope: typeof claims.scope === 'string' ? claims.scope.split(' ') : listOf(claims.scope),
    expires_at: exp * 1000,
    owner: await ownerOf(context, jti),
  }
}

const ofAnotherClient = 'its client was deleted; the present one has only the same id'

/** At most one hop. A person's rights end at once, a client's with the configuration, within ten seconds. */
export async function standingOf(
  context: RequestContext,
  token: PresentedToken,
  forUserinfo = false,
): Promise<TokenStanding> {
  const gone = (reason: string): TokenStanding => ({ isActive: false, reason })
  if (token.expires_at <= context.now)
    return gone(`it expired ${Math.ceil((context.now - token.expires_at) / 1000)} s ago`)
  const { owner } = token
  if (owner.kind === 'foreign') {
    if (context.configuration.settings.introspect_foreign_tokens) return { isActive: true }
    return gone('it was issued by another instance, which the setting introspect_foreign_tokens does not admit')
  }
  const client = await context.configuration.findClient(token.client_id)
  if (!client?.enabled) return gone('its client is disabled or deleted')
  if (owner.kind === 'client') {
    // Its token says only when it was issued; clocks may differ by the accepted skew.
    const latest = (Number(token.claims.iat) + context.configuration.settings.clock_skew) * 1000
    if (latest < client.created_at) return gone(ofAnotherClient)
    if (!client.linked_user?.enabled || client.linked_user.sub !== token.claims.sub)
      return gone('its user is disabled or no longer linked')
    return (await isClientTokenRevoked(context, token.jti, token.expires_at))
      ? gone('it was revoked')
      : { isActive: true }
  }
  const status = await askSubject(context, owner.subject_ref, (subject) =>
    subject.tokenStatus(owner.grant_id, token.jti, forUserinfo),
  )
  if (status.outcome === 'inactive') return gone('it was revoked, or the user was disabled or signed out')
  const fault = grantFault(context, client, { ...status, created_at: status.granted_at })
  if (fault === 'client') return gone(ofAnotherClient)
  if (fault) return gone(`the person signed in by ${status.idp}, which is disabled or deleted`)
  return { isActive: true, person: status }
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')
