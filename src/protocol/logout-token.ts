// The claims of a logout token from an external provider (OIDC Back-Channel Logout §2.4, §2.6), once its signature is verified.
import {
  checkAudience,
  checkExpiry,
  checkIssuedAt,
  checkIssuer,
  checkSubject,
  firstFault,
  type IdTokenExpectation,
  type TokenCheck,
} from './id-token/id-token-checks.ts'

/** `sub`, `sid` or both are present. `iat` in seconds. */
export type LogoutTokenClaims = { issuer: string; sub?: string; sid?: string; jti: string; iat: number }

/** `fault`: one plain sentence for the operator. The caller checks that the `jti` is new (§2.6). */
export function validateLogoutTokenClaims(
  claims: Record<string, unknown>,
  expected: IdTokenExpectation,
): LogoutTokenClaims | { fault: string } {
  const fault = firstFault(logoutTokenChecks, claims, expected)
  return fault ? { fault: fault.cause } : parsed(claims)
}

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** A logout token ends no sign-in attempt, so a fault needs no `check` and no `fix`. */
const logoutTokenChecks: TokenCheck<{ cause: string }>[] = [
  checkIssuer,
  checkAudience,
  checkIssuedAt,
  // §2.4 requires exp since 2022; older providers leave it out.
  (claims, expected) => (claims.exp === undefined ? undefined : checkExpiry(claims, expected)),
  ({ events }) =>
    isObject(events) && isObject(events[event]) ? undefined : { cause: 'The token is not a logout token.' },
  // §2.4: a logout token has no nonce, so that an ID token cannot be used as one.
  ({ nonce }) => (nonce === undefined ? undefined : { cause: 'A logout token must not have a nonce.' }),
  ({ jti }) => (isText(jti) ? undefined : { cause: 'The logout token has no jti of 1 to 512 characters.' }),
  ({ sub, sid }) =>
    sub === undefined && sid === undefined ? { cause: 'The logout token names neither sub nor sid.' } : undefined,
  (claims) => (claims.sub === undefined ? undefined : checkSubject(claims)),
  ({ sid }) =>
    sid === undefined || isText(sid)
      ? undefined
      : { cause: "The logout token's sid is not a text of 1 to 512 characters." },
]

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 512

function parsed({ iss, sub, sid, jti, iat }: Record<string, unknown>): LogoutTokenClaims {
  return {
    issuer: String(iss),
    jti: String(jti),
    iat: Number(iat),
    ...(sub === undefined ? {} : { sub: String(sub) }),
    ...(sid === undefined ? {} : { sid: String(sid) }),
  }
}
