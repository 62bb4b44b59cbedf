// The interface of a client authentication method (RFC 6749 §2.3). Each method has a file of its own and is registered in methods.ts.

import type { Client } from '../../model/client.ts'
import type { RefusalDetail } from '../../model/errors.ts'
import type { RequestContext } from '../../request/context.ts'
import type { ClientRequest } from './client-request.ts'

export interface ClientAuthenticationMethod {
  /** The value of token_endpoint_auth_method (RFC 7591 §2). */
  name: string
  /** What a client must have registered to use it. */
  needs: 'nothing' | 'secret' | 'keys'
  /** The part of a request that carries the credentials, as a refusal names it. A request may use at most one. */
  carrier: string
  /** True if the request carries credentials of this method. */
  isPresented(request: ClientRequest): boolean
  /**
   * Called before the client is looked up, so that the time it takes does not depend on whether the client exists.
   * Returns undefined if the credentials name no client; throws invalid_request if they are malformed.
   */
  read(request: ClientRequest): Promise<ClientCredentials | undefined>
  /** The value of WWW-Authenticate on a refusal (RFC 6749 §5.2), if an authentication scheme of HTTP was used. */
  challenge?(issuer: string): string
}

export interface ClientCredentials {
  client_id: string
  /** `client` must be enabled and allowed to use the method. Returns undefined if the credentials are valid. */
  verify(context: RequestContext, client: Client): Promise<Refused | undefined>
}

export interface Refused {
  fault: RefusalDetail
  /** True if the caller proved that it holds the client's key, so the response may name the fault. */
  isProven?: boolean
}

export const refused = (fault: Required<RefusalDetail>): Refused => ({ fault })
