// What journeys through Countersign to a provider and back share: the records, and the way of a person who has cookies at both.
import { redirectUri, secret, seedClient } from '../flows/cast.ts'
import { type Browser, type Page, type Provider, redirectOf } from '../node/server.ts'
import { aForeignClient, type ForeignClient } from './foreign-client.ts'
import { groups, type Person, type Registration, type Upstream } from './upstream.ts'

const providerId = 'upstream'

export const registrationAt = ({ issuer }: Provider): Registration => ({
  redirectUris: [`${issuer}/external/callback/${providerId}`],
  postLogoutUris: [`${issuer}/external/signed-out`],
  backchannelLogoutUri: `${issuer}/external/backchannel-logout/${providerId}`,
})

/** What a new user gets of the provider's claims. */
const provisioning = {
  provisioning_enabled: true,
  user_template: {
    email: { claim: 'email' },
    given_name: { claim: 'given_name' },
    family_name: { claim: 'family_name' },
  },
  group_mappings: groups.map((group_id) => ({ group_id, when: { claim: 'groups', value: group_id } })),
}

/** Makes the upstream a way of signing in, or reads it again. */
export function saveUpstream({ operator }: Provider, upstream: Upstream, settings: Record<string, unknown> = {}) {
  const { metadata_endpoint, client_id, client_secret } = upstream
  const record = { name: 'Upstream', metadata_endpoint, client_id, client_secret, ...provisioning, ...settings }
  return operator('PUT', `identity-providers/${providerId}`, record)
}

/** The application that people sign in to, and all that it needs; the groups that the upstream knows. */
export async function seedApplication(provider: Provider): Promise<ForeignClient> {
  const { issuer, operator } = provider
  for (const group of groups) await operator('PUT', `groups/${group}`, { name: group })
  const profile = (await operator('GET', 'scopes/profile')) as { claims: object[] }
  await operator('PUT', 'scopes/profile', { claims: [...profile.claims, { claim: 'groups' }] })
  await seedClient(provider, 'web', { grant_types: ['authorization_code'], linked_user: null })
  return aForeignClient(issuer, 'web', secret, redirectUri)
}

/** One person's cookies, of Countersign and of the upstream. */
export interface Visitor {
  person: Person
  here: Browser
  there: Browser
}

/** Opens an authorization request, goes to the upstream by its button where the login page comes, signs in there, and comes back. */
export async function visit(upstream: Upstream, { person, here, there }: Visitor, url: URL): Promise<Page> {
  const page = await here.open(url)
  const away = page.html.includes('name="provider"') ? await here.submit(page, { provider: providerId }) : page
  return here.open(await upstream.signIn(there, redirectOf(away), person))
}
