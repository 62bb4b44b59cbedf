// Rows of the OAuth and OpenID Connect endpoints and of metadata. Only /connect/authorize answers with pages.
import { discovery, jwks } from '../../endpoints/discovery.ts'
import { health } from '../../endpoints/health.ts'
import { introspection } from '../../endpoints/introspection.ts'
import { revocation } from '../../endpoints/revocation.ts'
import { token } from '../../endpoints/token/token.ts'
import { userinfo } from '../../endpoints/userinfo.ts'
import { authorize } from '../../interaction/authorize.ts'
import { paths } from '../../request/addresses.ts'
import { type Handler, type Route, route } from '../../request/route.ts'
import { form, noBody } from './rows.ts'

const document = (path: string, handler: Handler): Route =>
  route({
    path,
    handlers: { GET: handler, HEAD: handler },
    errors: 'json',
    crossOrigin: 'public',
    body: noBody,
    query: 'strict',
  })

const machine = (path: string, handler: Handler): Route =>
  route({ path, handlers: { POST: handler }, errors: 'json', crossOrigin: 'client', body: form, query: 'strict' })

export const protocolRoutes: readonly Route[] = [
  machine(paths.token, token),
  { ...machine(paths.userinfo, userinfo), handlers: { GET: userinfo, POST: userinfo } },
  document(paths.discovery, discovery),
  document(paths.jwks, jwks),
  route({
    path: paths.authorize,
    handlers: { GET: authorize, POST: authorize },
    errors: 'page',
    crossOrigin: 'none',
    body: form,
    query: 'strict',
  }),
  // Introspection is for resource servers, so no browser origin may read the response.
  { ...machine(paths.introspection, introspection), crossOrigin: 'none' },
  machine(paths.revocation, revocation),
  document(paths.authorizationServerMetadata, discovery),
  { ...document(paths.health, health), crossOrigin: 'none' },
]
