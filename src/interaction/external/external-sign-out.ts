// Signing out at the external provider that a session came from (OIDC RP-Initiated Logout §2).

import { fromUtf8 } from '../../crypto/encoding.ts'
import type { UpstreamSession } from '../../grants/subject/sessions.ts'
import type { ExternalProvider } from '../../model/external-provider.ts'
import { addressOf, paths } from '../../request/addresses.ts'
import type { RequestContext } from '../../request/context.ts'

/** Returns undefined if the external provider has no end_session_endpoint. */
export async function signOutAddress(
  context: RequestContext,
  provider: ExternalProvider,
  { id_token }: UpstreamSession,
): Promise<string | undefined> {
  const endpoint = provider.metadata?.end_session_endpoint
  if (endpoint === undefined) return undefined
  const address = new URL(endpoint)
  const hint = id_token === null ? undefined : await context.issuer.sealer.open('upstream-id-token', id_token)
  if (hint) address.searchParams.set('id_token_hint', fromUtf8(hint))
  address.searchParams.set('client_id', provider.client_id)
  address.searchParams.set('post_logout_redirect_uri', addressOf(context.issuer, paths.externalSignedOut))
  return address.href
}
