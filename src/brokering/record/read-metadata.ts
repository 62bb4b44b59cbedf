// Reads the metadata and the keys of an external provider (OIDC Discovery §4, RFC 8414 §3), in bounded time and size (I09, I11).

import { acceptedAlgorithms } from '../../crypto/accepted-algorithms.ts'
import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { fetchLimited, parseJsonBody } from '../../outbound/bounded-fetch.ts'
import { type FetchContext, fetchKeySet } from '../../outbound/remote-jwks.ts'
import { parseProviderMetadata } from './metadata-rules.ts'

const limits = { maxBytes: 256 * 1024, timeoutMs: 5000 }

type Source = Pick<ExternalProvider, 'metadata_endpoint' | 'internal_hosts'> &
  Partial<Pick<ExternalProvider, 'valid_issuers'>>

/** Two hops. `fault`: one plain sentence. */
export async function readProviderMetadata(
  context: Pick<FetchContext, 'hops' | 'issuer'>,
  { metadata_endpoint, internal_hosts, valid_issuers = [] }: Source,
): Promise<{ metadata: ProviderMetadata; jwks: { keys: JsonWebKey[] } } | { fault: string }> {
  if (metadata_endpoint === null) return { fault: 'No metadata endpoint is set.' }
  const document = await fetchDocument(context, metadata_endpoint, internal_hosts)
  if ('fault' in document) return document
  const allowLoopback = context.issuer.isLoopback
  const rules = { metadata_endpoint, internal_hosts, valid_issuers, allowLoopback, algorithms: acceptedAlgorithms }
  const judged = parseProviderMetadata(document.body, rules)
  if ('fault' in judged) return judged
  const { metadata } = judged
  const keys = await fetchKeySet(context, { uri: metadata.jwks_uri ?? '', internalHosts: internal_hosts })
  if ('fault' in keys) return { fault: `The provider's keys cannot be read: ${keys.fault}.` }
  if (keys.keys.length === 0) return { fault: `The provider publishes no keys at ${metadata.jwks_uri}.` }
  return { metadata, jwks: { keys: keys.keys } }
}

async function fetchDocument(
  context: Pick<FetchContext, 'hops' | 'issuer'>,
  address: string,
  internalHosts: string[],
): Promise<{ body: Record<string, unknown> } | { fault: string }> {
  context.hops += 1
  const headers = { accept: 'application/json', 'user-agent': 'Countersign' }
  const bounds = { ...limits, internalHosts, allowLoopback: context.issuer.isLoopback }
  const answer = await fetchLimited(address, bounds, { headers })
  if (answer.outcome === 'refused') return { fault: `The metadata endpoint did not work: ${answer.reason}.` }
  if (answer.status !== 200) return { fault: `The metadata endpoint answered with status ${answer.status}, not 200.` }
  const body = parseJsonBody(answer.body)
  return body ? { body } : { fault: `The metadata endpoint does not answer with a JSON object.` }
}
