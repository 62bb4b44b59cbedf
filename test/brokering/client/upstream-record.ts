// The record of a provider as D1 would have it, for tests of one function; and a whole sign-in at the fake provider without our own pages.

import {
  completeUpstreamLogin,
  startUpstreamLogin,
  type UpstreamRequest,
} from '../../../src/brokering/client/sign-in.ts'
import type { SignAssertion } from '../../../src/brokering/client/upstream-client-authentication.ts'
import { utf8 } from '../../../src/crypto/encoding.ts'
import type { ExternalProvider, ProviderMetadata, UpstreamLogin } from '../../../src/model/external-provider.ts'
import { BrokeringError } from '../../../src/model/login-attempt.ts'
import { aContext, type TestContext } from '../../context.ts'
import type { FakeUpstream } from '../../fakes/upstream.ts'
import { aProvider as aRecord } from '../provider-record.ts'

export const redirect_uri = 'https://id.test/external/callback/acme'
const secret = utf8('0123456789abcdef0123456789abcdef')

let providers = 0

/** Each with an id of its own, so that nothing remembered of another counts. */
export async function aProvider(
  upstream: FakeUpstream,
  overrides: Partial<ExternalProvider> = {},
): Promise<ExternalProvider> {
  providers += 1
  const { keyWrapper } = aContext().issuer
  return aRecord({
    provider_id: `acme-${providers}`,
    metadata_endpoint: upstream.metadata_endpoint,
    metadata: upstream.metadata as unknown as ProviderMetadata,
    metadata_fetched_at: 0,
    client_id: upstream.client_id,
    sealed_client_secret: await keyWrapper.seal('provider-secret', utf8(upstream.client_secret)),
    token_endpoint_auth_method: 'client_secret_basic',
    scopes: ['profile', 'email'],
    created_at: 0,
    updated_at: 0,
    ...overrides,
  })
}

const unsigned: SignAssertion = async () => {
  throw new Error('nothing is to be signed')
}

export interface Journey {
  context?: TestContext
  request?: Partial<UpstreamRequest>
  sign?: SignAssertion
  /** Changes what the browser brings back. */
  answer?: (parameters: URLSearchParams) => void
}

/** From the button to the verified claims. Throws BrokeringError. */
export async function signInAt(
  upstream: FakeUpstream,
  provider: ExternalProvider,
  { context = aContext(), request, sign = unsigned, answer }: Journey = {},
): Promise<UpstreamLogin> {
  const asked = { provider, redirect_uri, state: 'sealed-state', secret, ...request }
  const url = await startUpstreamLogin(context, asked, sign)
  const { searchParams: parameters } = upstream.approve(url)
  answer?.(parameters)
  return completeUpstreamLogin(context, { provider, redirect_uri, secret: asked.secret, parameters }, sign)
}

export async function refusalOf(journey: Promise<unknown>): Promise<BrokeringError> {
  const error = await journey.catch((thrown: unknown) => thrown)
  if (error instanceof BrokeringError) return error
  throw new Error(`expected a refusal, got ${error instanceof Error ? error.stack : JSON.stringify(error)}`)
}
