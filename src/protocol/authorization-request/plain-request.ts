// The parameters that a parsed request came from, to begin the same request again (an expired interaction offers that).
import type { ParsedAuthorizationRequest } from './authorization-request.ts'
import type { ClaimsRequest } from './claims.ts'

/**
 * Parses to the same request again. Only for a request that came in plain parameters, as all do today: one that came signed or pushed must
 * never be sent as a query, which anybody could change.
 */
export function plainParameters(request: ParsedAuthorizationRequest): URLSearchParams {
  const { code_challenge, prompt, max_age, ui_locales, acr_values, requested_idp, requested_claims } = request
  const entries: [string, string | undefined][] = [
    ['client_id', request.client_id],
    ['redirect_uri', request.redirect_uri],
    ['response_type', 'code'],
    ['response_mode', request.response_mode],
    ['scope', request.requested_scope.join(' ')],
    ['state', request.state],
    ['nonce', request.nonce],
    ['code_challenge', code_challenge],
    ['code_challenge_method', code_challenge && 'S256'],
    ['prompt', prompt.join(' ')],
    ['max_age', max_age?.toString()],
    ['login_hint', request.login_hint],
    ['ui_locales', ui_locales?.join(' ')],
    ['acr_values', acr_values?.join(' ')],
    ['idp', requested_idp],
    ['domain_hint', request.domain_hint],
    ['claims', requested_claims && claimsParameter(requested_claims)],
  ]
  return new URLSearchParams(entries.filter((entry): entry is [string, string] => Boolean(entry[1])))
}

function claimsParameter({ userinfo, id_token, essential_acr, sub }: ClaimsRequest): string {
  const entryOf = (claim: string, isIdToken: boolean) => {
    if (claim === 'sub' && sub !== undefined) return { value: sub }
    return isIdToken && claim === 'acr' && essential_acr ? { essential: true, values: essential_acr } : null
  }
  const member = (claims: string[], isIdToken: boolean) =>
    Object.fromEntries(claims.map((claim) => [claim, entryOf(claim, isIdToken)]))
  return JSON.stringify({ userinfo: member(userinfo, false), id_token: member(id_token, true) })
}
