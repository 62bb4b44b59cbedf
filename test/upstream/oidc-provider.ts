// oidc-provider from npm with accounts and a sign-in page, everything in memory. Its documents and endpoints can be made faulty.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { type Switchboard, switchboard } from './faults.ts'
import { browsing, clientId, people, type Registration, type Upstream } from './upstream.ts'

const paths = {
  metadata: '/.well-known/openid-configuration',
  jwks: '/jwks',
  token: '/token',
  userinfo: '/me',
}

export interface OidcProvider extends Upstream, Pick<Switchboard<keyof typeof paths>, 'faults' | 'requests'> {}

/** `settings` override the client's metadata (RFC 7591 §2). */
export async function startOidcProvider(
  registration: Registration,
  settings: Record<string, unknown> = {},
): Promise<OidcProvider> {
  const client_secret = randomBytes(24).toString('base64url')
  // The issuer contains the port, so the server starts first.
  let handle: RequestListener = (_, response) => response.writeHead(503).end()
  const server = createServer((request, response) => handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const client = {
    client_id: clientId,
    client_secret,
    redirect_uris: registration.redirectUris,
    post_logout_redirect_uris: registration.postLogoutUris ?? [],
    backchannel_logout_session_required: true,
    ...(registration.backchannelLogoutUri ? { backchannel_logout_uri: registration.backchannelLogoutUri } : {}),
    ...settings,
  }
  const provider: Provider = new Provider(
    issuer,
    configurationOf(client, () => provider),
  )
  // Otherwise it prints an error when a client disconnects before the end of a huge response.
  provider.on('error', () => undefined)
  const { faults, requests, handle: guarded } = switchboard(paths, withSignInPage(provider))
  handle = guarded

  return {
    issuer,
    metadata_endpoint: `${issuer}${paths.metadata}`,
    client_id: clientId,
    client_secret,
    users: people,
    faults,
    requests,
    ...browsing(issuer),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function configurationOf(client: Record<string, unknown>, provider: () => Provider) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    clients: [client],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'upstream' }] },
    cookies: { keys: ['cookies of a test are no secret'] },
    scopes: ['openid', 'profile', 'email'],
    claims: {
      openid: ['sub', 'sid'],
      profile: ['given_name', 'family_name', 'locale', 'groups'],
      email: ['email', 'email_verified'],
    },
    // Puts the claims into the ID token as most providers do, not only into userinfo.
    conformIdTokenClaims: false,
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AuthorizationCode: 60, AccessToken: 600, IdToken: 600 },
    pkce: { required: () => true },
    findAccount: (_: unknown, accountId: string) => {
      const person = people.find((each) => subjectOf(each.login) === accountId)
      return person && { accountId, claims: () => ({ sub: accountId, locale: 'nl', ...person.claims }) }
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `${signInPath}${uid}` },
    async loadExistingGrant({ oidc: { client, session } }: import('oidc-provider').Context) {
      const known = session.grantIdFor(client.clientId)
      if (known) return provider().Grant.find(known)
      const grant = new (provider().Grant)({ accountId: session.accountId, clientId: client.clientId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        // The default page ends the session with a button outside the form, which our browser cannot press.
        async logoutSource(context: { body: string }, form: string) {
          context.body = form.replace('</form>', '<input type="hidden" name="logout" value="yes"></form>')
        },
      },
      backchannelLogout: { enabled: true },
    },
    // Drops the default dispatcher, which refuses loopback addresses.
    fetch: (url: string, { dispatcher, ...options }: RequestInit & { dispatcher?: unknown }) => fetch(url, options),
  }
}

const subjectOf = (login: string) => `person-${login}`

const signInPath = '/sign-in/'
const signInPage = `<!doctype html><title>Sign in</title>
<form method="post"><input name="username"><input name="password" type="password"><button>Sign in</button></form>`

function withSignInPage(provider: Provider): RequestListener {
  const others = provider.callback()
  return (request, response) => {
    if (!request.url?.startsWith(signInPath)) return others(request, response)
    return signIn(provider, request, response).catch((fault) => response.writeHead(400).end(String(fault)))
  }
}

async function signIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const form = new URLSearchParams(request.method === 'POST' ? await textOf(request) : '')
  const person = people.find(
    ({ login, password }) => login === form.get('username') && password === form.get('password'),
  )
  if (!person) return response.setHeader('content-type', 'text/html').end(signInPage)
  const login = { accountId: subjectOf(person.login), remember: true }
  return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
