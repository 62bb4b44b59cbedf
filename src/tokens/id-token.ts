// ID tokens (OIDC Core §2): protocol claims, and person claims only where asked for or configured.

import type { Client } from '../model/client.ts'
import type { Grant } from '../model/grant.ts'
import type { Person } from '../model/person.ts'
import { selectClaims } from '../protocol/claims.ts'
import { claimHash } from '../protocol/id-token/claim-hash.ts'
import type { RequestContext } from '../request/context.ts'
import { signJwt } from '../signing-keys/signing.ts'

export interface IdTokenContent {
  client: Client
  person: Person
  grant: Grant
  sid: string
  access_token: string
  /** Only in the answer to the code (OIDC Core §12.2). */
  nonce?: string | undefined
  /** Seconds. */
  iat: number
}

export async function issueIdToken(context: RequestContext, content: IdTokenContent): Promise<string> {
  const { client, person, grant, iat } = content
  const { settings, scopes } = context.configuration
  const alg = client.id_token_signed_response_alg ?? settings.id_token_signing_alg
  const claims: Record<string, unknown> = {
    ...selectClaims(person.claims, scopes, grant.scope, 'id_token', grant.id_token_claims),
    iss: context.issuer.url,
    sub: person.sub,
    aud: client.client_id,
    iat,
    exp: iat + (client.id_token_lifetime ?? settings.id_token_lifetime),
    // An external provider need not say when it was.
    ...(grant.authenticated_at > 0 ? { auth_time: Math.floor(grant.authenticated_at / 1000) } : {}),
    acr: grant.acr,
    amr: grant.amr,
    sid: content.sid,
    at_hash: await claimHash(content.access_token, alg),
  }
  if (content.nonce !== undefined) claims.nonce = content.nonce
  return signJwt(context, { alg, typ: 'JWT', claims })
}
