// The checks of an authorization request: they run in the order of the rows, and the first fault is the error. A column says where a check runs:
//   authorize    once, when a request arrives at the authorization endpoint;
//   reauthorise  at every later step of its interaction, against the current client record and settings.
// A further endpoint (pushed, device or CIBA requests) is a further column: each row then states its cell, or the table does not compile.

import { OAuthError } from '../../model/errors.ts'
import { chooseIdp, parseAcrValues } from './acr-values.ts'
import { grantClaims, parseRequestedClaims } from './claims.ts'
import { checkClient, checkGrantType, parseClientId } from './client.ts'
import { checkIdTokenHint } from './id-token-hint.ts'
import type { Redirectable, WithClient } from './known.ts'
import { parseDomainHint, parseLoginHint, parseUiLocales } from './login-hint.ts'
import { parseMaxAge } from './max-age.ts'
import { parseCodeChallenge, requireCodeChallenge } from './pkce.ts'
import { parsePrompt } from './prompt.ts'
import { checkRedirectUri, parseRedirectUri } from './redirect-uri.ts'
import { refuseRegistration, refuseRequest, refuseRequestUri } from './request-object.ts'
import { checkResponseMode, parseResponseMode } from './response-mode.ts'
import { checkResponseType } from './response-type.ts'
import { grantScope, parseRequestedScope } from './scope.ts'
import { parseNonce, parseState } from './state.ts'

export type Column = 'authorize' | 'reauthorise'

/** Takes what it needs from what earlier checks returned, and returns what it adds. Throws OAuthError. */
type Check = (known: never) => unknown

export interface Row extends Record<Column, boolean> {
  check: Check
  section: string
}

// biome-ignore format: a table
export const checks = [
  // Errors are shown as a page: the redirect_uri is not trusted yet (RFC 6749 §4.1.2.1).
  { check: parseClientId,        authorize: true, reauthorise: false, section: 'RFC 6749 §4.1.1' },
  { check: checkClient,          authorize: true, reauthorise: true,  section: 'RFC 6749 §2.2, §4.1.2.1' },
  { check: checkGrantType,       authorize: true, reauthorise: true,  section: 'RFC 6749 §4.1.2.1, RFC 7591 §2' },
  { check: parseRedirectUri,     authorize: true, reauthorise: false, section: 'RFC 6749 §3.1.2, RFC 9700 §2.1' },
  { check: parseResponseMode,    authorize: true, reauthorise: false, section: 'OAuth 2.0 Multiple Response Types §2.1' },
  { check: parseState,           authorize: true, reauthorise: false, section: 'RFC 6749 §4.1.1' },
  { check: checkRedirectUri,     authorize: true, reauthorise: true,  section: 'RFC 9700 §4.1.3, RFC 8252 §7.3' },
  // Errors are sent to the redirect_uri.
  { check: refuseRequest,        authorize: true, reauthorise: false, section: 'OIDC Core §6.1' },
  { check: refuseRequestUri,     authorize: true, reauthorise: false, section: 'OIDC Core §6.2' },
  { check: refuseRegistration,   authorize: true, reauthorise: false, section: 'OIDC Core §7.2.1' },
  { check: checkResponseType,    authorize: true, reauthorise: false, section: 'RFC 6749 §3.1.1' },
  { check: checkResponseMode,    authorize: true, reauthorise: false, section: 'OAuth 2.0 Multiple Response Types §2.1' },
  { check: parseRequestedScope,  authorize: true, reauthorise: false, section: 'RFC 6749 §3.3' },
  { check: grantScope,           authorize: true, reauthorise: true,  section: 'RFC 6749 §3.3' },
  { check: parseNonce,           authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseCodeChallenge,   authorize: true, reauthorise: false, section: 'RFC 7636 §4.3, §4.4.1' },
  { check: requireCodeChallenge, authorize: true, reauthorise: true,  section: 'RFC 9700 §2.1.1' },
  { check: parsePrompt,          authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseMaxAge,          authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseLoginHint,       authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseUiLocales,       authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseAcrValues,       authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: chooseIdp,            authorize: true, reauthorise: true,  section: 'OIDC Core §3.1.2.1' },
  { check: parseDomainHint,      authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
  { check: parseRequestedClaims, authorize: true, reauthorise: false, section: 'OIDC Core §5.5' },
  { check: grantClaims,          authorize: true, reauthorise: true,  section: 'OIDC Core §5.5' },
  { check: checkIdTokenHint,     authorize: true, reauthorise: false, section: 'OIDC Core §3.1.2.1' },
] as const satisfies Row[]

type Needs<Of extends Check> = Of extends (known: infer Known) => unknown ? Known : never
type Finds<Of extends Check> = Awaited<ReturnType<Of>> extends object ? Awaited<ReturnType<Of>> : unknown

/** What is known after the rows of a column. A string type, which no caller accepts, if a check runs before the one that provides its input. */
export type KnownAfter<Rows extends readonly Row[], In extends Column, Known> = Rows extends readonly [
  infer First extends Row,
  ...infer Rest extends readonly Row[],
]
  ? First[In] extends true
    ? Known extends Needs<First['check']>
      ? KnownAfter<Rest, In, Known & Finds<First['check']>>
      : `a check runs before what it needs: ${First['section']}`
    : KnownAfter<Rest, In, Known>
  : Known

/** Throws the OAuthError of the first check that fails, with the client and the redirect if earlier checks established them. */
export async function runChecks<In extends Column, Start extends object>(
  column: In,
  start: Start,
): Promise<KnownAfter<typeof checks, In, Start>> {
  const known: Partial<WithClient & Redirectable> = { ...start }
  try {
    for (const row of checks) if (row[column]) Object.assign(known, await row.check(known as never))
  } catch (error) {
    throw error instanceof OAuthError ? withCircumstances(error, known) : error
  }
  return known as KnownAfter<typeof checks, In, Start>
}

function withCircumstances(error: OAuthError, { client, redirect }: Partial<WithClient & Redirectable>): OAuthError {
  const named = client ? error.withClient(client.client_id) : error
  return redirect ? named.withRedirect(redirect) : named
}
