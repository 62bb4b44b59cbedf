// The registry of client authentication methods. Client authentication, the rules for clients, the administration API and discovery read it.

import { type ClientRequest, malformedAuthentication } from './client-request.ts'
import { clientSecretBasic, clientSecretPost } from './client-secret.ts'
import type { ClientAuthenticationMethod } from './method.ts'
import { none } from './none.ts'
import { privateKeyJwt } from './private-key-jwt.ts'

/** If two methods share a carrier, the first that the request presents is used. */
export const methods: readonly ClientAuthenticationMethod[] = [none, clientSecretBasic, clientSecretPost, privateKeyJwt]

export const methodNames = methods.map(({ name }) => name)

/** The methods for endpoints that only confidential clients may call. */
export const confidentialMethodNames = methods.filter(({ needs }) => needs !== 'nothing').map(({ name }) => name)

export const publicMethodNames = methods.filter(({ needs }) => needs === 'nothing').map(({ name }) => name)

export const findMethod = (name: string | null): ClientAuthenticationMethod | undefined =>
  methods.find((method) => method.name === name)

/**
 * The method that a request uses; `none` if it carries no credentials. Throws invalid_request if it uses two (RFC 6749 §2.3), or if its header
 * and its body name different clients.
 */
export function chooseMethod(request: ClientRequest): ClientAuthenticationMethod {
  const presented = methods.filter((method) => method.isPresented(request))
  const carriers = new Set(presented.map(({ carrier }) => carrier))
  const { basic, client_id } = request
  if (carriers.size > 1) {
    throw malformedAuthentication({
      expected: 'one method of client authentication',
      received: [...carriers].join(' and '),
      client_id,
    })
  }
  if (basic && client_id !== undefined && client_id !== basic.id) {
    throw malformedAuthentication({
      expected: `client_id ${basic.id}, as in the Authorization header`,
      received: client_id,
      client_id: basic.id,
    })
  }
  return presented[0] ?? none
}
