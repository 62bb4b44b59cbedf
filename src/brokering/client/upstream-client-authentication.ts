// Authenticates this server as a client of an external provider (RFC 6749 §2.3.1, OIDC Core §9, RFC 7523 §3).

import { base64, base64url, fromUtf8, randomBytes, utf8 } from '../../crypto/encoding.ts'
import type { ExternalProvider, ProviderMetadata } from '../../model/external-provider.ts'
import { type AttemptStep, BrokeringError } from '../../model/login-attempt.ts'
import type { RequestContext } from '../../request/context.ts'
import { isEntra } from './issuer-template.ts'

/** Signs a client assertion (private_key_jwt) with the signing certificate of this issuer. Passed in, because signing-keys/ is not a dependency of this folder. */
export type SignAssertion = (claims: Record<string, unknown>) => Promise<string>

export interface ClientCredentials {
  headers: Record<string, string>
  fields: Record<string, string>
}

/** Returns the credentials for one request to the token or pushed authorization request endpoint. Throws BrokeringError. */
export async function clientCredentials(
  context: RequestContext,
  provider: ExternalProvider,
  metadata: ProviderMetadata,
  sign: SignAssertion,
  step: AttemptStep,
): Promise<ClientCredentials> {
  const { client_id } = provider
  switch (provider.token_endpoint_auth_method) {
    case 'none':
      return { headers: {}, fields: { client_id } }
    case 'private_key_jwt':
      return { headers: {}, fields: { client_id, ...(await assertion(context, client_id, metadata, sign)) } }
    case 'client_secret_post':
      return { headers: {}, fields: { client_id, client_secret: await openSecret(context, provider, step) } }
    case 'client_secret_basic': {
      const pair = `${formEncoded(client_id)}:${formEncoded(await openSecret(context, provider, step))}`
      return { headers: { authorization: `Basic ${base64(utf8(pair))}` }, fields: {} }
    }
  }
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

async function openSecret(context: RequestContext, provider: ExternalProvider, step: AttemptStep): Promise<string> {
  const sealed = provider.sealed_client_secret
  const opened = sealed === null ? undefined : await context.issuer.keyWrapper.open('provider-secret', sealed)
  if (opened) return fromUtf8(opened)
  const cause =
    sealed === null
      ? `No client secret is set, but ${provider.token_endpoint_auth_method} needs one.`
      : 'The client secret cannot be opened: WRAP_KEY is not the one it was kept under.'
  throw new BrokeringError({
    step,
    check: 'client_secret',
    publicCause: 'invalid_answer',
    cause,
    fix: 'Enter the client secret again.',
    outcome: 'failed',
  })
}

/** Seconds. */
const lifetime = 60

async function assertion(
  { now }: RequestContext,
  client_id: string,
  metadata: ProviderMetadata,
  sign: SignAssertion,
): Promise<Record<string, string>> {
  const iat = Math.floor(now / 1000)
  const client_assertion = await sign({
    iss: client_id,
    sub: client_id,
    // The audience is the issuer, so that no other server can use the assertion (RFC 7523bis); Entra only accepts its token endpoint.
    aud: isEntra(metadata.issuer) ? metadata.token_endpoint : metadata.issuer,
    jti: base64url(randomBytes(16)),
    iat,
    nbf: iat,
    exp: iat + lifetime,
  })
  return { client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }
}
