// Authorization response (RFC 6749 §4.1.2, RFC 9207 `iss`, OIDC Session Management §2 `session_state`): its parameters, and how they travel.

export interface AuthorizationResponse {
  redirect_uri: string
  /** The name of one of the response modes (response-modes.ts). */
  response_mode: string
  parameters: Record<string, string>
}

/** What the browser is told to do: to go to an address, or to post a form there. */
export type EncodedResponse =
  | { kind: 'redirect'; location: string }
  | { kind: 'form'; action: string; fields: Record<string, string> }

/** Asynchronous, since a mode may sign what it sends. */
export type Encode = (response: AuthorizationResponse) => Promise<EncodedResponse>

/** `state` is echoed as it came, and absent when it was absent. */
export function withoutAbsent(parameters: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
