// The inputs of the checks. A check declares what it needs, so the table in checks.ts compiles only if an earlier row provides it.
import type { Client } from '../../model/client.ts'
import type { ErrorRedirect } from '../../model/errors.ts'

/** The untrusted parameters. */
export interface Received {
  parameters: URLSearchParams
}

/** What the checks need of the current configuration. */
export interface ProviderView {
  findClient(clientId: string): Promise<Client | undefined>
  isEnabledScope(scope: string): boolean
  /** Claims of every enabled scope that the client may request. */
  requestableClaims(client: Client): ReadonlySet<string>
  /** True for `local`, and for an external provider that can be used now. */
  isUsableIdp(idp: string): boolean
  /** The claims of an ID token that was signed here, expired or not. Returns undefined for any other text. */
  verifyIdToken(token: string): Promise<Record<string, unknown> | undefined>
}

export interface WithProvider {
  provider: ProviderView
}

export interface WithClient {
  client: Client
}

/** Present once the redirect_uri is trusted: later errors are sent to the client (RFC 6749 §4.1.2.1). */
export interface Redirectable {
  redirect: ErrorRedirect
}

/** The parameters, for checks whose errors are sent to the client. */
export type ReceivedFromClient = Received & Redirectable
