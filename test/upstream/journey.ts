// Shared by tests that sign in through Countersign at an external provider: the records, and the steps of a person with two browsers.
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

/** How a new user is created from the provider's claims. */
const provisioning = {
  provisioning_enabled: true,
  user_template: {
    email: { claim: 'email' },
    given_name: { claim: 'given_name' },
    family_name: { claim: 'family_name' },
  },
  group_mappings: groups.map((group_id) => ({ group_id, when: { claim: 'groups', value: group_id } })),
}

/** Registers the upstream as an external provider, or saves it again, which reads its documents anew. */
export function saveUpstream({ operator }: Provider, upstream: Upstream, settings: Record<string, unknown> = {}) {
  const { metadata_endpoint, client_id, client_secret } = upstream
  const record = { name: 'Upstream', metadata_endpoint, client_id, client_secret, ...provisioning, ...settings }
  return operator('PUT', `identity-providers/${providerId}`, record)
}

/** Creates the application that people sign in to, the scope it needs, and the groups of the upstream. */
export async function seedApplication(provider: Provider): Promise<ForeignClient> {
  const { issuer, operator } = provider
  for (const group of groups) await operator('PUT', `groups/${group}`, { name: group })
  const profile = (await operator('GET', 'scopes/profile')) as { claims: object[] }
  await operator('PUT', 'scopes/profile', { claims: [...profile.claims, { claim: 'groups' }] })
  await seedClient(provider, 'web', { grant_types: ['authorization_code'], linked_user: null })
  return aForeignClient(issuer, 'web', secret, redirectUri)
}

/** A person with one browser at Countersign and one at the upstream, each with its own cookies. */
export interface Visitor {
  person: Person
  here: Browser
  there: Browser
}

/** Opens an authorization request, chooses the upstream if the login page is shown, signs in there, and returns the page after the callback. */
export async function visit(upstream: Upstream, { person, here, there }: Visitor, url: URL): Promise<Page> {
  const page = await here.open(url)
  const away = page.html.includes('name="provider"') ? await here.submit(page, { provider: providerId }) : page
  return here.open(await upstream.signIn(there, redirectOf(away), person))
}
