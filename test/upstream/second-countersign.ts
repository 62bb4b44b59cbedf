// A second Countersign, of which the first one is a client. It puts names, e-mail and groups into userinfo, not into ID tokens.
import { randomBytes } from 'node:crypto'
import { startProvider } from '../node/server.ts'
import { browsing, clientId, groups, people, type Registration, type Upstream } from './upstream.ts'

export async function startSecondCountersign(registration: Registration): Promise<Upstream> {
  const { issuer, operator, stop } = await startProvider()
  const client_secret = randomBytes(24).toString('base64url')
  for (const name of groups) await operator('PUT', `groups/${name}`, { name })
  const profile = (await operator('GET', 'scopes/profile')) as { claims: object[] }
  await operator('PUT', 'scopes/profile', { claims: [...profile.claims, { claim: 'groups' }] })
  for (const { login, password, claims } of people) await operator('PUT', `users/${login}`, { password, ...claims })
  await operator('PUT', `clients/${clientId}`, {
    client_name: 'The first Countersign',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: registration.redirectUris,
    post_logout_redirect_uris: registration.postLogoutUris ?? [],
    scopes: ['openid', 'profile', 'email'],
    secrets: [{ value: client_secret }],
  })
  return {
    issuer,
    metadata_endpoint: `${issuer}/.well-known/openid-configuration`,
    client_id: clientId,
    client_secret,
    users: people,
    ...browsing(issuer),
    stop,
  }
}
