// ID tokens (OIDC Core §2): protocol claims, and those claims of the user that were requested or that a scope puts there.

import { clientSessionId } from '../authentication/sessions.ts'
import { selectClaims } from '../protocol/claims.ts'
import { claimHash } from '../protocol/id-token/claim-hash.ts'
import { idTokenClaims } from '../protocol/id-token/id-token-claims.ts'
import type { RequestContext } from '../request/context.ts'
import { signJwt } from '../signing-keys/signing.ts'
import type { Authorization, SignIn } from './authorization.ts'

export interface IdTokenRequest extends Pick<Authorization, 'client' | 'iat'> {
  sign_in: SignIn
  access_token: string
}

export async function issueIdToken(context: RequestContext, request: IdTokenRequest): Promise<string> {
  const { client, iat, access_token } = request
  const { user, grant, nonce } = request.sign_in
  const { settings, scopes } = context.configuration
  const alg = client.id_token_signed_response_alg ?? settings.id_token_signing_alg
  const claims = idTokenClaims({
    iss: context.issuer.url,
    sub: user.sub,
    aud: client.client_id,
    iat,
    exp: iat + (client.id_token_lifetime ?? settings.id_token_lifetime),
    authentication: grant,
    sid: await clientSessionId(grant.session_id, client.client_id),
    at_hash: await claimHash(access_token, alg),
    nonce,
    user: selectClaims(user.claims, scopes, grant.scope, 'id_token', grant.id_token_claims),
  })
  return signJwt(context, { alg, typ: 'JWT', claims })
}
