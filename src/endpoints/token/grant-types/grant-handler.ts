// What a grant type is: parameters and an authenticated client in, an authorization out. It issues no tokens itself.

import type { Client } from '../../../model/client.ts'
import { invalidRequest } from '../../../model/oauth-errors.ts'
import type { RequestContext } from '../../../request/context.ts'
import type { Authorization } from '../../../tokens/authorization.ts'

export interface TokenRequest {
  parameters: URLSearchParams
  client: Client
}

/** Throws OAuthError if the client gets no tokens. */
export type GrantHandler = (context: RequestContext, request: TokenRequest) => Promise<Authorization>

/** Throws invalid_request if the parameter is missing. */
export function requiredParameter(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name)
  if (value !== null) return value
  throw invalidRequest({
    description: `${name} is missing`,
    check: name,
    expected: `a ${name} parameter`,
    received: 'none',
    fix: `send ${name} in the form body`,
  })
}
