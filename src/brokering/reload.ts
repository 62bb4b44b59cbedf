// Reading a provider's own documents again: what it says of itself changes without us.
import type { RequestContext } from '../context.ts'
import type { IdentityProvider, ProviderMetadata } from '../protocol/identity-provider.ts'
import type { ProviderReading } from '../storage/identity-providers.ts'

/** What was read, or why not; then what was known before stays in use. */
export async function readProvider(context: RequestContext, provider: IdentityProvider): Promise<ProviderReading> {
  const answer = await readProviderMetadata(provider)
  const metadata_fetched_at = context.now
  if ('fault' in answer) {
    const { metadata, jwks } = provider
    return { metadata, jwks, metadata_fetched_at, metadata_fault: answer.fault, claims: [] }
  }
  const claims = answer.metadata.claims_supported ?? []
  return { ...answer, metadata_fetched_at, metadata_fault: null, claims }
}

// Until provider-metadata.ts reads them with its limits and judgement.
async function readProviderMetadata(
  provider: IdentityProvider,
): Promise<{ metadata: ProviderMetadata; jwks: { keys: JsonWebKey[] } } | { fault: string }> {
  try {
    const metadata = await (await fetch(provider.metadata_endpoint ?? '')).json<ProviderMetadata>()
    const jwks = await (await fetch(metadata.jwks_uri ?? '')).json<{ keys: JsonWebKey[] }>()
    return { metadata, jwks }
  } catch (fault) {
    return { fault: String(fault) }
  }
}
