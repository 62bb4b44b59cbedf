// Token introspection (RFC 7662): for tokens that were issued to the asking client, or for a resource whose introspection client it is.

import { authenticateClient } from '../clients/authentication/client-authentication.ts'
import { hashSecret, openHandle } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { Client } from '../model/client.ts'
import { invalidClient, temporarilyUnavailable } from '../model/oauth-errors.ts'
import { acceptedIdps, isAcceptedIdp } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { getTokenStatus, type PresentedToken, readAccessToken } from '../tokens/presented-token.ts'
import { requiredToken } from './required-token.ts'

export async function introspection(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const { client, method } = await authenticateClient(context, request, parameters)
  // RFC 7662 §2.1 requires authorization, which a public client cannot give.
  if (method === 'none') {
    throw invalidClient({
      description: 'introspection needs client authentication',
      check: 'client_authentication',
      expected: 'a confidential client',
      received: `${client.client_id}, a public client`,
      fix: 'let the resource server introspect with a client and secret of its own',
    })
  }
  const token = requiredToken(parameters)
  const active =
    (await introspectAccessToken(context, client, token)) ?? (await introspectRefreshToken(context, client, token))
  if (!active) await countMiss(context, client)
  // RFC 7662 §2.2: the response says nothing more of a token that is inactive or that this client may not introspect.
  return Response.json(active ?? { active: false }, { headers: { 'cache-control': 'no-store' } })
}

/** Returns undefined if the token is not active or the client may not introspect it. */
async function introspectAccessToken(
  context: RequestContext,
  client: Client,
  text: string,
): Promise<Record<string, unknown> | undefined> {
  const token = await readAccessToken(context, text)
  if (!token || !mayIntrospect(context, client, token)) return undefined
  const status = await getTokenStatus(context, token)
  if (!status.isActive) return undefined
  const { iss, sub, aud, exp, iat, nbf, auth_time, acr } = token.claims
  const username = status.user?.username
  return {
    active: true,
    scope: token.scope.join(' '),
    client_id: token.client_id,
    token_type: 'Bearer',
    jti: token.jti,
    ...withoutUndefined({ iss, sub, aud, exp, iat, nbf, auth_time, acr, username }),
  }
}

function mayIntrospect({ configuration }: RequestContext, client: Client, token: PresentedToken): boolean {
  if (token.client_id === client.client_id) return true
  return configuration.resources.some(
    ({ identifier, introspection_client_id }) =>
      introspection_client_id === client.client_id && token.audience.includes(identifier),
  )
}

/** Returns undefined if the token is not active or was issued to another client. */
async function introspectRefreshToken(
  context: RequestContext,
  client: Client,
  text: string,
): Promise<Record<string, unknown> | undefined> {
  const handle = await openHandle(context, 'refresh-token', text)
  if (!handle) return undefined
  const hash = await hashSecret(handle.secret)
  const status = await askSubject(context, handle.subject_ref, (subject) =>
    subject.refreshTokenStatus(handle.id, hash, context.now),
  )
  if (status.outcome === 'inactive' || status.client_id !== client.client_id) return undefined
  const { scope, client_id, sub, idp, granted_at } = status
  if (!isAcceptedIdp(acceptedIdps(context.configuration.externalProviders), idp, granted_at)) return undefined
  return { active: true, scope: scope.join(' '), client_id, sub, iss: context.issuer.url }
}

/** Throttles a client that introspects tokens at random (RFC 7662 §4). Requests for active tokens are never throttled. Throws 429. */
async function countMiss(context: RequestContext, client: Client): Promise<void> {
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key: `introspect:${client.client_id}` })
  if (success) return
  throw temporarilyUnavailable({
    description: 'too many unknown tokens',
    status: 429,
    check: 'rate',
    expected: 'few introspection requests for tokens that are not active',
    received: 'too many in a minute',
    fix: 'find out why the resource server receives so many invalid tokens',
    retryAfter: 60,
  })
}

const withoutUndefined = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
