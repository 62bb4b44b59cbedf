// Authorization response (RFC 6749 §4.1.2, RFC 9207 `iss`, OIDC Session Management §2 `session_state`): parameters and how they travel.

export interface AuthorizationResponse {
  redirect_uri: string
  response_mode: 'query' | 'form_post'
  parameters: Record<string, string>
}

/** The redirect_uri with the parameters added to its query, which stays as it is (RFC 6749 §3.1.2). */
export function redirectLocation({ redirect_uri, parameters }: AuthorizationResponse): string {
  const query = new URLSearchParams(parameters).toString()
  const separator = !redirect_uri.includes('?')
    ? '?'
    : redirect_uri.endsWith('?') || redirect_uri.endsWith('&')
      ? ''
      : '&'
  return `${redirect_uri}${separator}${query}`
}

/** `state` is echoed as it came, and absent when it was absent. */
export function withoutAbsent(parameters: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
