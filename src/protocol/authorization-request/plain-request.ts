// Turns a parsed request back into parameters, so that an expired interaction can offer to start the same request again.
import type { ParsedAuthorizationRequest } from './authorization-request.ts'
import type { ClaimsRequest } from './claims.ts'

/**
 * The parameters parse to the same request. Only for requests that arrived as plain parameters, as all do today: a signed or pushed request must
 * never become a query, which the browser's user could change.
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
