// Authorization response (RFC 6749 §4.1.2, RFC 9207 `iss`, OIDC Session Management §2 `session_state`): its parameters, and how they are sent.

export interface AuthorizationResponse {
  redirect_uri: string
  /** The name of one of the response modes (response-modes.ts). */
  response_mode: string
  parameters: Record<string, string>
}

/** What the browser does: follows a redirect, or posts a form. */
export type EncodedResponse =
  | { kind: 'redirect'; location: string }
  | { kind: 'form'; action: string; fields: Record<string, string> }

/** Asynchronous, because a mode may sign what it sends. */
export type Encode = (response: AuthorizationResponse) => Promise<EncodedResponse>
