// Presented access tokens: parsing them, and finding out whether they are still active (RFC 9068 §4).

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

export type PresentedTokenStatus =
  | { isActive: false; reason: string }
  /** `user` is absent if no user of ours signed in for the token. */
  | { isActive: true; user?: ActiveToken }

/**
 * Returns undefined for a token that we did not sign, of another issuer, or that is no access token. Expired tokens are returned: see
 * `expires_at`.
 */
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

const ofDeletedClient = 'its client was deleted; the present client only has the same id'

/** At most one hop. The rights of a user end at once. Those of a client end with the configuration in memory, within ten seconds. */
export async function getTokenStatus(
  context: RequestContext,
  token: PresentedToken,
  forUserinfo = false,
): Promise<PresentedTokenStatus> {
  const inactive = (reason: string): PresentedTokenStatus => ({ isActive: false, reason })
  if (token.expires_at <= context.now)
    return inactive(`it expired ${Math.ceil((context.now - token.expires_at) / 1000)} s ago`)
  const { owner } = token
  if (owner.kind === 'foreign') {
    if (context.configuration.settings.introspect_foreign_tokens) return { isActive: true }
    return inactive('it was issued by another instance, and the setting introspect_foreign_tokens is off')
  }
  const client = await context.configuration.findClient(token.client_id)
  if (!client?.enabled) return inactive('its client is disabled or deleted')
  if (owner.kind === 'client') {
    // The token does not state the client's created_at, so compare with its iat; clocks may differ by the accepted skew.
    const latest = (Number(token.claims.iat) + context.configuration.settings.clock_skew) * 1000
    if (latest < client.created_at) return inactive(ofDeletedClient)
    if (!client.linked_user?.enabled || client.linked_user.sub !== token.claims.sub)
      return inactive('its user is disabled or no longer linked')
    return (await isClientTokenRevoked(context, token.jti, token.expires_at))
      ? inactive('it was revoked')
      : { isActive: true }
  }
  const status = await askSubject(context, owner.subject_ref, (subject) =>
    subject.tokenStatus(owner.grant_id, token.jti, forUserinfo),
  )
  if (status.outcome === 'inactive') return inactive('it was revoked, or the user was disabled or signed out')
  const fault = grantFault(context, client, { ...status, created_at: status.granted_at })
  if (fault === 'client') return inactive(ofDeletedClient)
  if (fault) return inactive(`the person signed in by ${status.idp}, which is disabled or deleted`)
  return { isActive: true, user: status }
}

const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')
