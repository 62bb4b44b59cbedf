// `id_token_hint` (OIDC Core §3.1.2.1): the subject of that ID token must be the one signed in. Expired tokens are accepted.
import { invalidRequest } from '../../model/oauth-errors.ts'
import type { ReceivedFromClient, WithClient, WithProvider } from './known.ts'

/** Verifies the token once; later steps use only its subject. Throws invalid_request for any other token. */
export async function checkIdTokenHint({
  parameters,
  client,
  provider,
}: ReceivedFromClient & WithClient & WithProvider): Promise<{ expected_sub: string | undefined }> {
  const hint = parameters.get('id_token_hint')
  if (hint === null) return { expected_sub: undefined }
  const claims = await provider.verifyIdToken(hint)
  if (typeof claims?.sub === 'string' && claims.aud === client.client_id) return { expected_sub: claims.sub }
  throw invalidRequest({
    description: 'id_token_hint is not an ID token of this client',
    check: 'id_token_hint',
    expected: `an ID token issued here to ${client.client_id}`,
    received: claims ? 'an ID token of another client' : 'a token that was not signed here',
    fix: 'send the ID token of this application, or leave id_token_hint out',
  })
}
