// Token introspection (RFC 7662): a confidential client asks about tokens issued to it, or for a resource it is registered for.

import { authenticateClient } from '../clients/authentication/client-authentication.ts'
import { hashSecret, openHandle } from '../grants/handles.ts'
import { askSubject } from '../grants/subject/ask-subject.ts'
import type { Client } from '../model/client.ts'
import { invalidClient, temporarilyUnavailable } from '../model/oauth-errors.ts'
import { acceptedIdps, isAcceptedIdp } from '../protocol/login-choice.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import { type PresentedToken, readAccessToken, standingOf } from '../tokens/presented-token.ts'
import { requiredToken } from './required-token.ts'

export async function introspection(context: RequestContext, { request, parameters }: Incoming): Promise<Response> {
  const { client, method } = await authenticateClient(context, request, parameters)
  // RFC 7662 §2.1: some form of authorization is required; a public client has none.
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
  const answer = (await aboutAccessToken(context, client, token)) ?? (await aboutRefreshToken(context, client, token))
  if (!answer) await countMiss(context, client)
  // RFC 7662 §2.2: nothing but `active` about a token that is not this client's business.
  return Response.json(answer ?? { active: false }, { headers: { 'cache-control': 'no-store' } })
}

async function aboutAccessToken(
  context: RequestContext,
  client: Client,
  text: string,
): Promise<Record<string, unknown> | undefined> {
  const token = await readAccessToken(context, text)
  if (!token || !mayAsk(context, client, token)) return undefined
  const standing = await standingOf(context, token)
  if (!standing.isActive) return undefined
  const { iss, sub, aud, exp, iat, nbf, auth_time, acr } = token.claims
  const username = standing.person?.username
  return {
    active: true,
    scope: token.scope.join(' '),
    client_id: token.client_id,
    token_type: 'Bearer',
    jti: token.jti,
    ...withoutUndefined({ iss, sub, aud, exp, iat, nbf, auth_time, acr, username }),
  }
}

function mayAsk({ configuration }: RequestContext, client: Client, token: PresentedToken): boolean {
  if (token.client_id === client.client_id) return true
  return configuration.resources.some(
    ({ identifier, introspection_client_id }) =>
      introspection_client_id === client.client_id && token.audience.includes(identifier),
  )
}

async function aboutRefreshToken(
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

/** Asking for tokens at random is throttled (RFC 7662 §4); asking about live ones never is. */
async function countMiss(context: RequestContext, client: Client): Promise<void> {
  const { success } = await context.env.ANONYMOUS_RATE.limit({ key: `introspect:${client.client_id}` })
  if (success) return
  throw temporarilyUnavailable({
    description: 'too many unknown tokens',
    status: 429,
    check: 'rate',
    expected: 'few questions about tokens that are not active',
    received: 'too many in a minute',
    fix: 'look why the resource server receives so many bad tokens',
    retryAfter: 60,
  })
}

const withoutUndefined = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
