// The peer: oidc-provider on Node with a durable store, configured like Countersign in the benchmark: JWT access tokens for one resource,
// ID tokens of the same algorithm, rotation on every refresh, PKCE. Following the sign-in link signs in, and consent is given.
// Arguments: port, algorithm, database file, redirect_uri, then client_id:secret per client (static clients are its cheapest look-up).
import { generateKeyPairSync } from 'node:crypto'
import Provider, { type Context, type Interaction } from 'oidc-provider'
import { sqliteAdapter } from './sqlite-adapter.ts'

const [port, alg, file = '', redirectUri, ...clients] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const resource = 'https://api.bench.test'
const { privateKey } =
  alg === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })

const provider: Provider = new Provider(issuer, {
  adapter: sqliteAdapter(file),
  clients: clients.map((each) => {
    const [client_id, client_secret] = each.split(':')
    return {
      client_id,
      client_secret,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      id_token_signed_response_alg: alg,
    }
  }),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: 'bench' }] },
  cookies: { keys: ['bench cookies are not secret'] },
  scopes: ['openid', 'profile', 'offline_access'],
  claims: { openid: ['sub'], profile: ['name'] },
  ttl: {
    AccessToken: 3600,
    ClientCredentials: 3600,
    AuthorizationCode: 60,
    Grant: 90 * 86400,
    IdToken: 600,
    Interaction: 3600,
    RefreshToken: 15 * 86400,
    Session: 30 * 86400,
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: (_: Context, client: { grantTypeAllowed(grantType: string): boolean }) =>
    client.grantTypeAllowed('refresh_token'),
  findAccount: (_: Context, sub: string) => ({ accountId: sub, claims: () => ({ sub, name: 'Bench User' }) }),
  interactions: { url: (_: Context, interaction: Interaction) => `/sign-in/${interaction.uid}` },
  async loadExistingGrant(context: Context) {
    const { client, session } = context.oidc
    const known = session.grantIdFor(client.clientId)
    if (known) return provider.Grant.find(known)
    const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId })
    grant.addOIDCScope('openid profile offline_access')
    grant.addResourceScope(resource, 'api')
    await grant.save()
    return grant
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'api',
        audience: resource,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg } },
      }),
    },
  },
})

let people = 0
provider.use(async (context, next) => {
  if (!context.path.startsWith('/sign-in/')) return next()
  people += 1
  const result = { login: { accountId: `user-${people}`, remember: true } }
  await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false })
  context.respond = false
})

provider.listen(Number(port), '127.0.0.1', () => process.send?.({ issuer }))
process.once('disconnect', () => process.exit())
