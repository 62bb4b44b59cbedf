// What the tests of external sign-in share: a provider for people to come from, and the way there and back.
import { env } from 'cloudflare:workers'
import type { LoginAttempt } from '../../../src/model/login-attempt.ts'
import type { FakeUpstream } from '../../fakes/upstream.ts'
import { authorizeUrl, operator, type Parameters } from '../../provider.ts'
import { type Browser, type Page, redirectOf } from '../../user-agent.ts'

/** The record of a provider, over what the upstream says of itself. */
export const saveProvider = (upstream: FakeUpstream, providerId: string, record: Record<string, unknown> = {}) =>
  operator('PUT', `identity-providers/${providerId}`, upstream.record({ name: `The ${providerId} people`, ...record }))

/** From an authorization request to the provider's own page, by its button where the login page comes. */
export async function redirectToProvider(user: Browser, providerId: string, parameters: Parameters = {}): Promise<URL> {
  const page = await user.open(authorizeUrl(parameters))
  return redirectOf(page.html.includes('<form') ? await user.submit(page, { provider: providerId }) : page)
}

/** All the way: where the person is in the end. */
export async function signInAt(
  upstream: FakeUpstream,
  user: Browser,
  providerId: string,
  parameters: Parameters = {},
): Promise<Page> {
  const there = await redirectToProvider(user, providerId, parameters)
  return user.open(upstream.approve(there))
}

/** What the operator can look up, the newest first. */
export async function attempts(): Promise<LoginAttempt[]> {
  const { results } = await env.DB.prepare('SELECT * FROM login_attempts ORDER BY id DESC').all<LoginAttempt>()
  return results
}
