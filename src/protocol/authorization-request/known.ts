// What the checks of an authorization request know: each states what it needs, and so cannot stand above the check that finds it out.
import type { Client } from '../../model/client.ts'
import type { ErrorRedirect } from '../../model/errors.ts'

/** What a stranger sent. */
export interface Received {
  parameters: URLSearchParams
}

/** This provider as it is now, as far as checks depend on it. */
export interface ProviderView {
  findClient(clientId: string): Promise<Client | undefined>
  isEnabledScope(scope: string): boolean
  /** Claims of every enabled scope that the client may request. */
  requestableClaims(client: Client): ReadonlySet<string>
  /** `local`, or an external provider that can be used now. */
  isUsableIdp(idp: string): boolean
  /** The claims of an ID token that this provider signed, expired or not; undefined: it is none. */
  verifyIdToken(token: string): Promise<Record<string, unknown> | undefined>
}

export interface WithProvider {
  provider: ProviderView
}

export interface WithClient {
  client: Client
}

/** Present once the redirect_uri is trusted: from there on, an error goes to the client (RFC 6749 §4.1.2.1). */
export interface Redirectable {
  redirect: ErrorRedirect
}

/** Parameters whose faults go to the client. */
export type ReceivedFromClient = Received & Redirectable
