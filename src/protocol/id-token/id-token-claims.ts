// The claims of the ID tokens that we issue (OIDC Core §2).
import { compact } from '../../model/record.ts'

/** When and how the user authenticated. */
export interface Authentication {
  /** Milliseconds. 0 if the external provider did not state it. */
  authenticated_at: number
  acr: string
  amr: string[]
}

/** `auth_time`, `acr` and `amr`, which ID tokens and access tokens (RFC 9068 §2.2.1) share. */
export const authenticationClaims = ({ authenticated_at, acr, amr }: Authentication): Record<string, unknown> => ({
  ...(authenticated_at > 0 ? { auth_time: Math.floor(authenticated_at / 1000) } : {}),
  acr,
  amr,
})

export interface IdTokenContent {
  iss: string
  sub: string
  /** The client_id. */
  aud: string
  /** Seconds. */
  iat: number
  exp: number
  authentication: Authentication
  sid: string
  at_hash: string
  nonce: string | undefined
  /** Claims of the user, by name. */
  user: Record<string, unknown>
}

/** A claim of the protocol replaces a claim of the user with the same name. */
export function idTokenClaims({ user, authentication, nonce, ...content }: IdTokenContent): Record<string, unknown> {
  const { iss, sub, aud, iat, exp, sid, at_hash } = content
  return {
    ...user,
    ...{ iss, sub, aud, iat, exp },
    ...authenticationClaims(authentication),
    ...{ sid, at_hash },
    ...compact({ nonce }),
  }
}
