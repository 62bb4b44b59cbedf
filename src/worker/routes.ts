// Every URL below the issuer: method, path, handler, the form its errors take, and who may call it from another origin. Paths are exact, so
// a table look-up is the router: no pattern, nothing to bypass. Two end with the id of an external provider.

import { discovery, jwks } from '../endpoints/discovery.ts'
import { health } from '../endpoints/health.ts'
import { introspection } from '../endpoints/introspection.ts'
import { revocation } from '../endpoints/revocation.ts'
import { token } from '../endpoints/token/token.ts'
import { userinfo } from '../endpoints/userinfo.ts'
import { account, externalSignedOut, home, signOut } from '../interaction/account/account.ts'
import { authorize } from '../interaction/authorize.ts'
import { callbackPath, externalCallback } from '../interaction/external/external-callback.ts'
import { externalLogin } from '../interaction/external/external-login.ts'
import { providerIcon } from '../interaction/external/icon.ts'
import { consent, showConsent } from '../interaction/steps/consent.ts'
import { login, showLogin } from '../interaction/steps/login.ts'
import { selectAccount, showAccounts } from '../interaction/steps/select-account.ts'
import { backchannelLogout, backchannelLogoutPath } from '../logout/upstream-back-channel.ts'
import { isProviderId } from '../model/external-provider.ts'
import { paths } from '../request/addresses.ts'
import type { RequestContext } from '../request/context.ts'
import type { Incoming } from '../request/incoming.ts'
import type { ErrorForm } from './responses.ts'

export type Handler = (context: RequestContext, incoming: Incoming) => Promise<Response>
export type Method = 'GET' | 'HEAD' | 'POST'

/**
 * `public`: anybody may read the answer. `client`: preflights pass for any origin, the answer is for origins of the client concerned.
 * `none`: no CORS header, ever.
 */
export type CrossOrigin = 'public' | 'client' | 'none'

export interface Route {
  handlers: Partial<Record<Method, Handler>>
  errors: ErrorForm
  crossOrigin: CrossOrigin
}

const document = (handler: Handler): Route => ({
  handlers: { GET: handler, HEAD: handler },
  errors: 'json',
  crossOrigin: 'public',
})
const machine = (handler: Handler): Route => ({ handlers: { POST: handler }, errors: 'json', crossOrigin: 'client' })
const page = (handlers: Route['handlers']): Route => ({ handlers, errors: 'page', crossOrigin: 'none' })

export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  [paths.discovery, document(discovery)],
  [paths.jwks, document(jwks)],
  [paths.authorizationServerMetadata, document(discovery)],
  [paths.authorize, page({ GET: authorize, POST: authorize })],
  [paths.token, machine(token)],
  [paths.userinfo, { handlers: { GET: userinfo, POST: userinfo }, errors: 'json', crossOrigin: 'client' }],
  // Resource servers introspect, browsers never do.
  [paths.introspection, { ...machine(introspection), crossOrigin: 'none' }],
  [paths.revocation, machine(revocation)],
  [paths.login, page({ GET: showLogin, POST: login })],
  [paths.selectAccount, page({ GET: showAccounts, POST: selectAccount })],
  [paths.consent, page({ GET: showConsent, POST: consent })],
  [paths.signOut, page({ POST: signOut })],
  [paths.account, page({ GET: account })],
  [paths.externalLogin, page({ POST: externalLogin })],
  [paths.externalSignedOut, page({ GET: externalSignedOut })],
  [paths.providerIcon, { handlers: { GET: providerIcon, HEAD: providerIcon }, errors: 'json', crossOrigin: 'none' }],
  [paths.home, page({ GET: home, HEAD: home })],
  [paths.health, { handlers: { GET: health, HEAD: health }, errors: 'json', crossOrigin: 'none' }],
])

/** What follows is the provider's id. */
const providerRoutes: [string, Route][] = [
  [callbackPath, page({ GET: externalCallback, POST: externalCallback })],
  [backchannelLogoutPath, { handlers: { POST: backchannelLogout }, errors: 'json', crossOrigin: 'none' }],
]

export function findRoute(path: string): Route | undefined {
  const route = routes.get(path)
  if (route || !path.startsWith('/external/')) return route
  return providerRoutes.find(([start]) => path.startsWith(start) && isProviderId(path.slice(start.length)))?.[1]
}
