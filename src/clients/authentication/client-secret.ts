// client_secret_basic and client_secret_post (RFC 6749 §2.3.1): one secret, in the Authorization header or in the body.

import { sameText, sha256 } from '../../crypto/encoding.ts'
import type { Client, ClientSecret } from '../../model/client.ts'
import { type ClientAuthenticationMethod, type ClientCredentials, type Refused, refused } from './method.ts'

export const clientSecretBasic: ClientAuthenticationMethod = {
  name: 'client_secret_basic',
  needs: 'secret',
  carrier: 'Basic',
  isPresented: ({ basic }) => !!basic?.secret,
  read: async ({ basic }) => basic && secretCredentials(basic.id, basic.secret),
  challenge: (issuer) => `Basic realm="${issuer}"`,
}

export const clientSecretPost: ClientAuthenticationMethod = {
  name: 'client_secret_post',
  needs: 'secret',
  carrier: 'client_secret',
  isPresented: ({ params }) => !!params.get('client_secret'),
  read: async ({ params, client_id }) =>
    client_id === undefined ? undefined : secretCredentials(client_id, params.get('client_secret') ?? ''),
}

async function secretCredentials(client_id: string, secret: string): Promise<ClientCredentials> {
  const hash = await sha256(secret)
  return { client_id, verify: async ({ now }, client) => secretFault(client, hash, now) }
}

/** Compares with every secret, each in constant time. Returns undefined if a live secret matches. */
function secretFault(client: Client, hash: string, now: number): Refused | undefined {
  const matching = client.secrets.filter((secret) => sameText(secret.hash, hash))
  if (matching.some((secret) => isLive(secret, now))) return undefined
  const live = client.secrets.filter((secret) => isLive(secret, now)).map(describe)
  const [expired] = matching
  return refused({
    check: 'client_secret',
    expected: live.length > 0 ? `the secret ${live.join(' or ')}` : 'a live secret, but the client has none',
    received: expired ? `the secret ${describe(expired)}` : 'a secret that the client does not have',
    fix: expired
      ? 'configure a newer secret in the client'
      : 'correct the secret, or add one; in a Basic header it is form-encoded',
  })
}

const isLive = ({ expires_at }: ClientSecret, now: number): boolean => expires_at === null || expires_at > now

const describe = ({ label, expires_at }: ClientSecret): string =>
  `"${label}" (${expires_at === null ? 'no expiry' : `expires ${new Date(expires_at).toISOString()}`})`
