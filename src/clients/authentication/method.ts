// What a method of client authentication states of itself (RFC 6749 §2.3): one file for each, registered in methods.ts.

import type { Client } from '../../model/client.ts'
import type { RefusalDetail } from '../../model/errors.ts'
import type { RequestContext } from '../../request/context.ts'
import type { ClientRequest } from './client-request.ts'

export interface ClientAuthenticationMethod {
  /** The value of token_endpoint_auth_method (RFC 7591 §2). */
  name: string
  /** What a client must have registered to use it. */
  needs: 'nothing' | 'secret' | 'keys'
  /** The part of a request that carries its credentials, as a refusal names it: a request fills one such part at most. */
  carrier: string
  /** Methods that share a carrier tell each other's credentials apart here. */
  isPresented(request: ClientRequest): boolean
  /**
   * Called if the method is presented, and before the client is looked up: what costs time for the right client costs it for an unknown one.
   * Returns undefined if the credentials name no client; throws invalid_request if they are malformed.
   */
  read(request: ClientRequest): Promise<ClientCredentials | undefined>
  /** The value of WWW-Authenticate on a refusal (RFC 6749 §5.2), if an authentication scheme of HTTP was used. */
  challenge?(issuer: string): string
}

export interface ClientCredentials {
  client_id: string
  /** `client` is enabled and may use the method. Returns what is wrong, if anything is. */
  verify(context: RequestContext, client: Client): Promise<Refused | undefined>
}

export interface Refused {
  fault: RefusalDetail
  /** The caller holds the client's key, so it may be told what is wrong. */
  isProven?: boolean
}

export const refused = (fault: Required<RefusalDetail>): Refused => ({ fault })
